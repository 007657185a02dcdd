"""A run's life in the ledger: who may change its state, its tasks and its log."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa

from tracking.domain.run import LOST_AFTER, Run, RunState, TaskProgress
from tracking.errors import LedgerError
from tracking.ledger.clock import now_of
from tracking.ledger.database import microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.rows import run_row, run_values, task_of, task_row
from tracking.ledger.schema import run_log, run_tasks, runs, workers
from tracking.ledger.under_way import UnderWay
from tracking.ledger.workers import living_now

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    level: str
    message: str


class Take(Enum):
    """What became of a worker's wish to carry out a run."""

    TAKEN = "taken"
    LATER = "later"  # as many runs are under way as may be
    NOT_OURS = "not ours"  # it was stopped while it waited, has begun, or another worker has it


class RunBook:
    """Every change of a run is one statement that names the state it expects: two can't both win."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._engine = ledger.engine

    def add(self, run: Run) -> None:
        with self._engine.begin() as connection:
            connection.execute(runs.insert().values(run_row(run)))

    def change(
        self, run_id: str, *, only: Iterable[RunState], held_by: str | None = None, **changes: Any
    ) -> bool:
        """Set fields of a run that is in one of the states `only`. False: it was not, nothing changed.

        With `held_by`, only if that worker has taken it.
        """
        return self._change(run_id, only, held_by, run_values(changes))

    def _change(
        self,
        run_id: str,
        only: Iterable[RunState],
        held_by: str | None,
        values: Mapping[str, Any],
        *conditions: sa.ColumnElement[bool],
    ) -> bool:
        statement = runs.update().where(
            runs.c.run_id == run_id, runs.c.state.in_([str(state) for state in only]), *conditions
        )
        if held_by is not None:
            statement = statement.where(runs.c.worker == held_by)
        with self._engine.begin() as connection:
            return connection.execute(statement.values(values)).rowcount == 1

    def take(self, run_id: str, worker_id: str, *, total: int | None = None) -> Take:
        """Have a queued run for this worker alone, unless a worker that lives has it already.

        Whatever the queue says, and whoever was taken for dead and was not: of two workers one has it.
        `total` is how many runs all workers together may have at a time, this one included; None: any number.
        """
        living = sa.select(workers.c.worker_id).where(living_now(self._engine))
        free = runs.c.worker.is_(None) | (runs.c.worker == worker_id) | runs.c.worker.not_in(living)
        to_be_had = (runs.c.run_id == run_id) & (runs.c.state == str(RunState.QUEUED)) & free
        take = runs.update().where(to_be_had).values(worker=worker_id)
        if total is not None:
            other = runs.alias()
            under_way = sa.select(sa.func.count()).where(
                other.c.run_id != run_id,
                other.c.state.in_([str(RunState.QUEUED), str(RunState.RUNNING)]),
                other.c.worker.in_(living),
            )
            take = take.where(under_way.scalar_subquery() < total)
        with self._engine.begin() as connection:
            if connection.execute(take).rowcount == 1:
                return Take.TAKEN
            is_there = connection.execute(sa.select(sa.exists().where(to_be_had))).scalar()
        return Take.LATER if is_there else Take.NOT_OURS

    def start(self, run_id: str, *, worker: str | None = None, pid: int) -> bool:
        """Begin a queued run. False: somebody else has it, or it was stopped while it waited."""
        statement = (
            runs.update()
            .where(
                runs.c.run_id == run_id,
                runs.c.state == str(RunState.QUEUED),
                runs.c.worker.is_(None) | (runs.c.worker == worker),
            )
            .values(
                state=str(RunState.RUNNING),
                started_at=now_of(self._engine),
                heartbeat_at=now_of(self._engine),
                worker=worker,
                pid=pid,
            )
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def finish(
        self,
        run_id: str,
        state: RunState,
        *,
        only: Collection[RunState] = (RunState.QUEUED, RunState.RUNNING),
        held_by: str | None = None,
        **changes: Any,
    ) -> bool:
        """End a run that is queued or running. False: it had ended already, and stays as it was.

        Its calls are in the database before it has ended: nobody sees it ended without them. `only` narrows
        the states that it may be in; with `held_by`, only if that worker has taken it.
        """
        try:
            self._ledger.flush()
        except LedgerError as error:  # they are kept; a run that can be ended is not kept waiting for them
            logger.warning("run %s ends before its calls are in the ledger", run_id, exc_info=error)
        if state not in {RunState.COMPLETED, RunState.FAILED}:
            self._ledger.bring_in()  # its process may be gone
        values = run_values({"state": state, "budget_wait": None, **changes}) | {
            "finished_at": now_of(self._engine)
        }
        ended = self._change(run_id, only, held_by, values)
        if ended and state is not RunState.COMPLETED:
            self._end_tasks(run_id, state)
        if ended:  # what its process said last of its calls in flight
            UnderWay(self._ledger).clear(run_id)
        return ended

    def waiting(self, *, longer_than: timedelta, limit: int) -> list[str]:
        """The runs that have waited longest for a worker, as ids, without those that came just now."""
        query = (
            sa.select(runs.c.run_id)
            .where(
                runs.c.state == str(RunState.QUEUED),
                runs.c.spec != "{}",  # a crew of a person's own is carried out by its own program
                runs.c.created_at < microseconds(datetime.now(UTC) - longer_than),
            )
            .order_by(runs.c.created_at)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def ended(self, since: datetime) -> list[str]:
        """Runs that ended at or after a moment and were made in the week before, as ids, by their ends."""
        query = (
            sa.select(runs.c.run_id)
            .where(
                runs.c.state.in_([str(state) for state in RunState if state.is_final]),
                runs.c.created_at >= microseconds(since - timedelta(days=7)),  # an index has it
                runs.c.finished_at >= microseconds(since),
            )
            .order_by(runs.c.finished_at)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def request_stop(self, run_id: str) -> None:
        """Ask for the end of a run. One that waits ends at once; a running one sees it within a second."""
        if not self._end_waiting(run_id):
            self.change(run_id, only={RunState.RUNNING}, stop_requested_at=datetime.now(UTC))

    def request_stop_after_task(self, run_id: str) -> None:
        """Ask for a run's end when the task under way is done. One that waits ends at once."""
        if not self._end_waiting(run_id):
            self.change(run_id, only={RunState.RUNNING}, stop_after_task_at=datetime.now(UTC))

    def take_back_stop_after_task(self, run_id: str) -> bool:
        """Let a run go on after all. False: it has ended, or is about to; nothing changed."""
        values = {"stop_after_task_at": None}
        return self._change(run_id, {RunState.RUNNING}, None, values, runs.c.stop_reason.is_(None))

    def ends_before_next_task(self, run_id: str, reason: str) -> bool:
        """Whether the run's process is to end it now that no task is under way.

        When it is, the reason is written down in the same statement: from then on it can't be taken back.
        """
        asked = runs.c.stop_after_task_at.is_not(None)
        return self._change(run_id, {RunState.RUNNING}, None, {"stop_reason": reason}, asked)

    def _end_waiting(self, run_id: str) -> bool:
        """End a run that has not begun. False: it has."""
        ended = self.change(
            run_id,
            only={RunState.QUEUED},
            state=RunState.STOPPED,
            finished_at=datetime.now(UTC),
            stop_reason="stopped before it began",
        )
        if ended:
            self._end_tasks(run_id, RunState.STOPPED)
        return ended

    def wait_for_budget(self, run_id: str, refusal: Mapping[str, Any] | None) -> None:
        """Say what a run waits for, or that it waits no more."""
        self.change(run_id, only={RunState.RUNNING}, budget_wait=refusal)

    def beat(self, run_id: str) -> bool:
        """Say that the run's process lives. Returns whether it is to end: on request, or given up as lost.

        A computer that slept wakes up to a run that was buried meanwhile; nobody watches over it any more.
        """
        with self._engine.begin() as connection:
            connection.execute(
                runs.update()
                .where(runs.c.run_id == run_id, runs.c.state == str(RunState.RUNNING))
                .values(heartbeat_at=now_of(self._engine))
            )
            ended = runs.c.stop_requested_at.is_not(None) | (runs.c.state == str(RunState.LOST))
            return connection.execute(sa.select(ended).where(runs.c.run_id == run_id)).scalar() is True

    def bury_lost(self) -> list[str]:
        """Mark running runs that have been silent for too long as lost. Returns their ids."""
        limit = now_of(self._engine) - LOST_AFTER // timedelta(microseconds=1)
        silent = sa.select(runs.c.run_id).where(
            runs.c.state == str(RunState.RUNNING), runs.c.heartbeat_at < limit
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
                .values({"state": str(state), time: now_of(self._engine)})
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
                .values(state=str(state), finished_at=now_of(self._engine))
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
