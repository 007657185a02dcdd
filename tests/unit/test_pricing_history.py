"""What a price file must not say, each with its file and line."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tracking import PriceBook, TokenUsage
from tracking.errors import PriceError
from tracking.pricing.book import PRICES
from tracking.pricing.history import PriceFile, read

HEAD = """# line 1

[[price]]
provider = "openai"
model = "m"
source = "https://example.org"
input = 2
"""
SECOND = HEAD.replace("# line 1\n", "")  # begins on line 9 after HEAD
ALIAS = '[[alias]]\nprovider = "openai"\nname = "n"\nis = "m"\nsource = "https://example.org"\n'


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "prices.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_price_is_read_as_it_is_written(file):
    text = HEAD.replace("input = 2", "input = 0.1\nper_search = 0.01\ncache_write_5m = 1.25")
    (card,) = read(file(text)).cards["openai", "m"]
    assert card.rates == {
        "input_tokens": Decimal("0.1"),
        "cache_creation_5m_input_tokens": Decimal("1.25"),
        "cache_creation_input_tokens": Decimal("1.25"),
        "web_search_requests": Decimal(10),  # per thousand
    }


def test_days_begin_at_midnight_in_utc_and_moments_without_a_zone_are_in_utc(file):
    text = HEAD + "from = 2025-02-01\nuntil = 2025-03-01T01:00:00\n"
    (card,) = read(file(text)).cards["openai", "m"]
    assert card.since == datetime(2025, 2, 1, tzinfo=UTC)
    assert card.until == datetime(2025, 3, 1, 1, tzinfo=UTC)
    with_zone = read(file(HEAD + "from = 2025-02-01T01:00:00+02:00\n"))
    assert with_zone.cards["openai", "m"][0].since == datetime(2025, 1, 31, 23, tzinfo=UTC)


def test_at_least_is_one_below_above(file):
    tiers = "[[price.tier]]\nat_least = 128000\ninput = 4\n[[price.tier]]\nabove = 100\ninput = 3\n"
    (card,) = read(file(HEAD + tiers)).cards["openai", "m"]
    assert [tier.above for tier in card.tiers] == [100, 127_999]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("input = -1", "input: Input should be greater than or equal to 0"),
        ("input = nan", "input: Input should be a finite number"),
        ("input = inf", "input: Input should be a finite number"),
        ("input = 100001", "input: Input should be less than or equal to 100000"),
        ('input = "free"', "input: Input should be a valid decimal"),
        ("input = 2\ninptu = 2", "inptu: Extra inputs are not permitted"),
        ("", "it states no rate at all"),
        ("input = 0.1234567891", "the rate of input_tokens (0.1234567891) has more than nine decimals"),
        (
            "input = 2\nfrom = 2025-03-01\nuntil = 2025-02-01",
            "until (2025-02-01 00:00:00+00:00) must be after",
        ),
        (
            "input = 2\nfrom = 2025-02-01\nuntil = 2025-02-01",
            "until (2025-02-01 00:00:00+00:00) must be after",
        ),
        ("input = 2\nfrom = 2025", "from: 2025 is no date: write it like 2025-06-10"),
        ('input = 2\nfrom = "2025-03-01"', "from: '2025-03-01' is no date"),
        ("input = true", "input: True is no number"),
        ("input = 2\n[[price.tier]]\ninput = 3", "a tier needs either `above` or `at_least`"),
        ("input = 2\n[[price.tier]]\nabove = 1\nat_least = 2", "a tier needs either `above` or `at_least`"),
        ("input = 2\n[[price.tier]]\nabove = -1", "tier.0.above: Input should be greater than or equal to 0"),
        ("input = 2\n[[price.tier]]\nabove = 9\ninput = 0.1234567891", "has more than nine decimals"),
        ("input = 2\n[price.service.flex]\nfactor = -1", "service.flex.factor: Input should be greater"),
        ("input = 0.123456789\n[price.service.flex]\nfactor = 0.5", "has more than nine decimals"),
        ("input = 2\n[price.service.flex]\nfractor = 0.5", "service.flex.fractor: Extra inputs"),
        ("input = 2\n[[price.window]]\nstart = 01:00:00", "window.0.end: Field required"),
        ('input = 2\n[[price.window]]\nstart = "01:00Z"\nend = 02:00:00', "window.0.start: Input should be"),
        ('input = 2\n[[price.window]]\nstart = 01:00:00\nend = 02:00:00\ndays = ["monday"]', "window.0.days"),
    ],
)
def test_what_is_impossible_is_refused_with_file_and_line(file, said, fault):
    path = file(HEAD.replace("input = 2", said))
    with pytest.raises(PriceError) as caught:
        PriceBook.load(path)
    assert str(caught.value).startswith(f"{path}, line 3: ")
    assert fault in str(caught.value)


@pytest.mark.parametrize("key", ["provider", "model", "source"])
def test_an_entry_that_lacks_something_says_what(file, key):
    text = "\n".join(line for line in HEAD.splitlines() if not line.startswith(key))
    with pytest.raises(PriceError, match=rf"prices\.toml, line 3: {key}: Field required"):
        read(file(text))


def test_two_prices_of_a_name_at_one_time_are_refused_with_both_lines(file):
    first = HEAD + "until = 2025-03-02\n"
    second = SECOND.replace('model = "m"', 'model = "other"\naliases = ["M"]') + "from = 2025-03-01\n"
    path = file(first + second)
    with pytest.raises(PriceError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}, lines 3 and 10: two entries for openai/m overlap: "
        "end the first with `until` where the second begins"
    )


def test_a_price_may_begin_where_the_one_before_ends(file):
    history = read(file(HEAD + "until = 2025-03-01\n" + SECOND + "from = 2025-03-01\n"))
    assert len(history.cards["openai", "m"]) == 2


def test_two_meanings_of_a_name_at_one_time_are_refused(file):
    with pytest.raises(PriceError, match=r"lines 8 and 13: two entries for openai/n overlap"):
        read(file(HEAD + ALIAS + ALIAS))


def test_an_alias_that_lacks_its_model_is_refused(file):
    with pytest.raises(PriceError, match=r"line 8: is: Field required"):
        read(file(HEAD + ALIAS.replace('is = "m"\n', "")))


@pytest.mark.parametrize("table", ["[[prices]]", "[prices]", "prices = 3", 'prices.x = "y"'])
def test_an_unknown_table_is_refused_on_its_line(file, table):
    with pytest.raises(PriceError, match=r"line 2: unknown table 'prices'; there are \[\[price\]\]"):
        read(file(f"# line 1\n{table}\n"))


@pytest.mark.parametrize("text", ["[price]\ninput = 1\n", "price = [{ input = 1 }]\n", "price = 3\n"])
def test_an_entry_that_is_written_in_another_way_is_refused(file, text):
    with pytest.raises(
        PriceError, match=r"every entry must begin with a line of its own that says \[\[price\]\]"
    ):
        read(file(text))


@pytest.mark.parametrize("text", ["[[price]\n", "input = 0.1.2\n"])
def test_what_is_not_toml_is_refused_with_its_line(file, text):
    with pytest.raises(PriceError, match=r"prices\.toml can't be read as a price list: .*line 1"):
        read(file(text))


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(PriceError, match="No such file"):
        PriceBook.load(tmp_path / "missing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PriceError, match="can't be read as a price list"):
        PriceBook.load(tmp_path / "binary.toml")


def test_everything_that_is_impossible_is_found_at_once(file):
    path = file(
        HEAD.replace("input = 2", "input = -1\nx = 1") + SECOND + SECOND.replace('"m"', '"k"') + SECOND
    )
    found = PriceFile(path.read_text()).problems
    assert [problem.lines for problem in found] == [(3,), (3,), (10, 22)]
    assert found[-1].what.startswith("two entries for openai/m overlap")


def test_names_are_found_in_any_case(file):
    book = PriceBook.load(file(HEAD.replace('model = "m"', 'model = "My-Model"')))
    cost = book.price(
        "my-MODEL", TokenUsage(input_tokens=10**6, output_tokens=0), provider="openai", at=datetime.now(UTC)
    )
    assert cost.amount == 2


def test_our_own_file_says_nothing_impossible():
    assert PriceFile(PRICES.read_text()).problems == []
