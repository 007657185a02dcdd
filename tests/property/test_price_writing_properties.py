"""What is written as a price is read as the same price."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tracking.pricing.book import PRICES
from tracking.pricing.card import Card
from tracking.pricing.history import parse, read
from tracking.pricing.writing import entry

SHIPPED = list({id(card): card for cards in read(PRICES).cards.values() for card in cards}.values())
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


def read_back(text):
    (found,) = {
        id(card): card for cards in parse(text, Path("written")).cards.values() for card in cards
    }.values()
    return found


def test_every_shipped_card_comes_back_as_it_was():
    assert len(SHIPPED) > 400
    assert [read_back(entry(card)) for card in SHIPPED] == SHIPPED


MOMENT = st.datetimes(timezones=st.timezones()).filter(
    lambda moment: 1 < moment.year < 9999
)  # in UTC as well


@given(
    source=TEXT,
    note=TEXT,
    rate=st.decimals(min_value=0, max_value=100_000, places=6),
    since=st.none() | MOMENT,
)
def test_any_text_and_any_rate_comes_back_as_it_was(source, note, rate, since):
    card = Card("openai", "gpt-4o", {"input_tokens": rate}, source, since=since, note=note)
    assert read_back(entry(card)) == card


def test_other_names_are_written_too():
    cards = parse(entry(SHIPPED[0], ("one", "two")), Path("written")).cards
    assert {name for _, name in cards} == {SHIPPED[0].model, "one", "two"}
