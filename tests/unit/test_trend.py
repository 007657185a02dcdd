from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from run_support import call, estimated, refused

from tracking.domain.call import totals
from tracking.domain.usage import TokenUsage
from tracking.report.breakdown import Dimension
from tracking.report.overview import Overview, parts
from tracking.report.period import period
from tracking.report.stretches import Stretch
from tracking.report.trend import change, spell, title, top_models, trend_note, trend_tiles

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CALLS = [
    call(0, nano=620_000_000),
    call(1, "Report Writer", "report", nano=380_000_000),
]


def overview(calls, before=(), choice="30", **changes):
    whole = totals(calls)
    named = {
        name: totals([c for c in calls if c.agent_name == name]) for name in {c.agent_name for c in calls}
    }
    values = {
        "period": period(choice, NOW, UTC),
        "whole": whole,
        "before": None if choice == "all" else totals(before),
        "agents": parts(named, whole, Dimension.AGENT),
        "models": parts({"gpt-4o-mini": whole}, whole, Dimension.MODEL),
        "stretches": (),
        "unit": "day",
        "first": date(2026, 1, 3),
    }
    return Overview(**{**values, **changes})


@pytest.mark.parametrize(
    ("now", "before", "words", "direction"),
    [
        (0, 0, "none before either", 0),
        (5, 0, "none before", 1),
        (0, 5, "all less", -1),
        (5, 5, "the same", 0),
        (1_001, 1_000, "about the same", 0),
        (999, 1_000, "about the same", 0),  # and not: 0 % less
        (112, 100, "12 % more", 1),
        (88, 100, "12 % less", -1),
        (250, 100, "150 % more", 1),
        (320, 100, "3.2 times as much", 1),
        (300, 100, "3 times as much", 1),
        (123_456, 100, "1,235 times as much", 1),
        (1, 1_000, "> 99 % less", -1),
        (Fraction(1, 3), Fraction(1, 3), "the same", 0),
    ],
)
def test_a_change_is_said_in_words_and_never_as_nothing_per_cent(now, before, words, direction):
    found = change(now, before)
    assert (found.words, found.direction) == (words, direction)
    assert "0 %" not in f" {found.words}".replace("150 %", "")


def test_the_title_is_the_answer():
    assert title(overview(CALLS)) == "$1.00 in 30 days, 62 % of it by Data Analyst"
    assert title(overview(CALLS, choice="month")) == "$1.00 this month, 62 % of it by Data Analyst"
    assert title(overview(CALLS[:1])) == "$0.62 in 30 days, all of it by Data Analyst"


def test_all_history_is_told_since_its_first_day():
    stretch = Stretch(date(2026, 1, 1), {}, {}, {})
    found = overview(CALLS, choice="all", stretches=(stretch,))
    assert title(found) == "$1.00 since 3 Jan 2026, 62 % of it by Data Analyst"
    assert trend_note(found) == ""


def test_a_lower_bound_stays_one_and_its_parts_are_of_what_is_known():
    found = overview([*CALLS, call(2, nano=None)], CALLS)
    assert title(found) == "≥ $1.00 in 30 days, 62 % of what is known by Data Analyst"
    cost = trend_tiles(found)[0]
    assert (cost.tile.value, cost.tile.note, cost.tile.warns) == ("≥ $1.00", "1 call unpriced", True)
    assert cost.change is None  # a lower bound can't be compared
    assert trend_note(found) == (
        "Not every call has a price. By calls: 50 % more than in the 30 days before (2 calls)."
    )


def test_what_costs_nothing_is_told_in_tokens():
    free = [call(0, nano=0), call(1, "Report Writer", nano=0)]
    assert title(overview(free)) == "840 tokens in 30 days, 50 % of them by Data Analyst"
    unknown = [*free, call(2, tokens=None)]
    assert title(overview(unknown)) == "≥ 840 tokens in 30 days, 50 % of what is known by Data Analyst"


def test_calls_of_nobody_are_called_unattributed():
    assert title(overview([call(0, None)])) == "$0.00012 in 30 days, all of it unattributed"


def test_nothing_called_and_nothing_billed_are_two_things():
    assert title(overview([])) == "Nothing was called in 30 days"
    assert title(overview([refused(0)])) == "Nothing was billed in 30 days: 1 call failed"


def test_the_note_says_whether_it_goes_up():
    half = [call(0, nano=500_000_000)]
    assert trend_note(overview(CALLS, half)) == "100 % more than in the 30 days before ($0.50)."
    assert trend_note(overview(half, CALLS)) == "50 % less than in the 30 days before ($1.00)."
    assert trend_note(overview(CALLS, CALLS)) == "The same as in the 30 days before ($1.00)."
    assert trend_note(overview(CALLS, [call(0, nano=100_000_000)])) == (
        "10 times as much as in the 30 days before ($0.10)."
    )
    assert trend_note(overview(CALLS)) == "Nothing was called in the 30 days before."
    assert trend_note(overview(CALLS, [call(0, nano=0)])) == "None before, in the 30 days before ($0.00)."


def test_the_tiles_say_what_is_missing_and_how_each_changed():
    usage = TokenUsage(input_tokens=1_000, output_tokens=10, cache_read_input_tokens=250)
    found = overview([call(0, usage=usage), estimated(1), call(2, tokens=None), refused(3)], CALLS)
    cost, calls, tokens, failed, cached = trend_tiles(found)
    assert (calls.tile.value, calls.change.words) == ("3", "50 % more")
    assert (tokens.tile.value, tokens.change) == ("≥ 1,250", None)
    assert tokens.tile.note == "1 call reported no usage, 1 call estimated"
    assert (failed.tile.value, failed.tile.note, failed.change.words) == (
        "1",
        "25 % of all sent",
        "none before",
    )
    assert (cached.tile.value, cached.change) == ("21 %", None)  # 250 of 1,200
    assert cost.tile.warns


def test_a_cache_that_nobody_reported_is_not_known_and_its_change_is_in_points():
    def cached(share):
        usage = TokenUsage(input_tokens=1_000, output_tokens=10, cache_read_input_tokens=share * 10)
        return [call(0, usage=usage)]

    assert trend_tiles(overview(CALLS))[4].tile.value == "not known"
    words = [
        trend_tiles(overview(cached(a), cached(b)))[4].change.words for a, b in ((30, 10), (10, 30), (9, 9))
    ]
    assert words == ["20 points more", "20 points less", "about the same"]


def test_the_course_has_a_number_per_stretch():
    sums = {"requests": 3, "failed_requests": 1, "input_tokens": 100, "output_tokens": 20}
    sums |= {"cache_read_input_tokens": 25, "cost_nano_usd": 2_500_000_000}
    stretch = Stretch(date(2026, 11, 21), {}, {}, sums)
    courses = [tile.course for tile in trend_tiles(overview(CALLS, stretches=(stretch,)))]
    assert courses == [(2.5,), (3.0,), (120.0,), (1.0,), (25.0,)]


def test_one_model_alone_is_no_rest():
    whole = totals(CALLS)
    many = [replace(overview(CALLS).models[0], name=f"m{n}", label=f"m{n}", totals=whole) for n in range(8)]
    top, rest = top_models(overview(CALLS, models=tuple(many[:7])), 6)
    assert (len(top), rest) == (7, [])
    top, rest = top_models(overview(CALLS, models=tuple(many)), 6)
    assert (len(top), len(rest)) == (6, 2)


def test_a_stretch_is_said_as_what_it_is():
    stretch = Stretch(date(2026, 11, 2), {}, {}, {})
    assert [spell(stretch, unit) for unit in ("day", "week", "month")] == [
        "2 Nov 2026",
        "week from 2 Nov 2026",
        "November 2026",
    ]
