"""A worker: takes queued runs, gives each a process of its own, and sees to it that every one ends.

It never imports crewai itself. A run that was under way when a worker died is lost, with its calls kept;
it is never begun a second time by itself, for it spends money.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import uuid4

from dbos import DBOS, DBOSConfig

from tracking.crew.queue import APPLICATION, QUEUE, WORKFLOW
from tracking.crew.spare import RunProcess, Spares
from tracking.domain.run import RunState
from tracking.errors import LedgerError, QueueError
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook, Worker
from tracking.settings import Settings

logger = logging.getLogger(__name__)

_BEAT_SECONDS = 2.0
_STOP_GRACE_SECONDS = 3.0  # a run ends itself within a second of being asked; then it is ended
_POLL_SECONDS = 0.2


class RunWorker:
    """One worker process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger = Ledger.open(settings.ledger_url)
        self._book = RunBook(self._ledger)
        self._id = uuid4().hex[:12]
        self._started_at = datetime.now(UTC)
        self._last_busy = time.monotonic()
        self._running: dict[str, RunProcess] = {}
        self._ended = threading.Event()
        self._spares = Spares()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def work(self, *, exit_when_idle: float | None = None, if_none: bool = False) -> None:
        """Work until SIGTERM or Ctrl-C.

        Args:
            exit_when_idle: or until there was no run for so many seconds.
            if_none: not at all where another worker lives.
        """
        if if_none and not self._book.claim_worker(self._as_entered()):
            return
        signal.signal(signal.SIGTERM, lambda *_: self._ended.set())
        signal.signal(signal.SIGINT, lambda *_: self._ended.set())
        # From the start: a claim that falls silent while the queue is connected would let another one in.
        self._heart.start()
        try:
            self._spares.refill()
            launch(self._settings, self._execute)
            logger.info("worker %s is ready", self._id)
            while not self._ended.wait(_BEAT_SECONDS):
                if exit_when_idle is not None and time.monotonic() - self._last_busy > exit_when_idle:
                    break
        finally:
            self._close()

    def _execute(self, run_id: str) -> None:
        run = self._ledger.run(run_id)
        if run is None or run.state is not RunState.QUEUED:
            return  # stopped while it waited, or begun by a worker that died since
        process = self._spares.take()
        self._running[run_id] = process
        self._say_alive()
        try:
            process.begin(run_id, self._id)
            self._watch(run_id, process)
        except QueueError as error:
            self._book.finish(
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
        while not process.wait(_POLL_SECONDS):
            try:
                run = self._ledger.run(run_id)
            except LedgerError:  # away for a moment; the process is watched all the same
                continue
            asked = run.stop_requested_at if run else None
            if asked and (datetime.now(UTC) - asked).total_seconds() > _STOP_GRACE_SECONDS:
                process.kill()
                self._book.finish(run_id, RunState.STOPPED, stop_reason="stopped by you")
        self._book.finish(run_id, RunState.LOST, stop_reason=_how_it_died(process.exit_code))

    def _beat(self) -> None:
        self._say_alive()
        while not self._ended.wait(_BEAT_SECONDS):
            self._say_alive()

    def _as_entered(self) -> Worker:
        """What the ledger's list of workers says of this one now."""
        return Worker(
            worker_id=self._id,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=self._started_at,
            heartbeat_at=datetime.now(UTC),
            running=len(self._running),
            warm=self._spares.warm,
            versions={"python": platform.python_version(), "crewai": version("crewai")},
        )

    def _say_alive(self) -> None:
        if self._ended.is_set():
            return
        try:
            self._book.beat_worker(self._as_entered())
            self._book.bury_lost()
        except Exception:  # a ledger that is locked for a moment must not end the worker
            logger.exception("the worker could not say that it lives")

    def _close(self) -> None:
        """Stop what runs: nobody would be left to watch over it."""
        self._ended.set()
        self._spares.close()
        for run_id, process in list(self._running.items()):
            self._book.finish(run_id, RunState.STOPPED, stop_reason="the worker was shut down")
            process.kill()
        DBOS.destroy()
        self._heart.join()  # or its last beat would enter the worker again
        self._book.remove_worker(self._id)


def launch(settings: Settings, execute: Callable[[str], None]) -> None:
    """Connect to the queue, making its tables when they are missing, and take runs from it."""
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": settings.queue_url,
        # Any version of this program may take any run: a run's spec, not its code, is what was enqueued.
        "application_version": "1",
        "log_level": "WARNING",
    }
    DBOS(config=config)

    @DBOS.workflow(name=WORKFLOW)
    def _workflow(run_id: str) -> None:
        execute(run_id)

    DBOS.launch()
    DBOS.register_queue(
        QUEUE,
        worker_concurrency=settings.worker_concurrency,
        polling_interval_sec=_POLL_SECONDS,
        on_conflict="always_update",
    )


def _how_it_died(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"its process was killed ({signal.Signals(-exit_code).name})"
    return f"its process ended without a word (exit code {exit_code})"
