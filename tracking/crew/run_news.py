"""What somebody should be told about a run that has ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from tracking.analysis.anomaly import Anomaly, anomaly
from tracking.domain.alert import Alert, AlertKind
from tracking.domain.call import CallTotals
from tracking.domain.cost import CostState
from tracking.domain.money import usd as dollars
from tracking.domain.run import Run, RunState
from tracking.ledger.ledger import Ledger
from tracking.report.format import counted, duration, usd

_COMPARED: Final = 60  # earlier runs, the newest: what is usual changes with data and prompts
_LOOKED_AT: Final = 300  # to find those among them that asked the same model
_MICROSECOND: Final = timedelta(microseconds=1)


def news_of(ledger: Ledger, run: Run) -> list[Alert]:
    """The alerts that follow from a run that has ended, and from nothing but the ledger.

    Raises:
        LedgerError: the ledger can't be read.
    """
    used = ledger.totals(run_id=run.run_id)
    return [
        *_bad_end(run, used),
        *_anomalies(ledger, run, used),
        *_unpriced(ledger, run),
        *_lost_calls(run),
    ]


def _bad_end(run: Run, used: CallTotals) -> Iterator[Alert]:
    if run.state is RunState.FAILED:
        error = run.error or {}
        kind = error.get("type", "an error")
        # The same error of the same preset is the same news: fifty inputs may fail for one wrong key.
        key = f"run_failed:{run.preset or run.name}:{kind}"
        said = error.get("message", "")
        body = "\n".join(part for part in (said, _spent(run, used)) if part)
        yield Alert(AlertKind.RUN_FAILED, key, _line(f"{run.name} failed: {kind}"), body, run.run_id)
    elif run.state is RunState.LOST:
        why = f": {run.stop_reason}" if run.stop_reason else ""
        body = (
            f"{_spent(run, used)} Its calls are kept; one that was open may be billed all the same. "
            "It is not begun again by itself."
        )
        title = _line(f"{run.name} is lost{why}")
        yield Alert(AlertKind.RUN_LOST, f"run_lost:{run.run_id}", title, body, run.run_id)


def _anomalies(ledger: Ledger, run: Run, used: CallTotals) -> Iterator[Alert]:
    earlier = _earlier(ledger, run)
    if used.cost.nano_usd is not None and used.requests:
        found = anomaly(used.cost.nano_usd, _costs(ledger, earlier))
        if found is not None:
            usual = usd(_rounded(found), CostState.KNOWN)
            cost = usd(used.cost.amount, used.cost.state)
            title = f"{run.name} cost {cost}, {_times(found)} the usual {usual}"
            yield _standing_out(AlertKind.COST_ANOMALY, run, title, found)
    took = None if run.state is RunState.LOST else _took(run)
    found = None if took is None else anomaly(took, [t for t in map(_took, earlier) if t is not None])
    if took is not None and found is not None:
        usual = duration(float(found.usual) / 1e6)
        title = f"{run.name} took {duration(took / 1e6)}, {_times(found)} the usual {usual}"
        yield _standing_out(AlertKind.DURATION_ANOMALY, run, title, found)


def _standing_out(kind: AlertKind, run: Run, title: str, found: Anomaly) -> Alert:
    body = (
        f"Usual is the median of the last {found.earlier} completed runs of the same preset and model; this "
        "one is far outside of how they differ among themselves."
    )
    return Alert(kind, f"{kind}:{run.run_id}", _line(title), body, run.run_id)


def _earlier(ledger: Ledger, run: Run) -> list[Run]:
    """Completed runs of the same preset (a crew of a person's own: of the same name) and the same model."""
    same: dict[str, Any] = {"preset": run.preset} if run.preset else {"preset": None, "name": run.name}
    before = ledger.runs(limit=_LOOKED_AT, state=RunState.COMPLETED, until=run.created_at, **same)
    model = run.spec.get("model")
    return [each for each in before if each.spec.get("model") == model][:_COMPARED]


def _costs(ledger: Ledger, runs: list[Run]) -> list[int]:
    """What runs cost in nano-dollars, without those of which that is not known altogether."""
    if not runs:
        return []
    sums = ledger.totals(by="run_id", run_id=tuple(run.run_id for run in runs))
    known = {CostState.KNOWN, CostState.FREE, CostState.ESTIMATED}
    costs = (each.cost for each in sums.values() if each.requests and each.cost.state in known)
    return [cost.nano_usd for cost in costs if cost.nano_usd is not None]


def _took(run: Run) -> int | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return (run.finished_at - run.started_at) // _MICROSECOND


def _unpriced(ledger: Ledger, run: Run) -> Iterator[Alert]:
    # A call of unknown usage has no cost either, but that is not for want of a price.
    sums = ledger.totals(
        by=("provider_name", "request_model"),
        run_id=run.run_id,
        cost_state=str(CostState.UNPRICED),
        usage_state=("reported", "estimated"),
        billed=1,
    )
    for (provider, model), used in sums.items():
        body = (
            f"{counted(used.requests, 'call')} of {run.name} can be in no total of money. Give the model a "
            "price on Models & prices, Your own prices."
        )
        key = f"unpriced_model:{provider}/{model}"
        title = _line(f"{model} of {provider} has no known price")
        yield Alert(AlertKind.UNPRICED_MODEL, key, title, body, run.run_id)


def _lost_calls(run: Run) -> Iterator[Alert]:
    tracker = run.evidence.get("tracker") or {}
    lost = tracker.get("lost", 0)
    if lost:
        errors = ", ".join(sorted(set(map(str, tracker.get("errors") or ()))))
        body = f"Its tokens and its cost are lower bounds.{f' Errors: {errors}.' if errors else ''}"
        title = _line(f"{counted(lost, 'call')} of {run.name} could not be recorded")
        key = f"tracker_lost_calls:{run.run_id}"
        yield Alert(AlertKind.TRACKER_LOST_CALLS, key, title, body, run.run_id)


def _spent(run: Run, used: CallTotals) -> str:
    took = _took(run)
    after = "Before it began" if took is None else f"After {duration(took / 1e6)}"
    if not used.requests:
        return f"{after}, without a billed call."
    return f"{after}, {counted(used.requests, 'call')}, {usd(used.cost.amount, used.cost.state)}."


def _rounded(found: Anomaly) -> Decimal:
    return dollars(round(found.usual))


def _times(found: Anomaly) -> str:
    return f"{float(found.times):.1f} times"


def _line(text: str) -> str:
    """Names are a person's own, and may hold anything."""
    return " ".join(text.split())
