"""Comparing the sums with the calls that they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tracking.ledger.rollups.batch import Batch
from tracking.ledger.rollups.grains import DAY, bucket_sql
from tracking.ledger.rollups.measures import MEASURES
from tracking.ledger.rollups.rebuilding import days_touched, finer, has_left, of_month, runs_of
from tracking.ledger.rollups.state import phases
from tracking.ledger.rollups.tables import HISTOGRAM_GRAINS, MODEL, ROLLUPS, Rollup, by_run, histograms

_NAMES: Final = ", ".join(m.name for m in MEASURES)
_OF_MEASURES: Final = ", ".join(m.of_measures for m in MEASURES)


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one table, in one month, that are not what the calls add up to."""

    table: str
    month: int  # its start, in microseconds
    rows: int


def differences(connection: sa.Connection, month: tuple[int, int]) -> list[Difference]:
    """What of a month's sums is not what its calls add up to; `connection` is on a snapshot.

    Of a month whose calls have left there is nothing to compare with.
    """
    if has_left(connection, month[0]):
        return []
    batch = Batch(connection)
    batch.fill(of_month(connection, month))
    found = {rollup.name: _differing(connection, batch, rollup, month) for rollup in ROLLUPS}
    found["days of time zones"] = _differing_days(connection, month)
    found[histograms.name] = _differing_histograms(connection, batch, month)
    found[by_run.name] = _differing_runs(connection, month)
    return [Difference(table, month[0], rows) for table, rows in found.items() if rows]


def _differing(connection: sa.Connection, batch: Batch, rollup: Rollup, month: tuple[int, int]) -> int:
    keys, grains = ", ".join(rollup.keys), ", ".join(map(str, rollup.grains))
    kept = (
        f"SELECT grain, start, {keys}, {_NAMES} FROM {rollup.name} "  # noqa: S608
        f"WHERE grain IN ({grains}) AND start >= {month[0]} AND start < {month[1]}"
    )
    parts = [each for grain in rollup.grains for each in batch.selects(rollup, grain)]
    return _apart(connection, kept, " UNION ALL ".join(parts)) if parts else _rows(connection, kept)


def _differing_days(connection: sa.Connection, month: tuple[int, int]) -> int:
    found = 0
    for phase in phases(connection):
        since, until = days_touched(month, phase)
        for rollup in ROLLUPS:
            if rollup.days_of_zones:
                keys, grain = ", ".join(rollup.keys), DAY + phase
                by = ", ".join(str(1 + number) for number in range(len(rollup.keys) + 1))
                span = f"start >= {since} AND start < {until}"
                kept = f"SELECT start, {keys}, {_NAMES} FROM {rollup.name} WHERE grain = {grain} AND {span}"  # noqa: S608
                made = (
                    f"SELECT {bucket_sql('start', grain)}, {keys}, {_OF_MEASURES} FROM {rollup.name} "  # noqa: S608
                    f"WHERE grain = {finer(phase)} AND {span} GROUP BY {by}"
                )
                found += _apart(connection, kept, made)
    return found


def _differing_runs(connection: sa.Connection, month: tuple[int, int]) -> int:
    kept = (
        f"SELECT run_id, {_NAMES} FROM {by_run.name} "  # noqa: S608
        f"WHERE first_at >= {month[0]} AND first_at < {month[1]}"
    )
    return _apart(connection, kept, runs_of(connection, month))


def _differing_histograms(connection: sa.Connection, batch: Batch, month: tuple[int, int]) -> int:
    names = ("measure", "grain", "start", *MODEL, "counts")
    query = sa.select(*(histograms.c[name] for name in names)).where(
        histograms.c.grain.in_(HISTOGRAM_GRAINS),
        histograms.c.start >= month[0],
        histograms.c.start < month[1],
    )
    kept = {tuple(key): counts for *key, counts in connection.execute(query)}
    made = dict(batch.histograms())
    return sum(kept.get(key) != made.get(key) for key in kept.keys() | made.keys())


def _apart(connection: sa.Connection, one: str, other: str) -> int:
    """How many rows are in one and not in the other."""
    return sum(
        _rows(connection, f"SELECT * FROM ({a}) AS a EXCEPT SELECT * FROM ({b}) AS b")  # noqa: S608
        for a, b in ((one, other), (other, one))
    )


def _rows(connection: sa.Connection, query: str) -> int:
    return int(connection.execute(sa.text(f"SELECT COUNT(*) FROM ({query}) AS rows")).scalar_one())  # noqa: S608
