from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tracking.domain.budget import Amounts, Budget, Per, Span, Unit
from tracking.domain.standing import Crossing, Refusal, Standing, said
from tracking.errors import ConfigError

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)  # a Sunday
TEN_DOLLARS = Budget(name="ten", per=Per.MONTH, usd="10")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "budget 'budget' limits nothing: give it usd, tokens or calls"),
        ({"usd": 0.1}, "budget 'budget': write usd as text, usd = \"0.1\": a float is not exact"),
        ({"usd": "much"}, "budget 'budget': usd must be an amount like 2.00, found 'much'"),
        ({"usd": "NaN"}, "budget 'budget': usd must be an amount like 2.00, found 'NaN'"),
        ({"usd": "-1"}, "budget 'budget': usd cannot be below 0, found -1"),
        ({"calls": 1, "per": "year"}, "per must be one of run, day, week, month, all, found 'year'"),
        ({"calls": 1, "warn_at": (0,)}, "warn_at is per cent, from 1 to 100"),
        ({"calls": 1, "zone": "Berlin"}, "there is no time zone 'Berlin'"),
        (
            {"usd": "1", "on_unpriced": "count tokens"},
            "counts tokens of unpriced calls: give it tokens as well",
        ),
        ({"calls": 1, "wait_minutes": -1}, "wait_minutes cannot be below 0"),
    ],
)
def test_a_budget_that_can_not_be_kept_is_none(fields, said):
    with pytest.raises(ConfigError) as refused:
        Budget(**fields)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("per", "zone", "name", "since", "until"),
    [
        (Per.DAY, "UTC", "2026-11-22", (2026, 11, 22, 0), (2026, 11, 23, 0)),
        (Per.DAY, "Pacific/Kiritimati", "2026-11-23", (2026, 11, 22, 10), (2026, 11, 23, 10)),  # UTC+14
        (Per.WEEK, "UTC", "2026-W47", (2026, 11, 16, 0), (2026, 11, 23, 0)),
        (Per.MONTH, "America/New_York", "2026-11", (2026, 11, 1, 4), (2026, 12, 1, 5)),  # from EDT to EST
    ],
)
def test_a_period_is_the_calendars_of_the_budgets_zone(per, zone, name, since, until):
    budget = Budget(per=per, calls=1, zone=zone)
    assert budget.span(NOON, "run") == Span(name, datetime(*since, tzinfo=UTC), datetime(*until, tzinfo=UTC))


def test_a_day_on_which_clocks_change_has_its_own_length():
    span = Budget(per=Per.DAY, calls=1, zone="Europe/Berlin").span(
        datetime(2026, 10, 25, 12, tzinfo=UTC), "run"
    )
    assert (span.until - span.since).total_seconds() == 25 * 3_600


def test_a_run_has_its_own_period_and_some_budgets_have_but_one():
    assert Budget(calls=1).span(NOON, "run-7") == Span("run-7")
    assert Budget(calls=1, per=Per.ALL).span(NOON, "run-7") == Span("all")


def test_names_may_have_any_letters_in_them_and_either_case():
    budget = Budget(calls=1, model="gpt-4o*", agent="data ?nalyst")
    assert budget.covers_call("openai", ("GPT-4o-mini",), "Data Analyst")
    assert not budget.covers_call("openai", ("gpt-4.1",), "Data Analyst")
    assert not budget.covers_call("openai", ("gpt-4o",), None)
    assert Budget(calls=1).covers_preset(None)


def test_another_limit_keeps_the_account_and_another_meaning_does_not():
    assert TEN_DOLLARS.key == Budget(name="ten", per="month", usd="20", wait_minutes=5).key
    assert TEN_DOLLARS.key != Budget(name="ten", per="month", usd="10", model="gpt-4o").key
    assert TEN_DOLLARS.key != Budget(name="ten", per="week", usd="10").key


def test_what_is_left_counts_what_is_set_aside_and_what_was_raised():
    standing = Standing(
        TEN_DOLLARS,
        Span("2026-11"),
        spent=Amounts(nano_usd=9_000_000_000),
        reserved=Amounts(nano_usd=1_500_000_000),
        raised=Amounts(nano_usd=2_000_000_000),
    )
    assert standing.limits == {Unit.NANO_USD: 12_000_000_000}
    assert standing.left(Unit.NANO_USD) == 1_500_000_000  # 10 + 2 - 9 - 1.5
    assert standing.left(Unit.CALLS) is None
    assert standing.share == 0.75  # 9 of 12
    assert str(Crossing(50, standing)) == "budget 'ten' is 50 % spent: $9.00 of $12.00"


def test_of_a_limit_of_nothing_all_is_spent():
    assert Standing(Budget(usd="0"), Span("run")).share == 1.0


def test_a_refusal_names_the_budget_and_every_amount_and_survives_being_written_down():
    refusal = Refusal("ten", "key", "2026-11", Unit.NANO_USD, 10**10, 9_990_000_000, 5_000_000, 12_345_678)
    assert str(refusal) == (
        "budget 'ten' of $10.00 does not suffice: $9.99 spent, $0.005 reserved, "
        "at most $0.012345678 asked for the next call, which was not made"
    )
    assert Refusal.from_json(refusal.to_json()) == refusal
    unknown = Refusal("ten", "key", "2026-11", None, why="no list has its price")
    assert str(unknown) == "budget 'ten' allows no call whose price is not known: no list has its price"
    assert Refusal.from_json(unknown.to_json()) == unknown


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (0, Unit.NANO_USD, "$0.00"),
        (1_240_000_000, Unit.NANO_USD, "$1.24"),
        (1, Unit.NANO_USD, "$0.000000001"),
        (12_345_000_000_000, Unit.NANO_USD, "$12,345.00"),
        (1, Unit.CALLS, "1 call"),
        (1_200, Unit.TOKENS, "1,200 tokens"),
    ],
)
def test_an_amount_is_said_with_every_digit_it_has(amount, unit, words):
    assert said(amount, unit) == words


def test_a_limit_is_the_amount_that_was_written():
    assert Budget(usd="0.1").usd == Decimal("0.1")
    assert Budget(usd=Decimal("2.00")).limit(Unit.NANO_USD) == 2_000_000_000
