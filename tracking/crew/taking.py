"""How a worker is given runs by the queue, and gives back what it will not carry out."""

from __future__ import annotations

from collections.abc import Callable

from dbos import DBOS, DBOSConfig

from tracking.crew.queue import APPLICATION, QUEUE, WORKFLOW, connection, open_to_many
from tracking.settings import Settings

_POLL_SECONDS = 0.2
_LONGEST_RUN_SECONDS = 365 * 24 * 3600


def launch(settings: Settings, worker_id: str, execute: Callable[[str], None]) -> None:
    """Connect to the queue, making its tables when they are missing, and take runs from it.

    Returns once connected; `execute` is called with a run's id, in threads of the queue's.
    """
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": settings.queue_url,
        # Any version of this program may take any run: a run's spec, not its code, is what was enqueued.
        "application_version": "1",
        # Its own: a worker that starts takes what its own id had for left behind, and begins it again.
        "executor_id": worker_id,
        "log_level": "WARNING",
    }
    open_to_many(settings)
    queue = DBOS(config=config)

    @DBOS.workflow(name=WORKFLOW)
    def _workflow(run_id: str) -> None:
        execute(run_id)

    total = settings.total_concurrency
    # What `DBOS.register_queue` writes down, every worker of the database obeys: the limit of the one that
    # started last would be everybody's. A queue held in memory has limits of this worker's own.
    queue._registry._register_internal_queue(  # there is no public way
        QUEUE,
        worker_concurrency=settings.worker_concurrency,
        global_concurrency=total,
        polling_interval_sec=_POLL_SECONDS,
    )
    DBOS.launch()


def leave(*, when_done: bool) -> None:
    """Take no more runs from now on, and disconnect: at once, or when the last one taken has ended."""
    DBOS.destroy(workflow_completion_timeout_sec=_LONGEST_RUN_SECONDS if when_done else 0)


def hand_back(settings: Settings, run_id: str) -> None:
    """Put a run that was taken back where it stood in the queue."""
    connection(settings.queue_url).resume_workflow(run_id, queue_name=QUEUE)
