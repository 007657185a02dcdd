"""Batches in the ledger: what was asked for at once, its runs, and how it is ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from tracking.domain.batch import Batch
from tracking.domain.run import Run, RunState
from tracking.ledger.database import microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.rows import run_of, run_row, run_values
from tracking.ledger.schema import batches, runs


class BatchBook:
    """The batches of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine = ledger.engine

    def add(self, batch: Batch, its_runs: Sequence[Run]) -> None:
        """Write a batch and all its runs, or nothing."""
        with self._engine.begin() as connection:
            connection.execute(
                batches.insert().values(
                    batch_id=batch.batch_id,
                    name=batch.name,
                    created_at=microseconds(batch.created_at),
                    source=batch.source,
                    size=batch.size,
                )
            )
            connection.execute(runs.insert(), [run_row(run) for run in its_runs])

    def batches(self, limit: int | None = None) -> list[Batch]:
        """Newest first."""
        query = sa.select(batches).order_by(batches.c.created_at.desc(), batches.c.batch_id).limit(limit)
        with self._engine.connect() as connection:
            return [_batch_of(row) for row in connection.execute(query).mappings()]

    def batch(self, batch_id: str) -> Batch | None:
        query = sa.select(batches).where(batches.c.batch_id == batch_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _batch_of(row)

    def runs(self, batch_id: str) -> list[Run]:
        """A batch's runs by their positions."""
        query = sa.select(runs).where(runs.c.batch_id == batch_id).order_by(runs.c.batch_position)
        with self._engine.connect() as connection:
            return [run_of(row) for row in connection.execute(query).mappings()]

    def fail(self, run_ids: Iterable[str], error: Mapping[str, str]) -> None:
        """End queued runs that could not be handed over."""
        changes = run_values({"state": RunState.FAILED, "finished_at": datetime.now(UTC), "error": error})
        with self._engine.begin() as connection:
            connection.execute(
                runs.update()
                .where(runs.c.run_id.in_(list(run_ids)), runs.c.state == str(RunState.QUEUED))
                .values(changes)
            )

    def request_stop(self, batch_id: str) -> None:
        """Ask for the end of a batch: runs that wait end at once, running ones within about a second."""
        now = datetime.now(UTC)
        stopped = {
            "state": RunState.STOPPED,
            "finished_at": now,
            "stop_reason": "stopped before it began, with its batch",
        }
        of_batch = runs.c.batch_id == batch_id
        with self._engine.begin() as connection:
            connection.execute(
                runs.update()
                .where(of_batch, runs.c.state == str(RunState.QUEUED))
                .values(run_values(stopped))
            )
        # After the first: a run that began between the two is running now, and is asked like the others.
        with self._engine.begin() as connection:
            connection.execute(
                runs.update()
                .where(of_batch, runs.c.state == str(RunState.RUNNING), runs.c.stop_requested_at.is_(None))
                .values(run_values({"stop_requested_at": now}))
            )


def _batch_of(row: sa.RowMapping) -> Batch:
    return Batch(
        batch_id=row["batch_id"],
        name=row["name"],
        created_at=moment(row["created_at"]),
        source=row["source"],
        size=row["size"],
    )
