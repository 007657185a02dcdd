"""What holds for every call, whatever it used and whenever it was made."""

import csv
import json
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking import PriceBook, TokenUsage
from tracking.domain.cost import CostState, total
from tracking.errors import PriceError
from tracking.pricing.book import PRICES
from tracking.pricing.history import PriceFile, read
from tracking.pricing.listed import PriceList
from tracking.pricing.offer import Offer

BOOK = PriceBook.load()
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "prices.csv"
with GOLDEN.open(newline="") as opened:
    ROWS = list(csv.DictReader(opened))
CARDS = [
    *{id(card): card for cards in read(PRICES).cards.values() for card in cards}.values(),
    *(card for _, _, cards in PriceList().everything() for card in cards if card.rates),
]
ZONES = st.integers(min_value=-12 * 60, max_value=14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(datetime(2023, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
COUNT = st.integers(min_value=0, max_value=400_000)
# What tokens are charged as, each apart from the others: a call's counts are sums of these.
CLASSES = ("fresh", "read", "write_5m", "write_1h", "plain_output", "reasoning", "searches")


def usage(fresh=0, read=0, write_5m=0, write_1h=0, plain_output=0, reasoning=0, searches=0):
    return TokenUsage(
        input_tokens=fresh + read + write_5m + write_1h,
        output_tokens=plain_output + reasoning,
        cache_read_input_tokens=read,
        cache_creation_input_tokens=write_5m + write_1h,
        cache_creation_5m_input_tokens=write_5m,
        cache_creation_1h_input_tokens=write_1h,
        reasoning_output_tokens=reasoning,
        web_search_requests=searches,
    )


used = st.fixed_dictionaries(dict.fromkeys(CLASSES, COUNT))


def golden(row):
    return (
        row["model"],
        TokenUsage(**json.loads(row["usage"])),
        row["provider"] or None,
        datetime.fromisoformat(row["at"]),
        row["service_tier"] or None,
    )


def price(model, used, provider, at, tier, book=BOOK):
    return book.price(model, used, provider=provider, at=at, service_tier=tier)


@given(card=st.sampled_from(CARDS), counts=used, at=MOMENTS, which=st.sampled_from(CLASSES), more=COUNT)
def test_a_call_that_uses_more_of_anything_never_costs_less(card, counts, at, which, more):
    offer = Offer(card)

    def cost(counts):
        tokens = usage(**counts)
        return offer.quote(tokens.input_tokens, None, at).price(tokens).nano_usd

    assert cost(counts) <= cost(counts | {which: counts[which] + more})


@given(card=st.sampled_from(CARDS), one=used, other=used, at=MOMENTS)
def test_two_calls_under_the_same_rates_cost_what_one_of_both_does_but_for_the_fee(card, one, other, at):
    """It is the rates that must be the same: together two calls may reach a tier that neither does alone."""
    first, second = usage(**one), usage(**other)
    both = first + second
    receipts = [Offer(card).quote(each.input_tokens, None, at).receipt for each in (first, second, both)]
    if receipts[0].rates != receipts[2].rates or receipts[1].rates != receipts[2].rates:
        return
    receipt = receipts[0]
    fee = receipt.rates.get("requests", Decimal(0)) / 1_000
    apart, together = (
        sum(line.amount for each in calls for line in receipt.lines(each))
        for calls in ([first, second], [both])
    )
    assert apart == together + fee


@given(rows=st.lists(st.sampled_from(ROWS), max_size=20), cut=st.integers(0, 20))
def test_costs_add_up_to_the_same_sum_in_any_grouping(rows, cut):
    costs = [price(*golden(row)) for row in rows]
    whole = total(costs)
    known = [cost.nano_usd for cost in costs if cost.nano_usd is not None]
    assert whole.nano_usd == (sum(known) if known or not costs else None)
    parts = total([total(costs[:cut]), total(costs[cut:])])
    if costs[:cut] and costs[cut:]:
        assert (parts.nano_usd, parts.state) == (whole.nano_usd, whole.state)


@pytest.mark.parametrize("service", [None, "flex", "priority", "batch", "fast"])
def test_a_tier_begins_exactly_above_its_threshold_on_every_card_that_has_one(service):
    tiered = [card for card in CARDS if card.tiers and (service is None or service in card.services)]
    assert tiered
    for card in tiered:
        offer, at = Offer(card), (card.since or datetime(2024, 1, 1, tzinfo=UTC))
        for tier in card.tiers:
            below, above = (offer.quote(tier.above + step, service, at).receipt for step in (0, 1))
            assert below.rates == card.rates_in(card.situation(tier.above, service, at))
            assert above.rates == card.rates_in(card.situation(tier.above + 1, service, at))
            if service is None and not card.windows:
                assert {name: above.rates[name] for name in tier.rates} == dict(tier.rates)
                assert f"more than {tier.above:,} input tokens" in above.note


@given(row=st.sampled_from(ROWS), zone=ZONES)
def test_the_same_moment_costs_the_same_in_any_time_zone(row, zone):
    model, tokens, provider, at, tier = golden(row)
    here, there = (price(model, tokens, provider, when, tier) for when in (at, at.astimezone(zone)))
    assert here == there
    assert here.amount == (Decimal(row["amount_usd"]) if row["amount_usd"] else None)


@given(card=st.sampled_from([card for card in CARDS if card.windows]), at=MOMENTS, zone=ZONES, counts=used)
def test_an_off_peak_window_opens_at_the_same_moment_everywhere(card, at, zone, counts):
    offer, tokens = Offer(card), usage(**counts)
    here, there = (offer.quote(tokens.input_tokens, None, when) for when in (at, at.astimezone(zone)))
    assert here.price(tokens) == there.price(tokens)


@given(
    provider=st.none()
    | st.sampled_from(["openai", "anthropic", "gemini", "aws", "azure", "openrouter", "x"]),
    model=st.text(max_size=30)
    | st.sampled_from([row["model"] for row in ROWS]).map(lambda name: name + "x9"),
    at=MOMENTS,
    tier=st.none() | st.sampled_from(["default", "flex", "batch", "turbo"]),
)
def test_a_cost_that_is_not_known_is_none_and_nothing_raises(provider, model, at, tier):
    for tokens in (usage(fresh=1_000, plain_output=10), None):
        cost = price(model, tokens, provider, at, tier)
        assert (cost.amount is None) == (cost.state is CostState.UNPRICED)
        if cost.amount == 0:
            assert cost.state is CostState.FREE
        if cost.amount is None:
            assert cost.receipt.note


@given(row=st.sampled_from(ROWS))
def test_without_its_usage_a_call_has_no_cost_but_a_free_ones(row):
    model, _, provider, at, tier = golden(row)
    assert price(model, None, provider, at, tier).amount is None
    assert price("anything", None, "ollama", at, tier).state is CostState.FREE


rate = st.decimals(min_value=0, max_value=1_000, places=6)


@given(input_rate=rate, output_rate=rate, counts=used, row=st.sampled_from(ROWS))
def test_an_override_wins_over_every_price_of_that_model_and_over_no_other(
    input_rate, output_rate, counts, row
):
    text = (
        '[[price]]\nprovider = "openai"\nmodel = "gpt-4o"\nsource = "https://example.org"\n'
        f"input = {input_rate}\noutput = {output_rate}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mine.toml"
        file.write_text(text)
        book = PriceBook(PriceFile(text).history.over(read(PRICES)))
    tokens = usage(**counts | {"searches": 0})
    cost = book.price("gpt-4o", tokens, provider="openai", at=datetime(2026, 1, 1, tzinfo=UTC))
    exact = (tokens.input_tokens * input_rate + tokens.output_tokens * output_rate) / 10**6
    assert abs(cost.amount - exact) <= Decimal("0.0000000005")
    assert cost.receipt.source == "https://example.org"
    if "gpt-4o" not in row["model"]:
        assert price(*golden(row), book=book) == price(*golden(row))


@given(bad=st.decimals(max_value=Decimal("-0.000001"), min_value=-1_000, places=6))
def test_an_override_that_is_impossible_is_refused_whole(bad):
    text = f'[[price]]\nprovider = "openai"\nmodel = "m"\nsource = "https://example.org"\ninput = {bad}\n'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mine.toml"
        file.write_text(text)
        with pytest.raises(PriceError, match=r"mine\.toml, line 1: input:"):
            PriceBook.load(file)
