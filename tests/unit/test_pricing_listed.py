"""genai-prices' list as cards: dates, tiers, service tiers, hours, and rates that are money."""

from datetime import UTC, datetime, time
from decimal import Decimal
from types import SimpleNamespace

import pytest
from genai_prices.types import _providers_from_raw

from tracking import PriceBook, TokenUsage
from tracking.domain.cost import CostState
from tracking.pricing.card import Tier, Window
from tracking.pricing.listed import PriceList
from tracking.pricing.offer import Offer

AT = datetime(2026, 11, 1, tzinfo=UTC)


def listed(**model):
    """A list with one provider and one model, as genai-prices publishes it."""
    model = {"id": "m", "match": {"equals": "m"}} | model
    raw = [{"id": "p", "name": "P", "api_pattern": "x", "models": [model]}]
    publication = SimpleNamespace(providers=_providers_from_raw(raw), source="a list")
    return PriceList(lambda: publication)


def test_a_model_without_dates_has_one_card_for_all_time():
    (card,) = listed(prices={"input_mtok": 1, "output_mtok": 2, "web_searches_kcount": 10}).cards("p", "M")
    assert (card.provider, card.model, card.source, card.since, card.until) == (
        "p",
        "m",
        "a list",
        None,
        None,
    )
    assert card.rates == {"input_tokens": 1, "output_tokens": 2, "web_search_requests": 10}


def test_dates_cut_it_into_periods():
    prices = [
        {"prices": {"input_mtok": 4}},
        {"constraint": {"start_date": "2026-03-13"}, "prices": {"input_mtok": 2}},
    ]
    before, after = listed(prices=prices).cards("p", "m")
    assert (before.until, after.since) == (datetime(2026, 3, 13, tzinfo=UTC),) * 2
    assert (before.rates, after.rates) == ({"input_tokens": 4}, {"input_tokens": 2})


def test_tiers_variants_and_hours_become_ours():
    (card,) = listed(
        prices=[
            {"prices": {"input_mtok": {"base": 1, "tiers": [{"start": 200_000, "price": 2}]}}},
            {
                "constraint": {"start_time": "16:30:00Z", "end_time": "00:30:00Z"},
                "prices": {"input_mtok": Decimal("0.5")},
            },
        ],
        price_variants=[{"when": {"service_tier": "flex"}, "prices": {"input_mtok": Decimal("0.25")}}],
    ).cards("p", "m")
    assert card.tiers == (Tier(200_000, {"input_tokens": Decimal(2)}),)
    assert card.services["flex"].rates == {"input_tokens": Decimal("0.25")}
    (window,) = card.windows
    assert (window.start, window.end) == (time(16, 30), time(0, 30))
    assert isinstance(window, Window)
    assert window.change.rates == {"input_tokens": Decimal("0.5")}


def test_a_price_that_is_a_binary_fraction_loses_its_tail():
    tiers = {
        "base": Decimal("0.18000000000000002"),
        "tiers": [{"start": 9, "price": Decimal("0.0833333333333333")}],
    }
    (card,) = listed(prices={"input_mtok": tiers}).cards("p", "m")
    assert card.rates == {"input_tokens": Decimal("0.18")}
    assert card.tiers == (Tier(9, {"input_tokens": Decimal("0.083333333")}),)


def test_every_model_of_the_list_can_be_priced_in_every_situation():
    for _, _, cards in PriceList().everything():
        for card in cards:
            offer = Offer(card)
            for situation in card.situations():
                offer._quote(situation)


def test_a_model_whose_list_price_has_such_a_tail_is_priced():
    usage = TokenUsage(input_tokens=1_000_000, output_tokens=0, cache_creation_input_tokens=1_000_000)
    cost = PriceBook.load().price("google/gemini-2.5-flash", usage, provider="openrouter", at=AT)
    assert (cost.amount, cost.state) == (Decimal("0.083333333"), CostState.KNOWN)  # a twelfth of a dollar


@pytest.mark.parametrize(
    ("match", "known", "unknown"),
    [
        ({"equals": "m"}, ["m", "M"], ["m2", "xm", "m-2026-03-01"]),  # such a list names every snapshot
        ({"starts_with": "m"}, ["m", "m-2026-03-01", "m@20260301", "m-v1:0"], ["m2", "m-2", "xm", "m-mini"]),
        ({"starts_with": "m-"}, ["m-2026-03-01"], ["m", "m-mini", "m-2"]),
        ({"regex": "^m[0-9]$"}, ["m1", "m9"], ["m10", "xm1"]),
        ({"or": [{"equals": "a"}, {"contains": "bb"}]}, ["a", "bb", "bb-20260301"], ["ab", "bbc"]),
    ],
)
def test_a_name_is_a_models_exactly_or_not_at_all(match, known, unknown):
    prices = listed(match=match, prices={"input_mtok": 1})
    assert all(prices.cards("p", name) for name in known)
    assert not any(prices.cards("p", name) for name in unknown)


def test_an_unknown_provider_has_no_cards():
    prices = listed(prices={"input_mtok": 1})
    assert prices.cards("q", "m") == []
    assert prices.has_provider("p")
    assert not prices.has_provider("q")


def test_a_model_without_a_price_is_free_only_where_its_name_says_so():
    assert listed(prices={}).cards("p", "m")[0].rates == {}
    free = listed(id="m:free", match={"equals": "m:free"}, prices={}).cards("p", "m:free")[0]
    assert free.rates == {"input_tokens": 0, "output_tokens": 0}
