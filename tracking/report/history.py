"""All runs: what each used, and what they used together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import pandas as pd

from tracking.analysis.missing import was_tracked
from tracking.domain.call import CallTotals, totals
from tracking.domain.cost import CostState, state_of_sum
from tracking.domain.reading import Source, TokenMetrics
from tracking.domain.run import Run, RunState
from tracking.report.account import (
    cost_of,
    elapsed_of,
    metrics_of,
    requests_of,
    tokens_of,
    tokens_of_sums,
)
from tracking.report.format import counted, duration, token_total, usd

_NOTHING: Final = totals(())


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the history. `state` is the one a person should see now."""

    run: Run
    state: RunState
    elapsed: timedelta | None
    metrics: TokenMetrics

    @property
    def used_nothing(self) -> bool:
        """Whether it is known to have called no model: it was watched, and nothing went wrong with that."""
        if self.run.started_at is None:
            return True
        if self.state.is_final and self.run.readings is None:
            return False  # its first call may have been open
        tracker = self.run.evidence.get("tracker") or {}
        watched = was_tracked(self.run) and not tracker.get("lost") and not tracker.get("errors")
        return watched and self.metrics.source is Source.NONE


@dataclass(frozen=True, slots=True)
class Sums:
    """Runs added up, with what could not be added counted beside the sums."""

    runs: int
    tokens: int
    unknown_runs: int  # some of their tokens are not known
    estimated_runs: int  # some of their tokens are estimated
    cost: Decimal | None
    cost_state: CostState
    unpriced_runs: int  # some of their calls are not priced
    cut_off_runs: int  # some of their calls may be missing


def entries(runs: Iterable[Run], used: Mapping[str | None, CallTotals], now: datetime) -> list[Entry]:
    """The runs with what the ledger's calls say of each."""
    found = []
    for run in runs:
        state = run.state_at(now)
        metrics = metrics_of(run, state, used.get(run.run_id, _NOTHING))
        found.append(Entry(run, state, elapsed_of(run, state, now), metrics))
    return found


def add_up(found: Iterable[Entry]) -> Sums:
    """Exact, and honest about its gaps: an unpriced run makes the cost a lower bound."""
    everything = list(found)
    counting = [entry for entry in everything if not entry.used_nothing]
    known = [entry.metrics.total_cost for entry in counting if entry.metrics.total_cost is not None]
    states = {entry.metrics.cost_state for entry in counting}
    cost = sum(known, Decimal(0)) if known or not counting else None
    return Sums(
        runs=len(everything),
        tokens=sum(entry.metrics.total_tokens or 0 for entry in counting),
        unknown_runs=sum(e.metrics.total_tokens is None or e.metrics.unknown_requests > 0 for e in counting),
        estimated_runs=sum(entry.metrics.estimated_requests > 0 for entry in counting),
        cost=cost,
        cost_state=CostState.UNPRICED if cost is None else state_of_sum(states),
        unpriced_runs=sum(_is_unpriced(entry.metrics) for entry in counting),
        cut_off_runs=sum(entry.metrics.lower_bound for entry in counting),
    )


def _is_unpriced(metrics: TokenMetrics) -> bool:
    """Whether some of it has no price; a cost may be partial for want of a call as well."""
    partial = metrics.cost_state is CostState.PARTIAL
    return metrics.cost_state is CostState.UNPRICED or (
        partial and (metrics.unpriced_requests > 0 or not metrics.lower_bound)
    )


def sums_title(sums: Sums) -> str:
    """The page's answer: `12 runs used 84,120 tokens, $0.31`."""
    return f"{counted(sums.runs, 'run')} used {used_by(sums)}"


def some_title(count: int, sums: Sums) -> str:
    """The same where only the newest of those that match are shown and added up."""
    return f"{counted(count, 'run')} match; the newest {sums.runs:,} used {used_by(sums)}"


def every_title(count: int, calls: CallTotals) -> str:
    """The same of a whole ledger, by its calls: those of no run are among them."""
    used, cost = tokens_of_sums(calls), usd(calls.cost.amount, calls.cost.state)
    return f"{counted(count, 'run')} used {used} tokens, {cost}"


def every_note(calls: CallTotals) -> str:
    """What the sums of a whole ledger lack; empty when they lack nothing."""
    notes = []
    if calls.unknown_requests:
        notes.append(f"{counted(calls.unknown_requests, 'call')} with tokens that are not known")
    if calls.estimated_requests:
        notes.append(f"{counted(calls.estimated_requests, 'call')} with tokens that are estimated")
    if calls.unpriced_requests:
        notes.append(f"{counted(calls.unpriced_requests, 'call')} unpriced")
    return ", ".join(notes)


def used_by(sums: Sums) -> str:
    """`84,120 tokens, $0.31`, each marked where it is a lower bound or an estimate."""
    unknown = sums.unknown_runs + sums.cut_off_runs
    used = token_total(sums.tokens, unknown=unknown, estimated=sums.estimated_runs)
    return f"{used} tokens, {usd(sums.cost, sums.cost_state)}"


def sums_note(sums: Sums) -> str:
    """What the sums lack; empty when they lack nothing."""
    notes = []
    if sums.unknown_runs:
        notes.append(f"{counted(sums.unknown_runs, 'run')} with tokens that are not known")
    if sums.estimated_runs:
        notes.append(f"{counted(sums.estimated_runs, 'run')} with tokens that are estimated")
    if sums.unpriced_runs:
        notes.append(f"{counted(sums.unpriced_runs, 'run')} with calls that are not priced")
    if sums.cut_off_runs:
        notes.append(f"{counted(sums.cut_off_runs, 'run')} cut off, whose last call may be missing")
    return ", ".join(notes)


def history_frame(
    found: Sequence[Entry], titles: Mapping[str, str], batches: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """One row per run, in the given order; what a run that called no model did not use is left empty.

    `titles` are the presets' titles by name, `batches` the batches' names by their ids; where no run is of a
    batch there is no column for it.
    """
    of_batch = [_place(entry.run, batches or {}) for entry in found]
    whole = sum(entry.metrics.total_tokens or 0 for entry in found)
    return pd.DataFrame(
        {
            "when": [entry.run.created_at for entry in found],
            "name": [entry.run.name for entry in found],
            "state": [str(entry.state) for entry in found],
            "tokens": ["" if entry.used_nothing else tokens_of(entry.metrics) for entry in found],
            "share": [round((e.metrics.total_tokens or 0) * 100 / whole, 1) if whole else 0.0 for e in found],
            "cost": ["" if entry.used_nothing else cost_of(entry.metrics) for entry in found],
            "calls": ["0" if entry.used_nothing else requests_of(entry.metrics) for entry in found],
            "duration": ["" if entry.elapsed is None else duration(entry.elapsed) for entry in found],
            "source": [_source(entry) for entry in found],
            "preset": [titles.get(entry.run.preset or "", entry.run.preset or "") for entry in found],
            **({"batch": of_batch} if any(of_batch) else {}),
        }
    )


def _place(run: Run, batches: Mapping[str, str]) -> str:
    if run.batch_id is None or run.batch_position is None:
        return ""
    return f"{batches.get(run.batch_id, run.batch_id)}, {run.batch_position + 1}"


def _source(entry: Entry) -> str:
    if entry.used_nothing:
        return ""
    source, verification = entry.metrics.source, entry.metrics.verification
    return str(source) if source in {Source.TRACKER, Source.NONE} else f"{source}, {verification}"
