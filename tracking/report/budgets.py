"""Budgets in words: what each covers, how it stands, and what there is to decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tracking.domain.budget import NOTHING, Amounts, Budget, OnUnpriced, Per, Unit
from tracking.domain.standing import Refusal, Standing, said
from tracking.report.format import counted, share

_PERIODS: Final = {
    Per.RUN: "each run",
    Per.DAY: "each day",
    Per.WEEK: "each week",
    Per.MONTH: "each month",
    Per.ALL: "altogether",
}
_UNPRICED: Final = {
    OnUnpriced.BLOCK: "Calls without a known price are not made.",
    OnUnpriced.ALLOW: "Calls without a known price are made, and count for what is known of them.",
    OnUnpriced.COUNT_TOKENS: "Calls without a known price count by their tokens.",
}


def title_of(standings: Sequence[Standing], runs: int, waiting: int) -> str:
    """The page's answer. `runs` is how many budgets each run has anew, `waiting` how many runs wait now."""
    if waiting:
        return f"{counted(waiting, 'run')} {'waits' if waiting == 1 else 'wait'} for a higher limit"
    if not standings:
        if not runs:
            return "No budget is set: calls are limited by nothing"
        return f"{counted(runs, 'budget')} for each run"
    worst = max(standings, key=lambda standing: standing.share)
    if worst.share >= 1:
        return f"{worst.budget.name} is spent"
    return f"{share(worst.share)} of {worst.budget.name} is spent"


def limits_of(budget: Budget) -> str:
    """`$20.00 or 500 calls each month (Europe/Berlin)`."""
    limits = " or ".join(said(limit, unit) for unit, limit in budget.limits.items())
    zone = "" if budget.per in {Per.RUN, Per.ALL} else f" ({budget.zone})"
    return f"{limits} {_PERIODS[budget.per]}{zone}"


def covered_by(budget: Budget) -> str:
    """Whose calls count under it."""
    parts = (
        ("preset", budget.preset),
        ("agent", budget.agent),
        ("model", budget.model),
        ("provider", budget.provider),
    )
    found = [f"{what} {name}" for what, name in parts if name is not None]
    return f"Calls of {', '.join(found)}" if found else "All calls"


def rules_of(budget: Budget) -> str:
    """What else it says, in sentences."""
    told = ", ".join(f"{percent} %" for percent in budget.warn_at)
    waits = (
        "A run that does not fit ends, unless its own settings let it wait."
        if not budget.wait_minutes
        else f"A run that does not fit waits up to {budget.wait_minutes:g} min for a higher limit."
    )
    return " ".join(filter(None, (f"Told at {told}." if told else "", _UNPRICED[budget.on_unpriced], waits)))


def line_of(standing: Standing, unit: Unit) -> str:
    """`$3.20 of $20.00 spent, $0.05 reserved, $16.75 left`."""
    left = standing.left(unit)
    assert left is not None
    limit = standing.limits[unit]
    words = [f"{said(standing.spent.of(unit), unit)} of {said(limit, unit)} spent"]
    if standing.reserved.of(unit):
        words.append(f"{said(standing.reserved.of(unit), unit)} reserved")
    words.append(f"{said(left, unit)} left" if left >= 0 else f"{said(-left, unit)} over the limit")
    return ", ".join(words)


def notes_of(standing: Standing) -> list[str]:
    """What has to be known of how it came to stand so, in sentences."""
    notes = []
    if standing.raised != NOTHING:
        time = "run" if standing.budget.per is Per.RUN else "period"
        notes.append(f"Raised by {_limited(standing, standing.raised)} for this {time}.")
    if standing.presumed != NOTHING:
        notes.append(
            f"Up to {_limited(standing, standing.presumed)} of it is presumed: the most that calls can have "
            "used whose end was never seen."
        )
    if any(standing.overshoot.of(unit) for unit in standing.limits):
        notes.append(
            f"Calls took {_limited(standing, standing.overshoot)} more than was set aside for them: "
            + (
                "their provider counts tokens in another way."
                if standing.overshoot.tokens
                else "they were served at a dearer price than was asked for."
            )
        )
    if standing.refused:
        notes.append(f"{counted(standing.refused, 'call')} refused.")
    return notes


def waiting_words(refusal: Refusal) -> str:
    """Why a run waits, and what it would take."""
    if refusal.unit is None:
        return f"Budget {refusal.budget!r} lets no call pass whose price is not known: {refusal.why}."
    unit = refusal.unit
    return (
        f"Budget {refusal.budget!r} of {said(refusal.limit, unit)}: {said(refusal.spent, unit)} spent, "
        f"{said(refusal.reserved, unit)} reserved. The next one asks for {said(refusal.asked, unit)}."
    )


def missing(refusal: Refusal) -> int:
    """By how much the limit has to be raised, at least, for the call that waits."""
    return max(0, refusal.spent + refusal.reserved + refusal.asked - refusal.limit)


def _limited(standing: Standing, amounts: Amounts) -> str:
    """The amounts in the units that the budget limits."""
    return (
        " and ".join(said(amounts.of(unit), unit) for unit in standing.limits if amounts.of(unit))
        or "nothing"
    )
