"""Questions about sums, in SQL: from the rollups where they can answer, from single calls where they can't.

Every statement has the calls above the watermark in it, and is read in the snapshot that the watermark is of:
no answer is stale, and none counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa

from tracking.domain.cost import CostState
from tracking.ledger.archive import Archive, Part
from tracking.ledger.rollups.batch import key_of_calls
from tracking.ledger.rollups.grains import DAY, Cover, Piece, cover
from tracking.ledger.rollups.measures import MEASURE, merged
from tracking.ledger.rollups.remembered import Remembered, Rows
from tracking.ledger.rollups.state import State, read_state
from tracking.ledger.rollups.tables import NULLABLE, OF_DAYS, ROLLUPS, Rollup, by_run
from tracking.ledger.schema import calls

_NOTHING: Final = Cover()
_PLACE: Final = re.compile(r":(\w+)")


@dataclass(frozen=True, slots=True)
class Question:
    """Which calls, and by what they are grouped.

    Attributes:
        by: columns of `calls`.
        equal: columns of `calls` with the values that are asked for; None: what could not be told.
        since, until: microseconds (inclusive, exclusive) of the start of a call.
    """

    by: tuple[str, ...] = ()
    equal: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    since: int | None = None
    until: int | None = None

    @property
    def is_of_runs(self) -> bool:
        """Whether it asks for nothing but runs that it names."""
        named = self.equal.get("run_id", (None,))
        whole = self.since is None and self.until is None
        return whole and {*self.by, *self.equal} == {"run_id"} and None not in named

    @property
    def rollup(self) -> Rollup | None:
        """The smallest table that tells apart what the question does; None: only single calls do."""
        names = {*self.by, *self.equal}
        return next((rollup for rollup in ROLLUPS if names <= set(rollup.keys)), None)

    def cover(self) -> Cover:
        """What of the range is in the rollup, and what has to be read from calls."""
        rollup = self.rollup
        return _NOTHING if rollup is None else cover(self.since, self.until, rollup.grains)


@dataclass(frozen=True, slots=True)
class Source:
    """A ledger as of one moment.

    Attributes:
        connection: on a snapshot.
        state: of its sums.
        archive: where calls are that have left the database.
        remembered: what was read from sums lately.
    """

    connection: sa.Connection
    state: State
    archive: Archive
    remembered: Remembered

    @classmethod
    def of(cls, connection: sa.Connection, archive: Archive, remembered: Remembered | None = None) -> Source:
        return cls(connection, read_state(connection), archive, remembered or Remembered())

    @property
    def watermark(self) -> int:
        """The sums hold the calls whose position is below it."""
        return self.state.watermark


class Statement:
    """Parts of an answer, which are added up. Each part selects its groups and their measures."""

    def __init__(
        self, question: Question, measures: Sequence[str], watermark: int, bucket: str | None = None
    ) -> None:
        """`bucket`: also group by this number, which each part names in its own way."""
        self._question = question
        self._measures = measures
        self._bucket = bucket
        self._values: dict[str, Any] = {"watermark": watermark}
        self._days: list[str] = []  # parts of which none has a bucket that another has
        self._parts: list[str] = []
        self._may_be_archived: list[tuple[str, int | None, int | None]] = []  # a part, and its range
        equal = question.equal.items()
        self._where_calls = [self._matching(name, values, of_calls=True) for name, values in equal]
        self._where_rollup = [self._matching(name, values, of_calls=False) for name, values in equal]

    def add_days(self, piece: Piece, bucket: str) -> None:
        """Buckets of the rollup that are whole days, or together are: piece by piece in order of time."""
        self._days.append(self._of_piece(piece, bucket))

    def add_piece(self, piece: Piece, bucket: str = "") -> None:
        """Buckets of the rollup."""
        self._parts.append(self._of_piece(piece, bucket))

    def _of_piece(self, piece: Piece, bucket: str) -> str:
        rollup = self._question.rollup
        assert rollup is not None
        where = [
            f"grain = {piece.grain}",
            *([OF_DAYS] if piece.grain >= DAY else []),
            *self._between("start", piece.start, piece.end),
            *self._where_rollup,
        ]
        return self._of_sums(bucket, rollup.name, where)

    def add_runs(self) -> None:
        """Whole runs, whenever they were."""
        self._parts.append(self._of_sums("", by_run.name, self._where_rollup))

    def add_edge(self, start: int, end: int, bucket: str = "") -> None:
        """Single calls that have been added up, where no bucket fits."""
        # The plus keeps the index of positions out, which half of the ledger fits.
        span = self._between("started_at", start, end)
        self._parts.append(self._of_calls(bucket, ["+position < :watermark", *span]))
        # Whatever has left has been added up.
        self._may_be_archived.append((self._of_calls(bucket, span), start, end))

    def add_new(self, bucket: str = "") -> None:
        """The calls above the watermark."""
        span = self._between("+started_at", self._question.since, self._question.until)
        self._parts.append(self._of_calls(bucket, ["position >= :watermark", *span]))

    def add_calls(self, bucket: str = "") -> None:
        """All calls, one by one."""
        since, until = self._question.since, self._question.until
        self._parts.append(self._of_calls(bucket, self._between("started_at", since, until)))
        self._may_be_archived.append((self._parts[-1], since, until))

    def rows(self, source: Source) -> Rows:
        """The bucket, the groups, the measures; of no group at all there is one row. In order of buckets.

        Raises:
            LedgerError: calls that it takes were moved to where they can't be read.
        """
        # One after the other, as they are in time: put together by the engine they would have to be sorted.
        days = list(chain.from_iterable(self._remembered(source, part) for part in self._days))
        more = self._read(source, self._parts)
        if self._may_be_archived:
            more += self._archived(source)
        if not self._bucket:
            return merged_rows(self._measures, more)
        if not more:
            return days
        # Days are by far the most rows, and in order already: only those that get something are put together.
        touched = {row[0] for row in more}
        merged = in_order(
            self._measures,
            merged_rows(self._measures, [*(row for row in days if row[0] in touched), *more]),
        )
        return sorted([*(row for row in days if row[0] not in touched), *merged], key=itemgetter(0))

    def _remembered(self, source: Source, part: str) -> Rows:
        def read() -> Rows:
            return self._read(source, [part])

        return source.remembered.rows(source.state, part, self._values, read)

    def _read(self, source: Source, parts: Sequence[str]) -> Rows:
        if not parts:
            return []
        query = " UNION ALL ".join(parts)
        if self._bucket:
            query += f" ORDER BY {', '.join((self._bucket, *self._question.by))}"
        cursor = source.connection.execute(sa.text(query), self._values).cursor
        assert cursor is not None
        return list(cursor.fetchall())  # as the driver has them: there are thousands, and no type to convert

    def _archived(self, source: Source) -> Rows:
        parts = parts_of_runs(
            source.connection, source.archive.parts(source.connection), self._question.equal
        )
        asked = [
            (text, touched)
            for text, since, until in self._may_be_archived
            if (touched := [part for part in parts if part.touches(since, until)])
        ]
        if not asked:
            return []
        query = _PLACE.sub(r"$\1", " UNION ALL ".join(text for text, _ in asked))
        needed = dict.fromkeys(part for _, touched in asked for part in touched)
        return list(source.archive.rows(query, self._values, list(needed)))

    def _of_sums(self, bucket: str, table: str, where: Sequence[str]) -> str:
        measures = (MEASURE[name].of_measures for name in self._measures)
        return self._select(bucket, self._question.by, measures, table, where)

    def _of_calls(self, bucket: str, where: Sequence[str]) -> str:
        keys = (f"{key_of_calls(name)} AS {name}" for name in self._question.by)
        measures = (MEASURE[name].of_calls for name in self._measures)
        return self._select(bucket, keys, measures, calls.name, [*where, *self._where_calls])

    def _select(
        self, bucket: str, keys: Iterable[str], measures: Iterable[str], table: str, where: Sequence[str]
    ) -> str:
        groups = [*([f"{bucket} AS {self._bucket}"] if self._bucket else []), *keys]
        sums = (f"CAST({sql} AS BIGINT) AS {n}" for sql, n in zip(measures, self._measures, strict=True))
        conditions = " AND ".join(where) or "1 = 1"
        query = f"SELECT {', '.join((*groups, *sums))} FROM {table} WHERE {conditions}"  # noqa: S608
        together = ", ".join(str(1 + number) for number in range(len(groups)))
        return f"{query} GROUP BY {together}" if together else query

    def _between(self, column: str, start: int | None, end: int | None) -> list[str]:
        since = [] if start is None else [f"{column} >= :{self._named(start)}"]
        return since if end is None else [*since, f"{column} < :{self._named(end)}"]

    def _named(self, value: int) -> str:
        name = f"time_{len(self._values)}"
        self._values[name] = value
        return name

    def _matching(self, name: str, wanted: tuple[Any, ...], *, of_calls: bool) -> str:
        if name == "cost_state" and None not in wanted:  # written out, or its index could not be used
            return f"cost_state IN ({', '.join(repr(str(CostState(value))) for value in wanted)})"
        known = [value for value in wanted if value is not None]
        if None in wanted and not of_calls:
            known.append("")
        names = [f"{name}_{number}" for number in range(len(known))]
        self._values |= dict(zip(names, known, strict=True))
        one_of = f"{name} IN ({', '.join(f':{each}' for each in names)})" if names else "1 = 0"
        if None not in wanted or not of_calls:
            return one_of
        return f"({one_of} OR {name} IS NULL" + (f" OR {name} = '')" if name in NULLABLE else ")")


def answer(source: Source, question: Question, measures: Sequence[str]) -> Rows:
    """The groups and their measures, as integers; a group's '' is what could not be told."""
    statement = Statement(question, measures, source.watermark)
    if question.is_of_runs:
        statement.add_runs()
        statement.add_new()
    elif question.rollup is None:
        statement.add_calls()
    else:
        found = question.cover()
        for piece in found.pieces:
            statement.add_piece(piece)
        for start, end in found.edges:
            statement.add_edge(start, end)
        statement.add_new()
    return statement.rows(source)


def parts_of_runs(
    connection: sa.Connection, parts: list[Part], equal: Mapping[str, Sequence[Any]]
) -> list[Part]:
    """Those that can hold calls of the runs that are asked for, if runs are."""
    named = equal.get("run_id", (None,))
    if not parts or None in named:
        return parts
    query = sa.select(sa.func.min(by_run.c.first_at), sa.func.max(by_run.c.last_at))
    first, last = connection.execute(query.where(by_run.c.run_id.in_(named))).one()
    return [] if first is None else [part for part in parts if part.touches(first, last + 1)]


def merged_rows(measures: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Rows:
    """Rows of the same groups as one."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows:
        key, values = row[: -len(measures)], row[-len(measures) :]
        found[key] = merged(measures, found[key], values) if key in found else values
    return [(*key, *values) for key, values in found.items()]


def in_order(measures: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Rows:
    """Rows by their groups; what is not known comes first."""

    def place(row: tuple[Any, ...]) -> list[tuple[bool, Any]]:
        return [(value is not None, value) for value in row[: -len(measures)]]

    return sorted(rows, key=place)


def told(name: str, value: Any) -> Any:
    """A group as callers know it: what could not be told is None."""
    return None if value == "" and name in NULLABLE else value
