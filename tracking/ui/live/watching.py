"""What the pages that watch a run share: it is read once for all of them, and added up once per change."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

import streamlit as st

from tracking.analysis.projection import PastRun
from tracking.domain.call import CallStatus, CallTotals, LlmCall, totals
from tracking.domain.run import Run
from tracking.ledger.following import Following, Seen
from tracking.report.account import Account, account_of, with_message
from tracking.report.breakdown import Dimension, Line, breakdown
from tracking.report.loops import loop_notes
from tracking.report.projected import earlier_runs
from tracking.ui import state

_AT_MOST_EVERY: Final = 0.3  # seconds between looks at the ledger, however many watch
_HISTORY_FOR: Final = 60.0  # seconds after which it is asked again what earlier runs there are


@dataclass(frozen=True, slots=True)
class Watched:
    """A run now: as it was seen, and the figures of it."""

    seen: Seen
    account: Account
    lines: Sequence[Line]  # what each task used
    errors: int  # calls that failed or were cut off
    loops: Sequence[str]  # what the loop guard says


@dataclass(frozen=True, slots=True)
class _Sums:
    """What follows from the calls alone."""

    calls: tuple[LlmCall, ...]
    lines: tuple[Line, ...]  # by task
    totals: CallTotals
    errors: int
    loops: tuple[str, ...]


class Watch:
    """One run, for every session that has it open."""

    def __init__(self, run_id: str) -> None:
        self._following = Following(state.ledger(), run_id, _AT_MOST_EVERY)
        self._sums = _Sums((), (), totals(()), 0, ())
        self._past: tuple[float, list[PastRun]] | None = None
        self._lock = threading.Lock()

    def now(self, at: datetime) -> Watched | None:
        """The run at a time; None: it is not in the ledger."""
        seen = self._following.look()
        if seen is None:
            return None
        sums = self._sums_of(seen.run, seen.calls)
        run = with_message(seen.run, state.outputs())
        account = account_of(run, seen.tasks, seen.calls, at, sums.totals)
        return Watched(seen, account, sums.lines, sums.errors, sums.loops)

    def past(self, run: Run) -> list[PastRun]:
        """Earlier runs of its kind, as they were within the last minute."""
        with self._lock:
            if self._past is None or monotonic() - self._past[0] > _HISTORY_FOR:
                self._past = monotonic(), earlier_runs(state.ledger(), state.run_book(), run)
            return self._past[1]

    def _sums_of(self, run: Run, calls: tuple[LlmCall, ...]) -> _Sums:
        if self._sums.calls is not calls:  # the same object for as long as no call was added
            lines, whole = breakdown(calls, Dimension.TASK), totals(())
            for line in lines:
                whole += line.totals
            errors = sum(call.status is not CallStatus.OK for call in calls)
            self._sums = _Sums(calls, lines, whole, errors, loop_notes(run, calls))
        return self._sums


def watch(run_id: str) -> Watch:
    return _watch(state.settings().ledger_url, run_id)


@st.cache_resource(ttl=600, max_entries=32, show_spinner=False)
def _watch(url: str, run_id: str) -> Watch:  # noqa: ARG001  # the ledger's address is part of the cache's key
    return Watch(run_id)
