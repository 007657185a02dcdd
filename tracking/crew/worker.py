"""A worker: takes queued runs, gives each a process of its own, and sees to it that every one ends.

It never imports crewai itself. Any number of workers, on any number of computers, share a queue and a ledger.
A run that was under way when a worker died is lost, with its calls kept; it is never begun a second time by
itself, for it spends money.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final
from uuid import uuid4

from tracking.crew import taking
from tracking.crew.housekeeping import Housekeeping
from tracking.crew.spare import RunProcess, Spares
from tracking.crew.stranded import is_due, rescue
from tracking.crew.watching import Watch
from tracking.domain.run import RunState
from tracking.errors import LedgerError, QueueError
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook, Take
from tracking.ledger.workers import Worker, WorkerList
from tracking.settings import Settings
from tracking.version import VERSION

logger = logging.getLogger(__name__)

_BEAT_SECONDS = 2.0
_RESCUE_SECONDS = 5.0
_STOP_GRACE_SECONDS = 3.0  # a run ends itself within a second of being asked; then it is ended
_POLL_SECONDS = 0.2
_LEAVE_SECONDS = 10.0

_DRAIN: Final = 1
_STOP: Final = 2


class RunWorker:
    """One worker process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger = Ledger.open(settings.ledger_url)
        self._book = RunBook(self._ledger)
        self._list = WorkerList(self._ledger)
        self._id = uuid4().hex[:12]
        self._started_at = datetime.now(UTC)
        self._last_busy = time.monotonic()
        self._holding = threading.Lock()
        self._held: set[str] = set()
        self._running: dict[str, RunProcess] = {}
        self._asked = 0  # to drain, or to stop; a number, for a signal's handler must not wait for a lock
        self._draining = False
        self._ended = threading.Event()
        self._spares = Spares()
        self._housekeeping = Housekeeping(settings, self._ledger)
        self._alerts = Watch(settings, self._ledger, self._id)
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def work(self, *, exit_when_idle: float | None = None, if_none: bool = False) -> None:
        """Work until told to end: SIGTERM ends it after the runs it has, a second one or Ctrl-C at once.

        Args:
            exit_when_idle: or until there was no run for so many seconds.
            if_none: not at all where another worker lives.
        """
        # In the list before anything is taken: whoever is not there is taken for dead.
        if not if_none:
            self._list.beat(self._as_entered())
        elif not self._list.claim(self._as_entered()):
            self._ledger.close()
            return
        self._listen()
        # From the start: a claim that falls silent while the queue is connected would let another one in.
        self._heart.start()
        self._housekeeping.start()
        self._alerts.start()
        leaving = threading.Thread(target=taking.leave, kwargs={"when_done": True}, daemon=True)
        try:
            self._spares.refill()
            taking.launch(self._settings, self._id, self._execute)
            logger.info("worker %s is ready", self._id)
            self._until_asked(exit_when_idle)
            if self._asked < _STOP:
                self._drain(leaving)
        finally:
            self._close(leaving)

    def _listen(self) -> None:
        def drain(*_: object) -> None:
            self._asked = min(self._asked + 1, _STOP)

        def stop(*_: object) -> None:
            self._asked = _STOP

        signal.signal(signal.SIGTERM, drain)
        signal.signal(signal.SIGINT, stop)
        if hasattr(signal, "SIGBREAK"):  # what the launcher sends on Windows
            signal.signal(signal.SIGBREAK, stop)

    def _until_asked(self, exit_when_idle: float | None) -> None:
        rescue_at = 0.0
        while not self._asked:
            now = time.monotonic()
            if exit_when_idle is not None and now - self._last_busy > exit_when_idle:
                return
            if now >= rescue_at:
                rescue_at = now + _RESCUE_SECONDS
                self._rescue()
            time.sleep(_POLL_SECONDS)

    def _rescue(self) -> None:
        try:
            if is_due(self._ledger, self._id):
                rescue(self._settings, self._ledger)
        except Exception:  # a database that is away for a moment must not end the worker
            logger.exception("the worker could not look for runs that were left behind")

    def _drain(self, leaving: threading.Thread) -> None:
        """Take no new run, and wait for the end of those that were taken, unless told to stop."""
        self._draining = True
        leaving.start()
        self._say_alive()
        self._spares.close()
        logger.info("worker %s takes no new run and ends after %d", self._id, len(self._running))
        while leaving.is_alive() and self._asked < _STOP:
            time.sleep(_POLL_SECONDS)

    def _execute(self, run_id: str) -> None:
        with self._holding:
            if run_id in self._held:  # given a second time, having been taken for stranded
                return
            self._held.add(run_id)
        try:
            took = self._take(run_id)
            if took is Take.LATER:
                taking.hand_back(self._settings, run_id)
            elif took is Take.TAKEN:
                self._carry_out(run_id)
        finally:
            self._held.discard(run_id)

    def _take(self, run_id: str) -> Take:
        while not self._draining and not self._ended.is_set():
            try:
                return self._book.take(run_id, self._id, total=self._settings.total_concurrency)
            except LedgerError:
                logger.exception("run %s waits for the ledger", run_id)
                self._ended.wait(_BEAT_SECONDS)
        return Take.LATER

    def _carry_out(self, run_id: str) -> None:
        process = self._spares.take()
        self._running[run_id] = process
        self._say_alive()
        try:
            process.begin(run_id, self._id)
            self._watch(run_id, process)
        except QueueError as error:
            self._finish(
                run_id,
                RunState.FAILED,
                error={"type": "QueueError", "message": str(error), "traceback": ""},
            )
        finally:
            del self._running[run_id]
            self._last_busy = time.monotonic()
            self._say_alive()

    def _watch(self, run_id: str, process: RunProcess) -> None:
        """Wait for the end of a run's process, and write down what it could not say itself."""
        asked_at: float | None = None
        while not process.wait(_POLL_SECONDS):
            try:
                run = self._ledger.run(run_id)
            except LedgerError:  # away for a moment; the process is watched all the same
                continue
            if run is None or run.stop_requested_at is None:
                continue
            if asked_at is None:
                asked_at = time.monotonic()  # who asked may have another clock
            elif time.monotonic() - asked_at > _STOP_GRACE_SECONDS:
                process.kill()
                self._finish(run_id, RunState.STOPPED, stop_reason="stopped by you")
        self._finish(run_id, RunState.LOST, stop_reason=_how_it_died(process.exit_code))

    def _finish(self, run_id: str, state: RunState, **changes: Any) -> None:
        """End a run unless it has ended, or another worker has it: one that took this one for dead."""
        self._book.finish(run_id, state, held_by=self._id, **changes)

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT_SECONDS):
            self._say_alive()

    def _as_entered(self) -> Worker:
        """What the ledger's list of workers says of this one now."""
        return Worker(
            worker_id=self._id,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=self._started_at,
            running=len(self._running),
            warm=self._spares.warm,
            versions={"python": platform.python_version(), "crewai": version("crewai"), "dashboard": VERSION},
            concurrency=self._settings.worker_concurrency,
            draining=self._draining,
        )

    def _say_alive(self) -> None:
        if self._ended.is_set():
            return
        try:
            self._list.beat(self._as_entered())
            self._book.bury_lost()
        except Exception:  # a ledger that is locked for a moment must not end the worker
            logger.exception("the worker could not say that it lives")

    def _close(self, leaving: threading.Thread) -> None:
        """Stop what still runs, for nobody would be left to watch over it, and leave the list."""
        self._ended.set()
        self._spares.close()
        self._housekeeping.stop()
        self._alerts.stop()
        for run_id, process in list(self._running.items()):
            self._finish(run_id, RunState.STOPPED, stop_reason="the worker was shut down")
            process.kill()
        if leaving.ident is None:
            taking.leave(when_done=False)
        else:
            leaving.join(_LEAVE_SECONDS)
        self._heart.join()  # or its last beat would enter the worker again
        self._list.leave(self._id)
        self._ledger.close()


def _how_it_died(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"its process was killed ({signal.Signals(-exit_code).name})"
    return f"its process ended without a word (exit code {exit_code})"
