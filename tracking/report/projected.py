"""Earlier runs of a run's kind, and what they say of its end, in words."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from tracking.analysis.projection import FEWEST, PastRun, Projection, Range, Standing, Used, project
from tracking.domain.call import CallTotals, totals
from tracking.domain.cost import CostState
from tracking.domain.money import usd as dollars
from tracking.domain.run import Run, RunState
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.report.account import Account
from tracking.report.breakdown import Line
from tracking.report.format import NOT_KNOWN, counted, duration, usd

NEWEST: Final = 20  # earlier runs that are asked
_LOOKED_THROUGH: Final = 200  # the newest of the preset, to find them
_KIND: Final = ("preset", "model", "agent_models", "agents")  # of a run spec: what makes runs alike


def earlier_runs(ledger: Ledger, book: RunBook, run: Run) -> list[PastRun]:
    """The newest completed runs with the same preset, agents and models, so with the same tasks."""
    if not run.spec:  # a crew of a person's own: nobody knows what it will do
        return []
    found = ledger.runs(preset=run.preset, state=RunState.COMPLETED, limit=_LOOKED_THROUGH)
    alike = [each for each in found if _kind(each) == _kind(run) and each.run_id != run.run_id][:NEWEST]
    if not alike:
        return []
    ids = tuple(each.run_id for each in alike)
    wholes = ledger.totals(by=("run_id",), run_id=ids)
    parts = ledger.totals(by=("run_id", "task_name"), run_id=ids)
    return [
        _past(
            each,
            book,
            wholes.get((each.run_id,)),
            {
                task: sums
                for (owner, task), sums in parts.items()
                if owner == each.run_id and task is not None
            },
        )
        for each in alike
        if each.started_at is not None and each.finished_at is not None
    ]


def _kind(run: Run) -> tuple[object, ...]:
    return tuple(run.spec.get(name) for name in _KIND)


def _past(run: Run, book: RunBook, whole: CallTotals | None, parts: dict[str, CallTotals]) -> PastRun:
    assert run.started_at is not None
    assert run.finished_at is not None
    return PastRun(
        run.finished_at - run.started_at,
        {
            task.task_name: task.finished_at - run.started_at
            for task in book.tasks(run.run_id)
            if task.finished_at is not None
        },
        {task: _used(sums) for task, sums in parts.items()},
        Used(None, None) if whole is None else _used(whole),
    )


def _used(sums: CallTotals) -> Used:
    """What has a gap is not known here: a projection from lower bounds would be too low itself."""
    if sums.unknown_requests:
        return Used(None, None)
    if not sums.requests:
        return Used(0, 0)
    priced = sums.cost.state not in {CostState.UNPRICED, CostState.PARTIAL}
    return Used(sums.usage.total_tokens, sums.cost.nano_usd if priced else None)


def standing_of(account: Account, lines: Iterable[Line]) -> Standing | None:
    """Where a run is, by its calls added up by task; None before it began."""
    if account.run.started_at is None:
        return None
    done = {task.task_name: task.finished_at for task in account.tasks if task.state is RunState.COMPLETED}
    ended = [moment for moment in done.values() if moment is not None]
    of_done = totals(())
    for line in lines:
        if line.name in done:
            of_done += line.totals
    return Standing(
        account.run.started_at,
        frozenset(done),
        max(ended, default=account.run.started_at),
        _used(of_done),
        _used(account.totals),
    )


def outlook(past: Sequence[PastRun], account: Account, lines: Iterable[Line], now: datetime) -> str | None:
    """When it may end and at what, in a sentence.

    None where nothing can be said at all: it has not begun, or is a crew of a person's own.
    """
    standing = standing_of(account, lines)
    if standing is None or not account.run.spec:
        return None
    found = project(past, standing, now)
    if found.end is None:
        return f"Projected end and total: not known yet, {_too_few(found.runs)}."
    said = f"Projected, as {counted(found.runs, 'earlier run')} went: {_end(found.end, now)}"
    return f"{said}, {_total(found)}."


def _end(found: Range[datetime], now: datetime) -> str:
    low, high = (max(0, round((moment - now).total_seconds())) for moment in (found.low, found.high))
    if high == 0:
        return "it took longer than they did, and may end at any moment"
    return f"ends within {duration(high)}" if low == 0 else f"ends in {_span(duration(low), duration(high))}"


def _total(found: Projection) -> str:
    used = f"tokens {NOT_KNOWN}" if found.tokens is None else f"{_tokens(found.tokens)} tokens"
    cost = f"cost {NOT_KNOWN}"
    if found.nano_usd is not None:
        cost = _span(_dollars(found.nano_usd.low), _dollars(found.nano_usd.high))
    return f"in all {used}, {cost}"


def _tokens(found: Range[int]) -> str:
    return _span(f"{_rounded(found.low):,}", f"{_rounded(found.high):,}")


def _rounded(count: int) -> int:
    """Three digits: nobody knows more of what is to come."""
    return round(count, min(0, 3 - len(str(count))))


def _dollars(nano: int) -> str:
    return usd(dollars(nano), CostState.KNOWN) if nano else str(CostState.FREE)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _too_few(runs: int) -> str:
    there = "is none" if runs == 0 else "is 1" if runs == 1 else f"are {runs}"
    return f"for it needs {FEWEST} completed runs like this one, and there {there}"
