"""Making sums anew from calls, a month at a time, and days of time zones from hours."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tracking.errors import LedgerError
from tracking.ledger.database import moment
from tracking.ledger.rollups.batch import Batch
from tracking.ledger.rollups.grains import DAY, HOUR, QUARTER, SECOND, bucket_sql
from tracking.ledger.rollups.measures import MEASURES
from tracking.ledger.rollups.state import phases, read_state
from tracking.ledger.rollups.tables import ROLLUPS, Rollup, by_run, histograms
from tracking.ledger.schema import archives

_NAMES: Final = ", ".join(m.name for m in MEASURES)
_OF_MEASURES: Final = ", ".join(m.of_measures for m in MEASURES)


def rebuild(connection: sa.Connection, month: tuple[int, int], *, runs: bool = True) -> None:
    """Make a month's sums anew from its calls, in a transaction of `Upkeep.changing`.

    Raises:
        LedgerError: some of them have left the database; the sums would be wrong without them.
    """
    start, end = month
    if has_left(connection, start):
        raise LedgerError(f"calls of {moment(start):%B %Y} were moved out of the database: try again")
    batch = Batch(connection)
    batch.fill(of_month(connection, month))
    for rollup in ROLLUPS:
        grains = ", ".join(map(str, rollup.grains))
        _delete(connection, rollup.name, f"grain IN ({grains}) AND start >= {start} AND start < {end}")
        for grain in rollup.grains:
            batch.add_to(rollup, grain)
    for phase in phases(connection):
        _rebuild_days(connection, phase, month)
    _delete(connection, histograms.name, f"start >= {start} AND start < {end}")
    batch.write_histograms(batch.histograms())
    if not runs:
        return
    # A run belongs to the month in which it began; its calls of the next month count with it.
    _delete(connection, by_run.name, f"first_at >= {start} AND first_at < {end}")
    connection.execute(sa.text(f"INSERT INTO {by_run.name} (run_id, {_NAMES}) {runs_of(connection, month)}"))


def has_left(connection: sa.Connection, month: int) -> bool:
    """Whether calls of a month, by its start, are not in the database any more."""
    gone = sa.select(archives.c.month).where(archives.c.month == month).limit(1)
    return connection.execute(gone).first() is not None


def of_month(connection: sa.Connection, month: tuple[int, int]) -> str:
    """A condition that holds for the calls of a month that are added up."""
    # The plus keeps the index of positions out: the month is the narrower of the two.
    below = f"+position < {read_state(connection).watermark}"
    return f"{below} AND started_at >= {month[0]} AND started_at < {month[1]}"


def runs_of(connection: sa.Connection, month: tuple[int, int]) -> str:
    """The sums of the runs that began in a month, of all their calls that have been added up."""
    measures = ", ".join(m.of_calls for m in MEASURES)
    watermark = read_state(connection).watermark
    return (
        f"SELECT run_id, {measures} FROM calls WHERE +position < {watermark} AND run_id IN "  # noqa: S608
        f"(SELECT DISTINCT run_id FROM calls WHERE {of_month(connection, month)}) GROUP BY run_id "
        f"HAVING MIN(started_at) >= {month[0]} "
        f"AND run_id NOT IN (SELECT run_id FROM {by_run.name} WHERE first_at < {month[0]})"
    )


def derive_days(connection: sa.Connection, rollup: Rollup, phase: int, where: str) -> None:
    """Add the days that begin at `phase`, put together from the finer buckets that a condition holds for."""
    grain = DAY + phase
    keys = ", ".join(rollup.keys)
    by = ", ".join(str(2 + number) for number in range(len(rollup.keys) + 1))
    connection.execute(
        sa.text(
            f"INSERT INTO {rollup.name} (grain, start, {keys}, {_NAMES}) "  # noqa: S608
            f"SELECT {grain}, {bucket_sql('start', grain)}, {keys}, {_OF_MEASURES} FROM {rollup.name} "
            f"WHERE grain = {finer(phase)} AND {where} GROUP BY {by}"
        )
    )


def finer(phase: int) -> int:
    """The coarsest grain that days beginning at `phase` can be put together from."""
    return QUARTER if phase % HOUR else HOUR


def _rebuild_days(connection: sa.Connection, phase: int, month: tuple[int, int]) -> None:
    """The first of a month's days of another time zone began in the month before."""
    since, until = days_touched(month, phase)
    for rollup in ROLLUPS:
        if rollup.days_of_zones:
            _delete(
                connection, rollup.name, f"grain = {DAY + phase} AND start >= {since} AND start < {until}"
            )
            derive_days(connection, rollup, phase, f"start >= {since} AND start < {until}")


def days_touched(month: tuple[int, int], phase: int) -> tuple[int, int]:
    """From the start of the first to the end of the last day that has a part in a month."""
    return month[0] - (DAY - phase) * SECOND, month[1] + phase * SECOND


def _delete(connection: sa.Connection, table: str, where: str) -> None:
    connection.execute(sa.text(f"DELETE FROM {table} WHERE {where}"))  # noqa: S608  # names of our own schema
