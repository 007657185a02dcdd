"""What a name cost from first to last: our history where it has the name, else the public list."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from genai_prices.types import _providers_from_raw

from tracking import TokenUsage
from tracking.domain.cost import CostState
from tracking.pricing.book import PriceBook
from tracking.pricing.history import History, read
from tracking.pricing.listed import PriceList

MILLION = TokenUsage(input_tokens=1_000_000, output_tokens=0)


@pytest.fixture
def history(tmp_path):
    def write(text):
        file = tmp_path / "prices.toml"
        file.write_text(text)
        return read(file)

    return write


def price(model, input_rate, since="", until="", provider="openai", more=""):
    lines = [
        "[[price]]",
        f'provider = "{provider}"',
        f'model = "{model}"',
        'source = "https://example.org"',
        f"input = {input_rate}",
        f"from = {since}" if since else "",
        f"until = {until}" if until else "",
        more,
    ]
    return "\n".join(filter(None, lines)) + "\n"


def alias(name, target, since="", until="", provider="openai"):
    dates = (f"from = {since}\n" if since else "") + (f"until = {until}\n" if until else "")
    head = f'[[alias]]\nprovider = "{provider}"\nname = "{name}"\nis = "{target}"\n'
    return f'{head}{dates}source = "https://example.org"\n'


def listed(**models):
    """A list in which OpenAI and Azure have these models at these input rates."""
    raw = [
        {
            "id": provider,
            "name": provider,
            "api_pattern": "x",
            "model_match": {"starts_with": "gpt"},
            "models": [
                {"id": name, "match": {"equals": name}, "prices": {"input_mtok": rate}}
                for name, rate in models.items()
            ],
        }
        for provider in ("openai", "azure")
    ]
    return PriceList(lambda: SimpleNamespace(providers=_providers_from_raw(raw), source="the list"))


def costs(book, model, *days, provider="openai"):
    """What a million input tokens cost on each day; None: unpriced."""
    at = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in days]
    return [book.price(model, MILLION, provider=provider, at=each).amount for each in at]


def test_a_name_means_one_model_then_another_and_itself_where_it_had_not_moved(history):
    book = PriceBook(
        history(
            price("one", 1)
            + price("two", 2)
            + price("name", 9)
            + alias("name", "one", "2025-02-01", "2025-03-01")
            + alias("name", "two", "2025-04-01", "2025-05-01")
        ),
        listed(),
    )
    days = ("2025-01-31T23:59:59", "2025-02-01", "2025-02-28", "2025-03-01", "2025-04-01", "2025-05-01")
    assert costs(book, "name", *days) == [9, 1, 1, 9, 2, 9]


def test_before_between_and_after_a_names_meanings_it_has_no_price(history):
    book = PriceBook(
        history(price("one", 1) + alias("name", "one", "2025-02-01", "2025-03-01")), listed(other=5)
    )
    assert costs(book, "name", "2025-01-31", "2025-02-01", "2025-03-01") == [None, 1, None]


def test_an_alias_without_dates_is_one_for_ever(history):
    book = PriceBook(history(price("one", 1) + alias("name", "one")), listed(name=7))
    assert costs(book, "name", "2020-01-01", "2030-01-01") == [1, 1]


def test_a_name_that_stopped_moving_is_priced_by_the_list_afterwards(history):
    book = PriceBook(history(price("one", 1) + alias("name", "one", until="2025-03-01")), listed(name=7))
    assert costs(book, "name", "2025-02-28", "2025-03-01") == [1, 7]


def test_the_list_does_not_say_what_a_name_meant_before_we_saw_it_move(history):
    text = price("one", 1) + alias("name", "one", "2025-02-01", "2025-03-01")
    book = PriceBook(history(text + alias("name", "one", "2025-04-01", "2025-05-01")), listed(name=7))
    days = ("2025-01-31", "2025-02-01", "2025-03-01", "2025-04-01", "2025-05-01")
    assert costs(book, "name", *days) == [None, 1, None, 1, 7]


def test_an_alias_is_cut_where_its_model_changed_its_price(history):
    book = PriceBook(
        history(
            price("one", 4, until="2025-06-01")
            + price("one", 2, "2025-06-01")
            + alias("name", "one", "2025-02-01")
        ),
        listed(),
    )
    assert costs(book, "name", "2025-01-31", "2025-05-31", "2025-06-01") == [None, 4, 2]
    newest, oldest = book.cards("name", provider="openai")
    assert (oldest.since, oldest.until) == (
        datetime(2025, 2, 1, tzinfo=UTC),
        datetime(2025, 6, 1, tzinfo=UTC),
    )
    assert (newest.model, newest.until) == ("one", None)


def test_an_alias_may_lead_to_a_model_that_only_the_list_has(history):
    book = PriceBook(history(alias("name", "known", "2025-02-01")), listed(known=3))
    assert costs(book, "name", "2025-02-01") == [3]


def test_our_history_is_final_where_it_has_the_name(history):
    book = PriceBook(history(price("gpt-x", 1, "2025-02-01", "2025-03-01")), listed(**{"gpt-x": 7}))
    assert costs(book, "gpt-x", "2025-01-31", "2025-02-01", "2025-03-01") == [None, 1, None]
    cost = book.price("gpt-x", MILLION, provider="openai", at=datetime(2025, 3, 1, tzinfo=UTC))
    assert (cost.state, cost.receipt.note) == (CostState.UNPRICED, "no price of it is known for that time")


def test_what_our_history_has_not_is_priced_by_the_list(history):
    book = PriceBook(history(price("gpt-x", 1)), listed(**{"gpt-y": 7}))
    assert costs(book, "gpt-y", "2025-01-01") == [7]
    assert book.cards("gpt-y", provider="openai")[0].source == "the list"


def test_a_provider_that_sells_anothers_models_charges_that_ones_price_unless_it_has_its_own(history):
    text = price("gpt-x", 1) + price("gpt-y", 2) + price("gpt-y", 3, provider="azure")
    book = PriceBook(history(text), listed())
    assert costs(book, "gpt-x", "2025-01-01", provider="azure") == [1]
    assert costs(book, "gpt-y", "2025-01-01", provider="azure") == [3]


def test_a_name_alone_is_its_makers_not_a_resellers(history):
    text = price("gpt-y", 3, provider="azure") + price("gpt-y", 2) + price("gpt-z", 4, provider="azure")
    book = PriceBook(history(text), listed(**{"gpt-w": 5}))
    assert costs(book, "gpt-y", "2025-01-01", provider=None) == [2]
    assert costs(book, "gpt-z", "2025-01-01", provider=None) == [4]  # only Azure has it
    assert costs(book, "gpt-w", "2025-01-01", provider=None) == [5]
    assert costs(book, "other", "2025-01-01", provider=None) == [None]


def test_a_file_of_ones_own_wins_model_by_model_and_keeps_the_rest(history, tmp_path):
    ours = history(price("gpt-x", 1) + price("gpt-y", 2) + alias("name", "gpt-x"))
    override = tmp_path / "mine.toml"
    override.write_text(price("gpt-x", Decimal("0.5"), "2025-02-01"))
    book = PriceBook(read(override).over(ours), listed(**{"gpt-x": 7}))
    assert costs(book, "gpt-x", "2025-01-31", "2025-02-01") == [None, Decimal("0.5")]
    assert costs(book, "gpt-y", "2025-01-31") == [2]
    assert costs(book, "name", "2025-02-01") == [Decimal("0.5")]


def test_a_price_of_ones_own_wins_over_what_a_name_meant(history, tmp_path):
    ours = history(price("one", 1) + price("two", 2) + alias("name", "one") + price("other", 3))
    override = tmp_path / "mine.toml"
    override.write_text(price("name", 5) + alias("other", "two", "2025-02-01"))
    book = PriceBook(read(override).over(ours), listed())
    assert costs(book, "name", "2025-01-31") == [5]
    assert costs(book, "other", "2025-01-31", "2025-02-01") == [None, 2]


def test_the_list_is_not_read_while_our_history_has_the_model(history):
    def publish():
        raise AssertionError("the list was read")

    book = PriceBook(history(price("gpt-x", 1)), PriceList(publish))
    assert costs(book, "gpt-x", "2025-01-01") == [1]


def test_an_empty_history_prices_by_the_list():
    assert costs(PriceBook(History(), listed(m=2)), "m", "2025-01-01") == [2]
