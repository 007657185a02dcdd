"""A run's life in the ledger: who may change its state, its tasks, its log, and the workers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tracking.domain.run import LOST_AFTER, Run, RunState, TaskProgress
from tracking.errors import LedgerError
from tracking.ledger.database import insert_into, microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.rows import run_row, run_values, task_of, task_row
from tracking.ledger.schema import run_log, run_tasks, runs, workers

logger = logging.getLogger(__name__)

WORKER_GONE_AFTER = timedelta(seconds=10)  # a worker says that it lives every two seconds


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that carries out runs. `warm`: a spare process stands ready for the next one."""

    worker_id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    running: int
    warm: bool
    versions: Mapping[str, str]


class RunBook:
    """Every change of a run is one statement that names the state it expects: two can't both win."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._engine = ledger.engine

    def add(self, run: Run) -> None:
        with self._engine.begin() as connection:
            connection.execute(runs.insert().values(run_row(run)))

    def change(self, run_id: str, *, only: Iterable[RunState], **changes: Any) -> bool:
        """Set fields of a run that is in one of the states `only`. False: it was not, nothing changed."""
        statement = (
            runs.update()
            .where(runs.c.run_id == run_id, runs.c.state.in_([str(state) for state in only]))
            .values(run_values(changes))
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def start(self, run_id: str, *, worker: str | None = None, pid: int) -> bool:
        """Take a queued run. False: somebody else has, or it was stopped while it waited."""
        now = datetime.now(UTC)
        return self.change(
            run_id,
            only={RunState.QUEUED},
            state=RunState.RUNNING,
            started_at=now,
            heartbeat_at=now,
            worker=worker,
            pid=pid,
        )

    def finish(self, run_id: str, state: RunState, **changes: Any) -> bool:
        """End a run that is queued or running. False: it had ended already, and stays as it was.

        Its calls are in the database before it has ended: nobody sees it ended without them.
        """
        try:
            self._ledger.flush()
        except LedgerError as error:  # they are kept; a run that can be ended is not kept waiting for them
            logger.warning("run %s ends before its calls are in the ledger", run_id, exc_info=error)
        if state not in {RunState.COMPLETED, RunState.FAILED}:
            self._ledger.bring_in()  # its process may be gone
        ended = self.change(
            run_id,
            only={RunState.QUEUED, RunState.RUNNING},
            state=state,
            finished_at=datetime.now(UTC),
            **changes,
        )
        if ended and state is not RunState.COMPLETED:
            self._end_tasks(run_id, state)
        return ended

    def request_stop(self, run_id: str) -> None:
        """Ask for the end of a run. One that waits ends at once; a running one sees it within a second."""
        if self.change(
            run_id,
            only={RunState.QUEUED},
            state=RunState.STOPPED,
            finished_at=datetime.now(UTC),
            stop_reason="stopped before it began",
        ):
            self._end_tasks(run_id, RunState.STOPPED)
            return
        self.change(run_id, only={RunState.RUNNING}, stop_requested_at=datetime.now(UTC))

    def beat(self, run_id: str) -> bool:
        """Say that the run's process lives. Returns whether it is to end: on request, or given up as lost.

        A computer that slept wakes up to a run that was buried meanwhile; nobody watches over it any more.
        """
        with self._engine.begin() as connection:
            connection.execute(
                runs.update()
                .where(runs.c.run_id == run_id, runs.c.state == str(RunState.RUNNING))
                .values(heartbeat_at=microseconds(datetime.now(UTC)))
            )
            ended = runs.c.stop_requested_at.is_not(None) | (runs.c.state == str(RunState.LOST))
            return connection.execute(sa.select(ended).where(runs.c.run_id == run_id)).scalar() is True

    def bury_lost(self) -> list[str]:
        """Mark running runs that have been silent for too long as lost. Returns their ids."""
        limit = datetime.now(UTC) - LOST_AFTER
        silent = sa.select(runs.c.run_id).where(
            runs.c.state == str(RunState.RUNNING), runs.c.heartbeat_at < microseconds(limit)
        )
        with self._engine.connect() as connection:
            found = list(connection.execute(silent).scalars())
        reason = "its process ended without a word"
        return [run_id for run_id in found if self.finish(run_id, RunState.LOST, stop_reason=reason)]

    def set_tasks(self, run_id: str, tasks: Iterable[TaskProgress]) -> None:
        with self._engine.begin() as connection:
            connection.execute(run_tasks.delete().where(run_tasks.c.run_id == run_id))
            connection.execute(run_tasks.insert(), [task_row(run_id, task) for task in tasks])

    def change_task(self, run_id: str, position: int, state: RunState) -> None:
        """Set a task's state, and the time at which it began or ended."""
        time = "started_at" if state is RunState.RUNNING else "finished_at"
        with self._engine.begin() as connection:
            connection.execute(
                run_tasks.update()
                .where(run_tasks.c.run_id == run_id, run_tasks.c.position == position)
                .values({"state": str(state), time: microseconds(datetime.now(UTC))})
            )

    def tasks(self, run_id: str) -> list[TaskProgress]:
        """A run's tasks in the declared order."""
        query = sa.select(run_tasks).where(run_tasks.c.run_id == run_id).order_by(run_tasks.c.position)
        with self._engine.connect() as connection:
            return [task_of(row) for row in connection.execute(query).mappings()]

    def _end_tasks(self, run_id: str, state: RunState) -> None:
        """A task that was running shares its run's end; one that had not begun stays queued."""
        with self._engine.begin() as connection:
            connection.execute(
                run_tasks.update()
                .where(run_tasks.c.run_id == run_id, run_tasks.c.state == str(RunState.RUNNING))
                .values(state=str(state), finished_at=microseconds(datetime.now(UTC)))
            )

    def log(self, run_id: str, level: str, message: str) -> None:
        """Keep a line for the debug panel. The caller sees to it that it holds nothing that was said."""
        line = {"run_id": run_id, "at": microseconds(datetime.now(UTC)), "level": level, "message": message}
        with self._engine.begin() as connection:
            connection.execute(run_log.insert().values(line))

    def log_lines(self, run_id: str) -> list[LogLine]:
        query = sa.select(run_log).where(run_log.c.run_id == run_id).order_by(run_log.c.id)
        with self._engine.connect() as connection:
            return [LogLine(moment(r.at), r.level, r.message) for r in connection.execute(query)]

    def claim_worker(self, worker: Worker) -> bool:
        """Enter a worker unless another one lives. Of two that start at once, one is told False."""
        values = _worker_row(worker)
        gone = microseconds(worker.heartbeat_at - WORKER_GONE_AFTER)
        nobody = ~sa.exists().where(workers.c.heartbeat_at > gone)
        row = sa.select(*(sa.literal(value, workers.c[name].type) for name, value in values.items()))
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # SQLite lets one statement write at a time anyway
                connection.exec_driver_sql("LOCK TABLE workers IN SHARE ROW EXCLUSIVE MODE")
            enter = workers.insert().from_select(list(values), row.where(nobody))
            return connection.execute(enter.returning(workers.c.worker_id)).first() is not None

    def beat_worker(self, worker: Worker) -> None:
        """Say that a worker lives and what it does. Rows of workers long gone are cleared away."""
        values = _worker_row(worker)
        gone = microseconds(worker.heartbeat_at - timedelta(days=1))
        # One statement for the row: a worker's threads may say so at the same time.
        upsert = insert_into(self._engine, workers).values(values)
        with self._engine.begin() as connection:
            connection.execute(upsert.on_conflict_do_update(index_elements=["worker_id"], set_=values))
            connection.execute(workers.delete().where(workers.c.heartbeat_at < gone))

    def remove_worker(self, worker_id: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(workers.delete().where(workers.c.worker_id == worker_id))

    def workers(self) -> list[Worker]:
        """The workers that live now."""
        limit = microseconds(datetime.now(UTC) - WORKER_GONE_AFTER)
        query = sa.select(workers).where(workers.c.heartbeat_at > limit).order_by(workers.c.started_at)
        with self._engine.connect() as connection:
            return [
                Worker(
                    worker_id=row.worker_id,
                    host=row.host,
                    pid=row.pid,
                    started_at=moment(row.started_at),
                    heartbeat_at=moment(row.heartbeat_at),
                    running=row.running,
                    warm=bool(row.warm),
                    versions=json.loads(row.versions),
                )
                for row in connection.execute(query)
            ]


def _worker_row(worker: Worker) -> dict[str, Any]:
    return {
        "worker_id": worker.worker_id,
        "host": worker.host,
        "pid": worker.pid,
        "started_at": microseconds(worker.started_at),
        "heartbeat_at": microseconds(worker.heartbeat_at),
        "running": worker.running,
        "warm": int(worker.warm),
        "versions": json.dumps(dict(worker.versions)),
    }
