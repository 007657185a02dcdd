"""The form of a price: checked as the file is, and written so that it counts when it says."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tracking import PriceBook
from tracking.pricing.card import Card
from tracking.pricing.own import OwnPrice
from tracking.ui.prices.draft import PriceDraft, drafted, in_effect, named, values_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TYPED = {"provider": "openai", "model": "gpt-4o", "input": "2.50", "output": " $10 ", "source": "invoice"}


def test_what_was_typed_becomes_a_card():
    card = drafted(TYPED | {"from": date(2026, 12, 1), "until": None, "note": "", "per_search": "0.01"}).card
    assert card == Card(
        "openai",
        "gpt-4o",
        {"input_tokens": Decimal("2.50"), "output_tokens": Decimal(10), "web_search_requests": Decimal(10)},
        "invoice",
        since=datetime(2026, 12, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"provider": ""}, "provider", "whose price is it?"),
        ({"input": "0,25"}, "input", "0,25 is not a number: write it as 0.25"),
        ({"input": "-1"}, "input", "Input should be greater than or equal to 0"),
        ({"input": "nan"}, "input", "Input should be a finite number"),
        ({"input": "", "output": ""}, "", "it states no rate at all"),
        (
            {"from": date(2026, 2, 1), "until": date(2026, 1, 1)},
            "",
            "until (2026-01-01 00:00:00+00:00) must be after from (2026-02-01 00:00:00+00:00)",
        ),
    ],
)
def test_what_the_file_would_refuse_is_said_beside_its_key(changes, key, said):
    assert drafted(TYPED | changes) == PriceDraft(None, ((key, said),))


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        ("Gemini", "models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("openai", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("openai_compatible", "mine", ("openai_compatible", "mine")),
        ("openrouter", "openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
    ],
)
def test_names_are_written_as_they_are_looked_up(provider, model, found):
    assert named(provider, model) == found


def test_further_terms_of_another_card_are_kept_where_that_is_wanted():
    (gpt5,) = (card for card in PriceBook.load().cards("gpt-5", provider="openai") if card.covers(NOW))
    assert drafted(TYPED, gpt5).card.services == gpt5.services
    assert drafted(TYPED).card.services == {}


def test_a_card_goes_into_the_form_and_out_again():
    (gpt5,) = (card for card in PriceBook.load().cards("gpt-5", provider="openai") if card.covers(NOW))
    assert drafted(values_of(gpt5), gpt5).card == gpt5


def test_a_price_to_come_brings_the_one_in_force_along_or_there_would_be_none_until_then():
    current = drafted(TYPED | {"input": "3"}).card
    later = drafted(TYPED | {"from": date(2026, 12, 1)}).card
    kept, new = in_effect(later, [], current, NOW)
    assert (kept.rates["input_tokens"], kept.since, kept.until) == (Decimal(3), None, later.since)
    assert new == later
    assert in_effect(later, [OwnPrice(current, (), 0, 1)], current, NOW) == (later,)  # the file has one
    assert in_effect(current, [], later, NOW) == (current,)  # it counts at once
