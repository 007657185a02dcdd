"""Single calls, wherever they are: in the database, or in the archive of old months."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa

from tracking.domain.call import LlmCall
from tracking.ledger.archive import Archive
from tracking.ledger.database import snapshot
from tracking.ledger.filters import column_of, filtered
from tracking.ledger.receipts import receipt_texts
from tracking.ledger.rollups.query import parts_of_runs
from tracking.ledger.rows import READ_COLUMNS, call_of
from tracking.ledger.schema import calls, receipts
from tracking.ledger.sums import question

_BATCH: Final = 2_000  # rows fetched at a time: an iteration over millions stays in a few megabytes
_EVERY_CALL_ONLY: Final = sa.select(calls).order_by(calls.c.started_at, calls.c.call_id)
_EVERY_CALL: Final = _EVERY_CALL_ONLY.add_columns(receipts.c.receipt).outerjoin_from(
    calls, receipts, calls.c.receipt_id == receipts.c.receipt_id
)
_CALLS_OF_RUN: Final = _EVERY_CALL.where(
    calls.c.run_id == sa.bindparam("run_id")
)  # the usual one: built once
_AGE: Final = itemgetter(READ_COLUMNS.index("started_at"), READ_COLUMNS.index("call_id"))
_RECEIPT_ID: Final = READ_COLUMNS.index("receipt_id")


class StoredCalls:
    """The calls of one ledger. Filters and errors are those of `Ledger`."""

    def __init__(self, engine: sa.Engine, archive: Archive) -> None:
        self._engine = engine
        self._archive = archive

    def calls(self, filters: Mapping[str, Any]) -> Iterator[LlmCall]:
        with snapshot(self._engine) as connection:  # a call that moves meanwhile is seen once
            moved = self._archived(connection, _EVERY_CALL_ONLY, filters)
            rows: Iterator[Sequence[Any]]
            if filters.keys() == {"run_id"} and isinstance(filters["run_id"], str):
                cursor = connection.execute(_CALLS_OF_RUN, filters).cursor
                assert cursor is not None
                rows = iter(cursor.fetchall())  # as the driver has them
            else:
                connection.execution_options(yield_per=_BATCH)
                rows = iter(connection.execute(_filtered(_EVERY_CALL, filters)))
            if moved:
                rows = heapq.merge(self._with_receipts(moved), rows, key=_AGE)
            yield from map(call_of, rows)

    def columns(self, names: Sequence[str], filters: Mapping[str, Any]) -> dict[str, list[Any]]:
        query = sa.select(*(column_of(calls, name) for name in names))
        with snapshot(self._engine) as connection:
            rows = connection.execute(_filtered(query, filters)).all()
            every = [*rows, *(self._archived(connection, query, filters) or ())]
        return {name: [row[place] for row in every] for place, name in enumerate(names)}

    def _archived(
        self, connection: sa.Connection, query: sa.Select[Any], filters: Mapping[str, Any]
    ) -> Iterator[tuple[Any, ...]] | None:
        """The same of the calls that have left the database; None: none that match have."""
        parts = self._archive.parts(connection)
        if not parts:
            return None
        asked = question((), filters)
        parts = parts_of_runs(connection, parts, asked.equal)
        touched = [part for part in parts if part.touches(asked.since, asked.until)]
        return self._archive.select(_filtered(query, filters), touched) if touched else None

    def _with_receipts(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        kept: dict[int, str] = {}
        for row in rows:
            number = row[_RECEIPT_ID]
            if number is not None and number not in kept:
                kept |= receipt_texts(self._engine, [number])
            yield (*row, kept.get(number))


def _filtered(query: sa.Select[Any], filters: Mapping[str, Any]) -> sa.Select[Any]:
    return filtered(query, calls, calls.c.started_at, filters)
