from tracking import Budget
from tracking.domain.budget import Amounts, Span, Unit
from tracking.domain.standing import Refusal, Standing
from tracking.report.budgets import (
    covered_by,
    limits_of,
    line_of,
    missing,
    notes_of,
    rules_of,
    title_of,
    waiting_words,
)

MONTH = Budget(name="all of us", per="month", usd="20", calls=500, zone="Europe/Berlin", agent="Data Analyst")


def standing(**amounts):
    return Standing(MONTH, Span("2026-11"), **amounts)


def test_a_budget_is_described_by_its_limits_whom_it_covers_and_its_rules():
    assert limits_of(MONTH) == "$20.00 or 500 calls each month (Europe/Berlin)"
    assert limits_of(Budget(tokens=5_000)) == "5,000 tokens each run"
    assert covered_by(MONTH) == "Calls of agent Data Analyst"
    assert covered_by(Budget(calls=1)) == "All calls"
    assert rules_of(Budget(calls=1, wait_minutes=5, warn_at=(90,))) == (
        "Told at 90 %. Calls without a known price are not made. "
        "A run that does not fit waits up to 5 min for a higher limit."
    )


def test_how_it_stands_is_said_for_each_of_its_limits():
    now = standing(spent=Amounts(3_200_000_000, 0, 41), reserved=Amounts(50_000_000, 0, 1))
    assert line_of(now, Unit.NANO_USD) == "$3.20 of $20.00 spent, $0.05 reserved, $16.75 left"
    assert line_of(now, Unit.CALLS) == "41 calls of 500 calls spent, 1 call reserved, 458 calls left"
    over = standing(spent=Amounts(20_100_000_000))
    assert line_of(over, Unit.NANO_USD) == "$20.10 of $20.00 spent, $0.10 over the limit"


def test_what_is_not_exact_stands_beside_it():
    assert notes_of(standing()) == []
    found = notes_of(
        standing(
            raised=Amounts(nano_usd=10**9),
            presumed=Amounts(nano_usd=31_200),
            overshoot=Amounts(nano_usd=400),
            refused=2,
        )
    )
    assert [note.partition(" ")[0] for note in found] == ["Raised", "Up", "Calls", "2"]
    assert "$0.0000312" in found[1]
    assert "$0.0000004" in found[2]


def test_the_title_is_the_answer():
    assert title_of([], 0, 0) == "No budget is set: calls are limited by nothing"
    assert title_of([], 2, 0) == "2 budgets for each run"
    assert title_of([standing(spent=Amounts(10**10))], 0, 0) == "50 % of all of us is spent"
    assert title_of([standing(spent=Amounts(2 * 10**10))], 0, 0) == "all of us is spent"
    assert title_of([standing()], 0, 2) == "2 runs wait for a higher limit"


def test_a_waiting_run_says_what_it_would_take():
    refusal = Refusal("all of us", "key", "2026-11", Unit.CALLS, limit=500, spent=499, reserved=1, asked=1)
    assert waiting_words(refusal) == (
        "Budget 'all of us' of 500 calls: 499 calls spent, 1 call reserved. The next one asks for 1 call."
    )
    assert missing(refusal) == 1
