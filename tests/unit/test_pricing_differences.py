"""What differs between two histories of a price."""

from datetime import UTC, datetime, time
from decimal import Decimal

from tracking.pricing.card import Card, Change, Tier, Window
from tracking.pricing.differences import Difference, differences, differences_at

FEBRUARY, MARCH, APRIL = (datetime(2025, month, 1, tzinfo=UTC) for month in (2, 3, 4))


def card(since=None, until=None, **changes):
    rates = {"input_tokens": Decimal(2), "output_tokens": Decimal(8)}
    return Card("p", "m", **({"rates": rates, "source": "x", "since": since, "until": until} | changes))


def at_input(rate):
    return {"input_tokens": Decimal(rate), "output_tokens": Decimal(8)}


def test_the_same_prices_differ_in_nothing_whatever_their_source_and_cuts():
    cut = [card(until=MARCH, source="y"), card(MARCH, note="z")]
    assert differences([card()], cut) == []


def test_a_rate_that_differs_is_said_for_its_period():
    before = [card(until=MARCH), card(MARCH, rates=at_input(1))]
    assert differences(before, [card()]) == [Difference("input", "1", "2", MARCH, None)]


def test_what_differs_in_several_periods_in_a_row_is_said_once():
    before = [card(until=FEBRUARY), card(FEBRUARY, MARCH), card(MARCH, APRIL, rates=at_input(3)), card(APRIL)]
    assert differences(before, [card(rates=at_input(5))]) == [
        Difference("input", "2", "5", None, MARCH),
        Difference("input", "3", "5", MARCH, APRIL),
        Difference("input", "2", "5", APRIL, None),
    ]


def test_a_model_that_was_not_priced_before():
    assert differences([], [card(MARCH)]) == [
        Difference("input", "—", "2", MARCH, None),
        Difference("output", "—", "8", MARCH, None),
    ]
    assert differences([], []) == []


def test_a_tier_that_only_one_side_has():
    tiered = card(tiers=(Tier(200_000, {"input_tokens": Decimal(4)}),))
    assert differences([card()], [tiered]) == [Difference("input, above 200,000", "2", "4")]


def test_a_rate_that_differs_in_every_tier_in_the_same_way_is_said_once():
    tier = (Tier(200_000, {"output_tokens": Decimal(12)}),)
    assert differences([card(tiers=tier)], [card(tiers=tier, rates=at_input(3))]) == [
        Difference("input", "2", "3")
    ]


def test_service_tiers_that_one_side_lacks_and_those_that_differ():
    half, third = Change(Decimal("0.5")), Change(Decimal("0.3"))
    before, after = card(services={"batch": half}), card(services={"batch": third, "flex": half})
    assert differences([before], [after]) == [
        Difference("service tiers", "batch", "batch, flex"),
        Difference("input, batch", "1", "0.6"),
        Difference("output, batch", "4", "2.4"),
    ]


def test_hours_that_differ_and_rates_within_the_same_hours():
    night = Window(time(16, 30), time(0, 30), Change(Decimal("0.5")))
    weekdays = Window(time(16, 30), time(0, 30), Change(Decimal("0.5")), frozenset(range(5)))
    cheaper = Window(time(16, 30), time(0, 30), Change(Decimal("0.25")))
    assert differences([card()], [card(windows=(night,))]) == [
        Difference("times of day", "—", "16:30 to 00:30")
    ]
    assert differences([card(windows=(weekdays,))], [card(windows=(night,))]) == [
        Difference("times of day", "16:30 to 00:30 Mon Tue Wed Thu Fri", "16:30 to 00:30")
    ]
    assert differences([card(windows=(night,))], [card(windows=(cheaper,))]) == [
        Difference("input, 16:30 to 00:30", "1", "0.5"),
        Difference("output, 16:30 to 00:30", "4", "2"),
    ]


def test_at_a_moment_only_what_is_in_force_then_counts():
    before = [card(until=MARCH), card(MARCH, rates=at_input(1))]
    assert differences_at(FEBRUARY, before, [card()]) == []
    assert differences_at(MARCH, before, [card()]) == [Difference("input", "1", "2")]
