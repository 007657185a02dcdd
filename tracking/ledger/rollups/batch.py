"""Some calls added up, on their way into the tables: by quarter hour and all keys, in a temporary table."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import sqlalchemy as sa

from tracking.ledger.rollups import histogram
from tracking.ledger.rollups.grains import DAY, MONTH, QUARTER, bucket_sql, floor, months
from tracking.ledger.rollups.histogram import Histogram
from tracking.ledger.rollups.measures import MEASURES
from tracking.ledger.rollups.tables import (
    HISTOGRAM_OF,
    MODEL,
    NULLABLE,
    Rollup,
    by_run,
    histograms,
)

_KEYS: Final = (*MODEL, "agent_name", "task_name", "receipt_id")
_NAMES: Final = ", ".join(m.name for m in MEASURES)
_OF_CALLS: Final = ", ".join(m.of_calls for m in MEASURES)
_OF_MEASURES: Final = ", ".join(m.of_measures for m in MEASURES)
_ONTO: Final = ", ".join(m.onto for m in MEASURES)

# Not the bare column: SQLite would walk through all calls by the index of runs.
BY_RUN_ID: Final = "run_id || ''"

ALL_MODELS: Final = ("", "", "")  # has histograms too: no provider is called nothing

_HISTOGRAM_KEY: Final = ("measure", "grain", "start", *MODEL)
HistogramKey = tuple[str, int, int, str, str, str]


def key_of_calls(name: str) -> str:
    """A key in SQL, of a row of `calls`: what is not known there is '' or 0 here."""
    if name == "receipt_id":
        return "COALESCE(receipt_id, 0)"
    return f"COALESCE({name}, '')" if name in NULLABLE else name


class Batch:
    """Calls added up on one connection; it holds what `fill` was asked for last."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._months: list[tuple[int, int]] = []
        self._counts: dict[HistogramKey, Counter[int]] = {}
        texts = ", ".join(f"{name} {'BIGINT' if name == 'receipt_id' else 'TEXT'}" for name in _KEYS)
        numbers = ", ".join(f"{m.name} BIGINT" for m in MEASURES)
        self._run(f"CREATE TEMP TABLE IF NOT EXISTS cube (quarter BIGINT, {texts}, {numbers})")
        self._run(f"CREATE TEMP TABLE IF NOT EXISTS cube_of_runs (run_id TEXT, {numbers})")

    def fill(self, where: str) -> None:
        """Add up the calls that a condition in SQL holds for."""
        self._run("DELETE FROM cube")
        self._run("DELETE FROM cube_of_runs")
        keys = ", ".join(map(key_of_calls, _KEYS))
        quarter = bucket_sql("started_at", QUARTER)
        self._run(
            f"INSERT INTO cube SELECT {quarter}, {keys}, {_OF_CALLS} FROM calls WHERE {where} "  # noqa: S608
            "GROUP BY 1, 2, 3, 4, 5, 6, 7"
        )
        self._run(
            f"INSERT INTO cube_of_runs SELECT {BY_RUN_ID}, {_OF_CALLS} FROM calls "  # noqa: S608
            f"WHERE {BY_RUN_ID} <> '' AND {where} GROUP BY 1"
        )
        first, last = self._connection.execute(sa.text("SELECT MIN(quarter), MAX(quarter) FROM cube")).one()
        self._months = [] if first is None else months(first, last + 1)
        self._counts = self._counted(where)

    def add_to(self, rollup: Rollup, grain: int) -> None:
        """Add the calls to a table's buckets of a grain."""
        columns = ("grain", "start", *rollup.keys)
        for select in self.selects(rollup, grain):
            self._run(
                f"INSERT INTO {rollup.name} AS t ({', '.join(columns)}, {_NAMES}) {select} "
                f"ON CONFLICT ({', '.join(columns)}) DO UPDATE SET {_ONTO}"
            )

    def add_runs(self) -> None:
        self._run(
            f"INSERT INTO {by_run.name} AS t (run_id, {_NAMES}) "  # noqa: S608
            f"SELECT run_id, {_NAMES} FROM cube_of_runs WHERE 1 = 1 "
            f"ON CONFLICT (run_id) DO UPDATE SET {_ONTO}"
        )

    def histograms(self) -> Iterator[tuple[HistogramKey, bytes]]:
        """Of these calls alone."""
        for key, counts in self._counts.items():
            yield key, Histogram.of(counts).to_bytes()

    def merged_histograms(self) -> Iterator[tuple[HistogramKey, bytes]]:
        """Of these calls and those that are in the table."""
        is_key = " AND ".join(f"{name} = :{name}" for name in _HISTOGRAM_KEY)
        present = sa.text(f"SELECT counts FROM {histograms.name} WHERE {is_key}")  # noqa: S608
        for key, counts in self._counts.items():
            merged = Histogram.of(counts)
            kept = self._connection.execute(present, dict(zip(_HISTOGRAM_KEY, key, strict=True))).scalar()
            if kept is not None:
                merged.add_bytes(kept)
            yield key, merged.to_bytes()

    def write_histograms(self, rows: Iterable[tuple[HistogramKey, bytes]]) -> None:
        columns = (*_HISTOGRAM_KEY, "counts")
        upsert = sa.text(
            f"INSERT INTO {histograms.name} ({', '.join(columns)}) "  # noqa: S608
            f"VALUES ({', '.join(f':{name}' for name in columns)}) "
            f"ON CONFLICT ({', '.join(_HISTOGRAM_KEY)}) DO UPDATE SET counts = excluded.counts"
        )
        values = [dict(zip(columns, (*key, counts), strict=True)) for key, counts in rows]
        if values:
            self._connection.execute(upsert, values)

    def selects(self, rollup: Rollup, grain: int) -> Iterator[str]:
        """What a table's buckets of a grain get from these calls."""
        keys = ", ".join(rollup.keys)
        by = ", ".join(str(2 + number) for number in range(len(rollup.keys) + 1))
        if grain != MONTH:
            start = bucket_sql("quarter", grain)
            yield f"SELECT {grain}, {start}, {keys}, {_OF_MEASURES} FROM cube WHERE 1 = 1 GROUP BY {by}"  # noqa: S608
            return
        for first, end in self._months:
            yield (
                f"SELECT {MONTH}, {first}, {keys}, {_OF_MEASURES} FROM cube "  # noqa: S608
                f"WHERE quarter >= {first} AND quarter < {end} GROUP BY {keys}"
            )

    def _counted(self, where: str) -> dict[HistogramKey, Counter[int]]:
        found: dict[HistogramKey, Counter[int]] = defaultdict(Counter)
        for measure in HISTOGRAM_OF:
            for day, *model, each, count in self._connection.execute(sa.text(self._counting(measure, where))):
                for grain, start in ((DAY, day), (MONTH, floor(day, MONTH))):
                    found[measure, grain, start, *model][each] += count
                    found[measure, grain, start, *ALL_MODELS][each] += count
        return found

    def _counting(self, measure: str, where: str) -> str:
        keys = ", ".join(map(key_of_calls, MODEL))
        bucket = bucket_of(self._connection, measure)
        return (
            f"SELECT {bucket_sql('started_at', DAY)}, {keys}, {bucket}, COUNT(*) "  # noqa: S608
            f"FROM calls WHERE billed = 1 AND {measure} IS NOT NULL AND {where} GROUP BY 1, 2, 3, 4, 5"
        )

    def _run(self, statement: str) -> None:
        self._connection.execute(sa.text(statement))


def bucket_of(connection: sa.Connection, measure: str) -> str:
    """A value's bucket in SQL. Not every SQLite can take a logarithm: it is given ours."""
    if connection.dialect.name == "postgresql":
        return histogram.bucket_sql(measure)
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # of sqlite3
    driver.create_function("histogram_bucket", 1, histogram.bucket, deterministic=True)
    return f"histogram_bucket({measure})"
