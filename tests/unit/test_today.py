"""The same calls at the prices of another time: a view that changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal

from run_support import call, refused

from tracking import PriceBook
from tracking.analysis.today import repriced
from tracking.domain.cost import CostState
from tracking.domain.usage import UsageState
from tracking.pricing.card import Card
from tracking.pricing.history import History
from tracking.report.today import today_note

THEN, NOW = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
CUT = datetime(2026, 1, 1, tzinfo=UTC)


def book(*cards):
    return PriceBook(History({("openai", "gpt-4o-mini"): list(cards)}))


def card(rate, since=None, until=None):
    rates = {"input_tokens": Decimal(rate), "output_tokens": Decimal(rate)}
    return Card("openai", "gpt-4o-mini", rates, "test", since, until)


DEAR_THEN_CHEAP = book(card(4, until=CUT), card(1, since=CUT))


def made(number=0, *, by=DEAR_THEN_CHEAP, **changes):
    """A call of 420 tokens at the price of its own time."""
    one = call(number, started_at=THEN, **changes)
    return one.priced(by.price(one.billed_model, one.usage, provider="openai", at=one.started_at))


def test_todays_price_is_told_beside_the_recorded_one_which_stays():
    calls = [made(0), made(1)]
    both = repriced(calls, DEAR_THEN_CHEAP, NOW)
    assert (both.recorded.amount, both.now.amount) == (Decimal("0.00336"), Decimal("0.00084"))  # 840 x 4, x 1
    assert [one.cost.amount for one in calls] == [Decimal("0.00168")] * 2
    assert today_note(both) == "At today's prices the same calls would cost $0.00084, not $0.00336."


def test_nothing_is_said_where_it_makes_no_difference():
    assert today_note(repriced([made()], DEAR_THEN_CHEAP, THEN)) is None
    assert today_note(repriced([], DEAR_THEN_CHEAP, NOW)) is None
    unknown = made(tokens=None)
    assert today_note(repriced([unknown], DEAR_THEN_CHEAP, NOW)) is None


def test_a_model_that_left_the_list_keeps_its_recorded_price():
    gone = book(card(4, until=CUT))
    both = repriced([made(by=gone)], gone, NOW)
    assert today_note(both) == "None of these calls has a price today. What was recorded stays."
    free = call(1, provider_name="local", request_model="smollm2", tokens=(1, 1))
    free = free.priced(gone.price("smollm2", free.usage, provider="local", at=THEN))
    assert today_note(repriced([made(by=gone), free], gone, NOW)) == (
        "1 of these 2 calls has no price today; the others would cost nothing. What was recorded stays."
    )


def test_a_price_that_was_missing_then_is_said_to_have_been():
    both = repriced([made(by=book(card(1, since=CUT)))], DEAR_THEN_CHEAP, NOW)
    assert both.recorded.state is CostState.UNPRICED
    assert today_note(both).endswith("would cost $0.00042; none of them had a price when it was made.")


def test_refused_requests_cost_nothing_then_and_now():
    assert repriced([refused(1)], DEAR_THEN_CHEAP, NOW).calls == 0


def test_an_estimate_stays_one():
    guessed = made(usage_state=UsageState.ESTIMATED)
    assert repriced([guessed], DEAR_THEN_CHEAP, NOW).now.state is CostState.ESTIMATED
