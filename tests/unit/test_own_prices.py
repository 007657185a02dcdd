"""A person's own price file: changed entry by entry, kept as it was written, and put back."""

import textwrap
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tracking.errors import PriceError
from tracking.pricing.card import Card
from tracking.pricing.own import OwnPrices

WRITTEN = textwrap.dedent(
    """\
    # agreed with the vendor in spring

    [[price]]   # see the contract
    provider = "openai"
    model = "gpt-4o"
    aliases = ["gpt-4o-2024-08-06"]
    from = 2026-01-01
    source = "contract 12"
    input = 2
    output = 8
    [[price.tier]]
    above = 128000
    input = 3

    # our own server
    [[price]]
    provider = "openai_compatible"
    model = "tuned"
    source = "power bill"
    input = 0.1
    """
)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
TUNED = Card("openai_compatible", "tuned", {"input_tokens": Decimal("0.2")}, "power bill of May")
AGREED = Card("openai", "GPT-4o", {"input_tokens": Decimal("1.5")}, "contract 13", since=MARCH)


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "home" / "prices.toml"
    file.parent.mkdir()
    file.write_text(WRITTEN, "utf-8")
    return OwnPrices(file)


def test_the_first_price_makes_the_file_and_can_be_undone(tmp_path):
    own = OwnPrices(tmp_path / "new" / "prices.toml")
    assert (own.entries(), own.can_undo) == ([], False)
    own.put(TUNED)
    assert [entry.card for entry in own.entries()] == [TUNED]
    own.undo()
    assert own.entries() == []


def test_an_entry_is_replaced_where_it_stands_and_the_rest_stays_as_it_was_written(own):
    own.put(TUNED)
    before, after = WRITTEN.split("# our own server\n")
    assert own.text() == before + "# our own server\n" + after.replace(
        "power bill", "power bill of May"
    ).replace("0.1", "0.2")


def test_a_later_price_ends_the_one_before_it(own):
    own.put(AGREED)
    first, _, new = (entry.card for entry in own.entries())
    assert (first.until, new.since, new.until) == (MARCH, MARCH, None)
    assert first.tiers[0].rates == {"input_tokens": Decimal(3)}  # what else it says is untouched
    assert "[[price]]   # see the contract" in own.text()


def test_a_replaced_entry_keeps_the_names_it_stands_for(own):
    own.put(replace(AGREED, since=datetime(2026, 1, 1, tzinfo=UTC)))
    assert own.entries()[0].aliases == ("gpt-4o-2024-08-06",)


def test_a_removed_entry_takes_nothing_else_with_it(own):
    own.remove(replace(AGREED, since=datetime(2026, 1, 1, tzinfo=UTC)))
    assert [entry.card.model for entry in own.entries()] == ["tuned"]
    assert "# agreed with the vendor in spring" in own.text()
    assert "# our own server" in own.text()


def test_the_last_change_is_undone_and_the_undoing_too(own):
    own.put(TUNED)
    changed = own.text()
    own.undo()
    assert own.text() == WRITTEN
    own.undo()
    assert own.text() == changed


def test_what_the_file_would_not_allow_changes_nothing(own):
    twice = replace(AGREED, model="gpt-4o-2024-08-06", since=None)
    with pytest.raises(
        PriceError, match=r"lines \d+ and \d+: two entries for openai/gpt-4o-2024-08-06 overlap"
    ):
        own.put(twice)
    too_fine = replace(TUNED, rates={"input_tokens": Decimal("0.0000000001")})
    with pytest.raises(PriceError, match=r"line 16: the rate of input_tokens .* more than nine decimals"):
        own.put(too_fine)
    assert own.text() == WRITTEN
    assert not own.can_undo


def test_a_file_that_is_wrong_already_says_where(own):
    own.path.write_text(WRITTEN.replace("input = 2", "input = -2"), "utf-8")
    with pytest.raises(PriceError, match="line 3: input: Input should be greater than or equal to 0"):
        own.entries()
    with pytest.raises(PriceError, match="line 3"):
        own.put(TUNED)


def test_several_are_written_at_once_or_none(own):
    own.put(replace(AGREED, model="gpt-6", until=datetime(2027, 1, 1, tzinfo=UTC)), TUNED)
    assert [entry.card.model for entry in own.entries()] == ["gpt-4o", "tuned", "gpt-6"]
    own.undo()
    assert own.text() == WRITTEN


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(PriceError, match="can't be written"):
        OwnPrices(tmp_path / "file" / "prices.toml").put(TUNED)
