"""Keeping the sums: catching up with new calls, days of another time zone, checking and making them anew.

All of it happens off the writer's path, in whichever process comes by; two at once don't add anything twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from tracking.ledger.database import snapshot
from tracking.ledger.partitions import final_below
from tracking.ledger.rollups.batch import Batch
from tracking.ledger.rollups.checking import Difference, differences
from tracking.ledger.rollups.grains import DAY, months
from tracking.ledger.rollups.rebuilding import derive_days, rebuild
from tracking.ledger.rollups.state import phases, read_state
from tracking.ledger.rollups.tables import ROLLUPS, state
from tracking.ledger.schema import archives, calls

_AT_ONCE: Final = 20_000  # calls per transaction: the lock is held for a fraction of a second
_MUCH: Final = 1_000
_LOCK: Final = 7_251_904_417  # of who catches up on PostgreSQL


class Upkeep:
    """The sums of one ledger. Any thread may use it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._busy = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """End catching up after the calls that are being added, until `resume`."""
        self._stopped = True

    def resume(self) -> None:
        """Let catching up go on."""
        self._stopped = False

    def has_much_to_do(self) -> bool:
        """Whether so many calls are not added up yet that questions take longer."""
        with self._engine.connect() as connection:
            new = sa.select(calls.c.position).where(calls.c.position >= read_state(connection).watermark)
            return connection.execute(new.limit(1).offset(_MUCH)).first() is not None

    def catch_up(self) -> int:
        """Add up the calls that came since. Returns how many; 0 too where somebody else is at it.

        Raises:
            LedgerError: the database can't be read or written; what was added up so far stays.
        """
        if not self._busy.acquire(blocking=False):
            return 0
        try:
            added = 0
            while not self._stopped and (some := self._catch_up_some()):
                added += some
            return added
        finally:
            self._busy.release()

    def add_days(self, phase: int) -> None:
        """Keep the days that begin `phase` seconds after midnight of UTC, of all history and from now on."""
        with self.changing() as connection:
            entered = connection.execute(
                sa.text("INSERT INTO rollup_zone_days (phase) VALUES (:phase) ON CONFLICT DO NOTHING"),
                {"phase": phase},
            )
            if entered.rowcount:
                for rollup in ROLLUPS:
                    if rollup.days_of_zones:
                        derive_days(connection, rollup, phase, "1 = 1")

    def months(self) -> list[tuple[int, int]]:
        """The months that can be checked: those whose calls are all in the database. As start and end."""
        with self._engine.connect() as connection:
            first, last = connection.execute(
                sa.select(sa.func.min(calls.c.started_at), sa.func.max(calls.c.started_at))
            ).one()
            gone = set(connection.execute(sa.select(archives.c.month)).scalars())
        return [] if first is None else [month for month in months(first, last + 1) if month[0] not in gone]

    def check(self, month: tuple[int, int]) -> list[Difference]:
        """Compare a month's sums with its calls."""
        with snapshot(self._engine) as connection:
            return differences(connection, month)

    def rebuild(self, month: tuple[int, int]) -> None:
        """Make a month's sums anew from its calls. In one transaction: nobody sees it half done."""
        with self.changing() as connection:
            rebuild(connection, month)

    def _catch_up_some(self) -> int:
        with self._engine.connect() as connection:
            if not _may_catch_up(connection):
                return 0
            known = read_state(connection)
            high = _next_watermark(connection, known.watermark)
            if high is None:
                return 0
            where = f"position >= {known.watermark} AND position < {high}"
            batch = Batch(connection)
            batch.fill(where)  # before the lock: this is most of the work
            merged = list(batch.merged_histograms())
            count = int(connection.execute(sa.text(_counted("cube"))).scalar_one())
            _lock(connection)
            if read_state(connection) != known:
                connection.rollback()
                return 0  # somebody else has added them, or changed what was added up: the next round sees it
            _add(connection, batch)
            batch.write_histograms(merged)
            connection.execute(state.update().values(watermark=high))
            connection.commit()
            return count

    @contextmanager
    def changing(self, *, for_good: bool = False) -> Iterator[sa.Connection]:
        """A transaction in which calls that were added up may change, and their sums are made anew.

        `for_good`: what is deleted can't be found on the disk afterwards.
        """
        with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA secure_delete = {int(for_good)}")
            _lock(connection)
            yield connection
            connection.execute(state.update().values(generation=state.c.generation + 1))
            connection.commit()


def _add(connection: sa.Connection, batch: Batch) -> None:
    for rollup in ROLLUPS:
        for grain in rollup.grains:
            batch.add_to(rollup, grain)
    for phase in phases(connection):
        for rollup in ROLLUPS:
            if rollup.days_of_zones:
                batch.add_to(rollup, DAY + phase)
    batch.add_runs()


def _may_catch_up(connection: sa.Connection) -> bool:
    if connection.dialect.name == "postgresql":
        return bool(connection.execute(sa.text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")).scalar())
    connection.exec_driver_sql("BEGIN")
    return True


def _next_watermark(connection: sa.Connection, low: int) -> int | None:
    """Up to where calls can be added up now; None: there are none."""
    new = sa.select(calls.c.position).where(calls.c.position >= low)
    if connection.dialect.name == "postgresql":
        new = new.where(calls.c.position < final_below(connection))
    some = connection.execute(new.order_by(calls.c.position).limit(1).offset(_AT_ONCE)).scalar()
    if some is not None:
        return max(int(some), low + 1)  # a whole transaction of PostgreSQL has one position
    last = connection.execute(sa.select(sa.func.max(new.subquery().c.position))).scalar()
    return None if last is None else int(last) + 1


def _lock(connection: sa.Connection) -> None:
    """From here on nobody else changes the sums. What a SQLite transaction has read before is let go."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(state.c.id).with_for_update())
        return
    connection.commit()
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _counted(table: str) -> str:
    return f"SELECT COALESCE(SUM(requests + failed_requests), 0) FROM {table}"  # noqa: S608
