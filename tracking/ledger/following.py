"""One run as it goes on, for any number of viewers: read again only when something of it changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

import sqlalchemy as sa

from tracking.domain.call import LlmCall
from tracking.domain.run import Run, TaskProgress
from tracking.domain.under_way import CallUnderWay
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.ledger.schema import calls
from tracking.ledger.under_way import UnderWay


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as of one look. `calls` is the same object for as long as no call was added, oldest first."""

    run: Run
    tasks: tuple[TaskProgress, ...]
    calls: tuple[LlmCall, ...]
    under_way: tuple[CallUnderWay, ...]


class Following:
    """A run that is looked at again and again, by several threads.

    A look costs a few short queries, one of them a count of the run's calls; calls that were read are not
    read again. Who looks within `at_most_every` seconds of another look gets what that one saw, unless
    the run itself was changed: who pressed Stop sees at once that it was heard.
    """

    def __init__(
        self, ledger: Ledger, run_id: str, at_most_every: float, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._at_most_every = at_most_every
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = 0.0
        self._seen: Seen | None = None
        self._known: dict[str, LlmCall] = {}
        self._ordered: tuple[LlmCall, ...] = ()

    def look(self) -> Seen | None:
        """The run as it is, or was a moment ago. None: there is no such run.

        Raises:
            LedgerError: the ledger can't be read.
        """
        with self._lock:
            now, run = self._clock(), self._ledger.run(self._run_id)
            if run is None:
                return None
            if self._seen is None or now - self._looked >= self._at_most_every or self._differs(run):
                self._seen = self._read(run)
                self._looked = now
            return self._seen

    def _differs(self, run: Run) -> bool:
        """From what was seen, in more than that it lives."""
        return self._seen is None or replace(run, heartbeat_at=self._seen.run.heartbeat_at) != self._seen.run

    def _read(self, run: Run) -> Seen:
        # After the run: one that is seen to have ended has all its calls in the ledger by then. A call that
        # ends between two of the queries is missing for a moment, never there twice.
        tasks = RunBook(self._ledger).tasks(self._run_id)
        under_way = UnderWay(self._ledger).of(self._run_id) if not run.state.is_final else []
        ordered = self._calls()
        return Seen(
            run,
            tuple(tasks),
            ordered,
            tuple(call for call in under_way if call.call_id not in self._known),
        )

    def _calls(self) -> tuple[LlmCall, ...]:
        if self._seen is None or self._count() != len(self._known):
            there = self._ledger.columns("call_id", run_id=self._run_id)["call_id"] if self._known else []
            new = tuple(call_id for call_id in there if call_id not in self._known)
            # One that was deleted meanwhile, or the first look: everything is read.
            grown = bool(self._known) and len(there) == len(self._known) + len(new)
            found = (
                self._ledger.calls(run_id=self._run_id, call_id=new)
                if grown
                else self._ledger.calls(run_id=self._run_id)
            )
            fresh = {call.call_id: call for call in found}
            self._known = {**self._known, **fresh} if grown else fresh
            self._ordered = tuple(
                sorted(self._known.values(), key=lambda call: (call.started_at, call.call_id))
            )
        return self._ordered

    def _count(self) -> int:
        """Of the calls in the database: those of a run that goes on have not been moved elsewhere."""
        self._ledger.flush()
        query = sa.select(sa.func.count()).select_from(calls).where(calls.c.run_id == self._run_id)
        with self._ledger.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())
