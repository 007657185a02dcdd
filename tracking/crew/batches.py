"""Handing many runs to the workers at once, and the same again for those that failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from tracking.crew import queue
from tracking.domain.batch import Batch, BatchItem
from tracking.domain.run import Run, RunState
from tracking.domain.spec import RunSpec
from tracking.errors import QueueError
from tracking.ledger.batches import BatchBook
from tracking.ledger.ledger import Ledger
from tracking.settings import Settings

# What is worth another try. A stopped run was ended on purpose.
FAILED_STATES: Final = frozenset({RunState.FAILED, RunState.LOST})


def submit_batch(
    settings: Settings, ledger: Ledger, items: Sequence[BatchItem], *, name: str, source: str
) -> str:
    """Write a batch with all its runs to the ledger, then hand them to the workers. Returns its id.

    Where the queue can't be reached for one of them, it is not tried for those behind it: they have failed,
    and say so.

    Raises:
        QueueError: there is no item, or none could be handed over; then all are in the ledger, failed.
    """
    if not items:
        raise QueueError("a batch needs at least one run")
    batch_id, now = uuid4().hex, datetime.now(UTC)
    batch = Batch(batch_id=batch_id, name=name, created_at=now, source=source, size=len(items))
    # Each a microsecond later than the one before, or nothing would say which of them waits longer.
    runs = [
        Run(
            run_id=uuid4().hex,
            name=item.name or batch.name_of(position),
            preset=item.spec.preset,
            created_at=now + timedelta(microseconds=position),
            spec=item.spec.to_json(),
            batch_id=batch_id,
            batch_position=position,
        )
        for position, item in enumerate(items)
    ]
    book = BatchBook(ledger)
    book.add(batch, runs)
    _hand_over(settings, book, [run.run_id for run in runs])
    return batch_id


def _hand_over(settings: Settings, book: BatchBook, run_ids: Sequence[str]) -> None:
    for position, run_id in enumerate(run_ids):
        try:
            queue.enqueue(settings, run_id)
        except Exception as error:
            refusal = queue.not_enqueued(settings, error)
            book.fail(run_ids[position:], refusal)
            if position == 0:
                raise QueueError(refusal["message"]) from error
            return


def run_again(settings: Settings, ledger: Ledger, batch: Batch, runs: Iterable[Run]) -> str:
    """Make a new batch of runs of an earlier one, as they were asked for. Returns its id.

    Raises:
        ConfigError: one was asked for by another version of this program, in words this one does not know.
        QueueError: as of `submit_batch`.
    """
    items = [
        BatchItem(
            RunSpec.from_json(run.spec),
            None if run.name == batch.name_of(run.batch_position or 0) else run.name,
        )
        for run in runs
    ]
    return submit_batch(settings, ledger, items, name=_again(batch.name), source=batch.source)


def _again(name: str) -> str:
    return name if name.endswith(" (again)") else f"{name} (again)"


def request_stop(ledger: Ledger, batch_id: str) -> None:
    """Ask for the end of a batch; what waits ends at once, what runs within about a second."""
    BatchBook(ledger).request_stop(batch_id)
