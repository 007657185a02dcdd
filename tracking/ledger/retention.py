"""What is kept for how long: old months leave the database as files, a run or a range is deleted for good.

The sums stay when single calls leave; they are made anew when calls are deleted.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa

from tracking.errors import LedgerError
from tracking.ledger.archive import Part
from tracking.ledger.database import is_in_memory, microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore
from tracking.ledger.partitions import add_partitions, drop_empty_partition
from tracking.ledger.rollups.grains import MONTH, after, floor, months
from tracking.ledger.rollups.measures import MEASURES
from tracking.ledger.rollups.rebuilding import rebuild
from tracking.ledger.rollups.state import read_state
from tracking.ledger.rollups.tables import by_run
from tracking.ledger.schema import (
    alert_deliveries,
    alerts,
    archives,
    calls,
    run_log,
    run_tasks,
    runs,
)

_AT_ONCE: Final = 20_000  # calls that leave in one transaction: the lock is held for a fraction of a second
_FREED_AT_ONCE: Final = 2_000  # pages given back to the disk at a time


@dataclass(frozen=True, slots=True)
class Deleted:
    """How much is gone."""

    runs: int
    calls: int


class Retention:
    """Keeps, moves and deletes the calls of one ledger.

    Raises:
        LedgerError: from every method, when the database or the archive can't be read or written.
    """

    def __init__(self, ledger: Ledger, outputs: OutputStore | None = None) -> None:
        """`outputs`: where what a run wrote is kept; it is deleted with the run."""
        self._ledger = ledger
        self._engine = ledger.engine
        self._outputs = outputs

    def due(self, keep_days: int, now: datetime) -> list[datetime]:
        """The months, by their start, that ended at least so many days ago and still have calls here."""
        limit = microseconds(now.astimezone(UTC) - timedelta(days=keep_days))
        with self._engine.connect() as connection:
            first = connection.execute(sa.select(sa.func.min(calls.c.started_at))).scalar()
        return [] if first is None else [moment(a) for a, b in months(first, limit) if b <= limit]

    def move_out(self, month: datetime, *, keep: bool = True) -> int:
        """Have the calls of a month leave the database, part by part. Returns how many.

        Whenever it is interrupted, each call is in exactly one place. `keep` False: they are deleted, and
        only their sums stay.
        """
        self._ledger.catch_up()
        with self._engine.connect() as connection:
            self._ledger.archive.sweep(connection)
        start = floor(microseconds(month), MONTH)
        moved = 0
        while some := self._move_some(start, keep=keep):
            moved += some
        self._give_space_back(start)
        return moved

    def bring_back(self, month: datetime) -> int:
        """Have the calls of a month in the database again. Returns how many.

        Raises:
            LedgerError: they were not kept.
        """
        start = floor(microseconds(month), MONTH)
        with self._engine.connect() as connection:
            parts = [part for part in self._ledger.archive.parts(connection) if part.month == start]
        for part in parts:
            self._bring_part_back(part)
        return sum(part.calls for part in parts)

    def archived(self) -> list[Part]:
        """What has left the database, in order of time."""
        with self._engine.connect() as connection:
            return self._ledger.archive.parts(connection)

    def delete_run(self, run_id: str) -> Deleted:
        """Delete a run for good: its calls, its place in every sum, its log, its alerts, what it wrote.

        Raises:
            LedgerError: it has not ended; or its calls were not kept, and its part in the sums is not known.
        """
        run = self._ledger.run(run_id)
        if run is not None and not run.state_at(datetime.now(UTC)).is_final:
            raise LedgerError(f"run {run_id} has not ended: stop it first")
        self._ledger.catch_up()
        where = calls.c.run_id == run_id
        with self._engine.connect() as connection:
            of_late_calls = self._months_with(connection, where)
        self._bring_back_all({*self._months_of(by_run.c.run_id == run_id), *of_late_calls})
        with self._ledger.upkeep.changing(for_good=True) as connection:
            touched = self._months_with(connection, where)
            gone = connection.execute(calls.delete().where(where)).rowcount
            connection.execute(by_run.delete().where(by_run.c.run_id == run_id))
            deleted = self._delete_runs(connection, [run_id])
            for month in touched:
                rebuild(connection, month, runs=False)
        self._forget_outputs([run_id])
        self._give_space_back(*(start for start, _ in touched))
        return Deleted(deleted, gone)

    def delete_range(self, since: datetime, until: datetime) -> Deleted:
        """Delete the calls that began in a range for good, and the ended runs that are left with none.

        `since` is inclusive, `until` exclusive.

        Raises:
            LedgerError: calls of it were not kept, so that their part in the sums is not known.
        """
        first, last = microseconds(since), microseconds(until)
        self._ledger.catch_up()
        affected = (by_run.c.first_at < last) & (by_run.c.last_at >= first)
        self._bring_back_all({*months(first, last), *self._months_of(affected)})
        with self._ledger.upkeep.changing(for_good=True) as connection:
            where = (calls.c.started_at >= first) & (calls.c.started_at < last)
            touched = self._months_with(connection, where)
            named = list(connection.execute(sa.select(calls.c.run_id).where(where).distinct()).scalars())
            gone = connection.execute(calls.delete().where(where)).rowcount
            for month in touched:
                rebuild(connection, month, runs=False)
            _recount(connection, [run_id for run_id in named if run_id is not None])
            empty = sa.select(runs.c.run_id).where(
                runs.c.created_at >= first,
                runs.c.created_at < last,
                runs.c.finished_at.is_not(None),
                ~sa.exists().where(calls.c.run_id == runs.c.run_id),
            )
            left = list(connection.execute(empty).scalars())
            self._delete_runs(connection, left)
        self._forget_outputs(left)
        self._give_space_back(*(start for start, _ in touched))
        return Deleted(len(left), gone)

    def _move_some(self, start: int, *, keep: bool) -> int:
        """One part: into a file; then, in one transaction, out of the table and into the list of parts."""
        with self._engine.connect() as connection:
            below = read_state(connection).watermark
            whole = (calls.c.position < below) & (calls.c.started_at >= start)
            whole &= calls.c.started_at < after(start, MONTH)
            rows = connection.execute(
                sa.select(calls).where(whole).order_by(calls.c.started_at, calls.c.call_id).limit(_AT_ONCE)
            ).all()
            parts = [part.number for part in self._ledger.archive.parts(connection) if part.month == start]
        if not rows:
            return 0
        number = max(parts, default=0) + 1
        file, size = None, 0
        if keep:
            # Somebody else may be at it: neither writes over the other's file.
            name = f"calls-{moment(start):%Y-%m}-{number:04}-{uuid4().hex[:6]}.parquet"
            file, size = self._ledger.archive.write(name, rows)
        part = Part(start, number, file, len(rows), size)
        # Where this fails the file stays, for the calls may be gone all the same; `sweep` knows.
        self._take_out(part, whole & _up_to(rows[-1]))
        return len(rows)

    def _take_out(self, part: Part, which: sa.ColumnElement[bool]) -> None:
        with self._ledger.upkeep.changing(for_good=True) as connection:
            gone = connection.execute(calls.delete().where(which)).rowcount
            if gone != part.calls:  # somebody else moves or deletes them at this moment
                raise LedgerError(f"the calls of {part.name} changed meanwhile: try again")
            row = (part.month, part.number, part.file, part.calls, part.bytes)
            connection.execute(archives.insert().values(row))

    def _bring_back_all(self, wanted: Iterable[tuple[int, int]]) -> None:
        starts = {start for start, _ in wanted}
        for start in sorted({part.month for part in self.archived()} & starts):
            self.bring_back(moment(start))

    def _bring_part_back(self, part: Part) -> None:
        if part.file is None:
            raise LedgerError(f"the calls of {part.name} were not kept: their sums can't be told apart")
        rows = list(self._ledger.archive.rows_of(part))
        with self._ledger.upkeep.changing() as connection:
            if connection.dialect.name == "postgresql":
                add_partitions(connection, [part.month])
                # They are added up already; on another server, what their positions were says nothing.
                rows = [{**row, "position": 0} for row in rows]
            connection.execute(calls.insert(), rows)
            connection.execute(
                archives.delete().where(archives.c.month == part.month, archives.c.part == part.number)
            )
        if not is_in_memory(self._engine.url) and self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:  # or a power cut could take the calls with their file
                connection.exec_driver_sql("PRAGMA wal_checkpoint(FULL)")
        self._ledger.archive.remove(part)

    def _months_of(self, which: sa.ColumnElement[bool]) -> list[tuple[int, int]]:
        """The months in which some runs had calls."""
        query = sa.select(by_run.c.first_at, by_run.c.last_at).where(which)
        with self._engine.connect() as connection:
            found = {month for a, b in connection.execute(query) for month in months(a, b + 1)}
        return sorted(found)

    def _months_with(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[tuple[int, int]]:
        first, last = connection.execute(
            sa.select(sa.func.min(calls.c.started_at), sa.func.max(calls.c.started_at)).where(which)
        ).one()
        return [] if first is None else months(first, last + 1)

    def _delete_runs(self, connection: sa.Connection, run_ids: list[str]) -> int:
        for table in (run_tasks, run_log):
            connection.execute(table.delete().where(table.c.run_id.in_(run_ids)))
        told = alerts.c.run_id.in_(run_ids)  # they name it; one that is not sent yet never is
        of_told = alert_deliveries.c.alert_id.in_(sa.select(alerts.c.alert_id).where(told))
        connection.execute(alert_deliveries.delete().where(of_told))
        connection.execute(alerts.delete().where(told))
        return connection.execute(runs.delete().where(runs.c.run_id.in_(run_ids))).rowcount

    def _forget_outputs(self, run_ids: Iterable[str]) -> None:
        if self._outputs is not None:
            self._outputs.forget(run_ids)

    def _give_space_back(self, *starts: int) -> None:
        """To the disk: free pages of SQLite, empty partitions of PostgreSQL."""
        if self._engine.dialect.name == "postgresql":
            for start in starts:
                with contextlib.suppress(LedgerError), self._engine.begin() as connection:
                    drop_empty_partition(connection, start)
            return
        if is_in_memory(self._engine.url):
            return
        with self._engine.connect() as connection:
            driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            before = None
            while (free := driver.execute("PRAGMA freelist_count").fetchone()[0]) not in {0, before}:
                before = free
                driver.execute(f"PRAGMA incremental_vacuum({_FREED_AT_ONCE})").fetchall()
                driver.commit()
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _up_to(last: sa.Row[Any]) -> sa.ColumnElement[bool]:
    return sa.tuple_(calls.c.started_at, calls.c.call_id) <= sa.tuple_(last.started_at, last.call_id)


def _recount(connection: sa.Connection, run_ids: list[str]) -> None:
    """Make the sums of some runs anew from the calls that are left."""
    connection.execute(by_run.delete().where(by_run.c.run_id.in_(run_ids)))
    left = (
        sa.select(calls.c.run_id, *(sa.literal_column(m.of_calls).label(m.name) for m in MEASURES))
        .where(calls.c.run_id.in_(run_ids), calls.c.position < read_state(connection).watermark)
        .group_by(calls.c.run_id)
    )
    connection.execute(by_run.insert().from_select(["run_id", *(m.name for m in MEASURES)], left))
