"""Runs that nobody would ever carry out: found, and put back into the queue.

Each of them is queued in the ledger, spent nothing, and lost its way: its worker died between taking and
beginning it, or whoever submitted it died between writing it down and enqueuing it. A run that has begun is
never put back: it is lost, and repeating it is a person's decision.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from tracking.crew.queue import QUEUE, connection, enqueue
from tracking.domain.run import RunState
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

if TYPE_CHECKING:
    from dbos import WorkflowStatus

logger = logging.getLogger(__name__)

_PATIENCE: Final = timedelta(seconds=15)  # enqueuing follows writing down at once, beginning follows taking
_AT_ONCE: Final = 100  # the oldest; what is stranded becomes one of them
_WAITS: Final = frozenset({"ENQUEUED", "DELAYED"})
_UNDER_WAY: Final = "PENDING"


def rescue(settings: Settings, ledger: Ledger) -> None:
    """Put stranded runs back. One worker does it for all: see `is_due`."""
    queue = connection(settings.queue_url)
    taken: Sequence[WorkflowStatus] = queue.list_workflows(
        queue_name=QUEUE, status=_UNDER_WAY, load_input=False, load_output=False
    )
    # Asked after what was taken, or a worker that came between the two would count as dead.
    living = {worker.worker_id for worker in WorkerList(ledger).living()}
    for entry in taken:
        if entry.executor_id in living:
            continue
        run = ledger.run(entry.workflow_id)
        if run is not None and run.state is RunState.QUEUED:
            logger.warning("run %s goes back to the queue: its worker %s is gone", run.run_id, run.worker)
            queue.resume_workflow(entry.workflow_id, queue_name=QUEUE)
        else:  # or it would count among those under way for ever
            queue.cancel_workflow(entry.workflow_id)
    _rescue_waiting(settings, ledger)


def is_due(ledger: Ledger, worker_id: str) -> bool:
    """Whether it is this worker that looks for stranded runs: the first of those that take any."""
    takers = [worker.worker_id for worker in WorkerList(ledger).living() if not worker.draining]
    return takers[:1] == [worker_id]


def _rescue_waiting(settings: Settings, ledger: Ledger) -> None:
    """Those that the queue does not know, let go of, or gave to a worker that never heard of it."""
    book, queue = RunBook(ledger), connection(settings.queue_url)
    waiting = book.waiting(longer_than=_PATIENCE, limit=_AT_ONCE)
    if not waiting:
        return
    entries: Sequence[WorkflowStatus] = queue.list_workflows(
        workflow_ids=waiting, load_input=False, load_output=False
    )
    known = {entry.workflow_id: entry for entry in entries}
    for run_id in waiting:
        entry = known.get(run_id)
        if entry is None:
            logger.warning("run %s was never enqueued: it is now", run_id)
            enqueue(settings, run_id)
        elif entry.status == _UNDER_WAY:
            run = ledger.run(run_id)
            if run is not None and run.worker is None and _since(entry) > _PATIENCE:
                logger.warning("run %s goes back to the queue: nobody began it", run_id)
                queue.resume_workflow(run_id, queue_name=QUEUE)
        elif entry.status not in _WAITS:
            message = f"the queue let go of it ({entry.status}) before it began: run it again"
            error = {"type": "QueueError", "message": message, "traceback": ""}
            book.finish(run_id, RunState.FAILED, only={RunState.QUEUED}, error=error)


def _since(entry: WorkflowStatus) -> timedelta:
    """How long ago the queue last did anything with it."""
    if entry.updated_at is None:
        return timedelta(0)
    return datetime.now(UTC) - datetime.fromtimestamp(entry.updated_at / 1000, UTC)
