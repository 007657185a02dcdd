"""A batch in words and rows: how many runs are done, what they used together, what tells them apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import pandas as pd

from tracking.domain.batch import Batch
from tracking.domain.run import Run, RunState
from tracking.domain.variation import at, varying, written
from tracking.report.account import cost_of, tokens_of
from tracking.report.format import counted, duration, spoken
from tracking.report.history import Entry, Sums, used_by

_TOLD: Final = (
    (RunState.RUNNING, "running"),
    (RunState.QUEUED, "waiting"),
    (RunState.FAILED, "failed"),
    (RunState.LOST, "lost"),
    (RunState.STOPPED, "stopped"),
)


def is_live(found: Sequence[Entry]) -> bool:
    """Whether any run waits or is under way."""
    return any(not entry.state.is_final for entry in found)


def batch_title(found: Sequence[Entry], sums: Sums) -> str:
    """The page's answer: `18 of 20 done, 2 failed: 41,200 tokens, $0.12`."""
    states = Counter(entry.state for entry in found)
    if states[RunState.QUEUED] == len(found):
        return f"{counted(len(found), 'run')} waiting to begin"
    parts = [f"{states[RunState.COMPLETED]:,} of {len(found):,} done"]
    parts += [f"{states[state]:,} {word}" for state, word in _TOLD if states[state]]
    return f"{', '.join(parts)}: {used_by(sums)}{' so far' if is_live(found) else ''}"


def differences(runs: Sequence[Run]) -> list[str]:
    """The fields in which a batch's runs are not all alike, in the page's order."""
    return varying([run.spec for run in runs])


def heading(field: str) -> str:
    """`campaign.target_audience` as a column's heading."""
    return spoken(field.rpartition(".")[2]).replace(" usd", " (US$)")


def _shown(value: Any) -> str:
    """A value of a spec as a person reads it."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if whole else written(value)


def batch_frame(batch: Batch, found: Sequence[Entry]) -> pd.DataFrame:
    """One row per run by position: its state, what varies, what it used, and why it has no result.

    There is a column for names where somebody gave any.
    """
    named = any(entry.run.name != batch.name_of(entry.run.batch_position or 0) for entry in found)
    fields = differences([entry.run for entry in found])
    why = [why_ended(entry) for entry in found]
    return pd.DataFrame(
        {
            "position": [(entry.run.batch_position or 0) + 1 for entry in found],
            **({"name": [entry.run.name for entry in found]} if named else {}),
            "state": [str(entry.state) for entry in found],
            **{field: [_shown(at(entry.run.spec, field)) for entry in found] for field in fields},
            "tokens": ["" if entry.used_nothing else tokens_of(entry.metrics) for entry in found],
            "cost": ["" if entry.used_nothing else cost_of(entry.metrics) for entry in found],
            "duration": ["" if entry.elapsed is None else duration(entry.elapsed) for entry in found],
            **({"why": why} if any(why) else {}),
        }
    )


def why_ended(entry: Entry) -> str:
    """Why a run has no result; empty for one that has, or still may."""
    if not entry.state.is_final or entry.state is RunState.COMPLETED:
        return ""
    error: Mapping[str, str] = entry.run.error or {}
    message = (error.get("message") or "").partition("\n")[0]
    return entry.run.stop_reason or ": ".join(filter(None, (error.get("type"), message)))


def spanned(found: Sequence[Entry]) -> timedelta | None:
    """How long the runs took from the first one's beginning to the last one's end, so far."""
    began = [entry.run.started_at for entry in found if entry.run.started_at]
    ends = [
        entry.run.started_at + entry.elapsed
        for entry in found
        if entry.run.started_at and entry.elapsed is not None
    ]
    return max(ends) - min(began) if began and ends else None
