"""Handing a run to a worker. Imports neither crewai nor, before a run is handed over, the queue's library."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tracking.domain.run import Run, RunState
from tracking.domain.spec import RunSpec
from tracking.errors import QueueError
from tracking.ledger.database import open_engine
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.ledger.workers import WorkerList
from tracking.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions

APPLICATION: Final = "marketing-research-swarm"
QUEUE: Final = "runs"
WORKFLOW: Final = "execute_run"

_IDLE_MINUTES = 30  # after so long a worker that the page started itself ends
_START_SECONDS = 60
_starting = threading.Lock()
_last_started = 0.0


def submit(settings: Settings, ledger: Ledger, spec: RunSpec, *, name: str) -> str:
    """Write a run to the ledger and hand it to the workers. Returns its id.

    Raises:
        QueueError: it could not be handed over; the run is in the ledger, failed, with the reason.
    """
    run_id = uuid4().hex
    book = RunBook(ledger)
    book.add(
        Run(run_id=run_id, name=name, preset=spec.preset, created_at=datetime.now(UTC), spec=spec.to_json())
    )
    try:
        enqueue(settings, run_id)
    except Exception as error:
        refusal = not_enqueued(settings, error)
        book.finish(run_id, RunState.FAILED, error=refusal)
        raise QueueError(refusal["message"]) from error
    return run_id


def not_enqueued(settings: Settings, error: Exception) -> dict[str, str]:
    """The error of a run that could not be handed over."""
    message = f"no worker's queue could be reached at {_place(settings)}: {error}"
    return {"type": type(error).__name__, "message": message, "traceback": ""}


def enqueue(settings: Settings, run_id: str) -> None:
    """Put a run's id into the queue, where it is once however often this is called.

    On a new database the queue's tables are made first: a client never makes them, and the first worker may
    still be starting when the first run is clicked.
    """
    options: EnqueueOptions = {"queue_name": QUEUE, "workflow_name": WORKFLOW, "workflow_id": run_id}
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415  # beside the queue's library

    try:
        connection(settings.queue_url).enqueue(options, run_id)
    except DBAPIError:
        prepare_queue(settings)
        connection(settings.queue_url).enqueue(options, run_id)


def prepare_queue(settings: Settings) -> None:
    """Make the queue's tables where they are missing."""
    from dbos import run_dbos_database_migrations  # noqa: PLC0415  # its library takes a second to import

    open_to_many(settings)
    run_dbos_database_migrations(settings.queue_url)


def open_to_many(settings: Settings) -> None:
    """Let a queue on SQLite be read while it is written to.

    Its library leaves the file in the mode in which pages and workers wait for each other.
    """
    if settings.database_url is None:
        open_engine(settings.queue_url).dispose()


def _environment(settings: Settings) -> dict[str, str]:
    """What a process of ours needs to work on the same home and database, wherever it is started."""
    variables = os.environ | {
        "DASHBOARD_HOME": str(settings.home.absolute()),
        "DASHBOARD_CONFIG": str(settings.config.absolute()),
    }
    if settings.database_url is not None:
        variables["DASHBOARD_DATABASE_URL"] = settings.database_url
    return variables


def request_stop(ledger: Ledger, run_id: str) -> None:
    """Ask for the end of a run; it ends within about a second."""
    RunBook(ledger).request_stop(run_id)


def ensure_worker(settings: Settings, ledger: Ledger) -> None:
    """Start a worker unless somebody else keeps one, or one lives that takes runs, on whatever computer.

    Returns at once; it is warm seconds later. It is a process of its own session: it, and the run it carries
    out, outlive the dashboard.
    """
    global _last_started  # noqa: PLW0603  # one attempt per process at a time
    if settings.worker_managed or any(not worker.draining for worker in WorkerList(ledger).living()):
        return
    with _starting:
        if time.monotonic() - _last_started < _START_SECONDS and _last_started:
            return
        _last_started = time.monotonic()
        logs = settings.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / "worker.log").open("ab") as log:
            subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [
                    sys.executable,
                    "-m",
                    "tracking",
                    "worker",
                    "--exit-when-idle",
                    str(_IDLE_MINUTES),
                    "--if-none",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=REPOSITORY,  # `streamlit run` may have been called from anywhere
                env=_environment(settings),
            )


@cache
def connection(queue_url: str) -> DBOSClient:
    """A connection to the queue, made once: its library takes a second to import."""
    from dbos import DBOSClient  # noqa: PLC0415  # see above

    return DBOSClient(
        system_database_url=queue_url, retry_connection_errors=False, application_name=APPLICATION
    )


def _place(settings: Settings) -> str:
    return settings.queue_url.rsplit("@", 1)[-1]  # without a password
