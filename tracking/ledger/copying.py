"""Rows into PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy as sa

from tracking.ledger.archive import Archive
from tracking.ledger.arriving import FILES_OF_MONTH, MONTHS_LEFT, months_of, not_left, unseen_receipts
from tracking.ledger.partitions import add_partitions
from tracking.ledger.rows import STORED_COLUMNS, stored


class PostgresWriter:
    """By COPY, which takes many rows as they come; from a table of its own, for COPY knows no conflicts."""

    def __init__(self, engine: sa.Engine, archive: Archive) -> None:
        self._engine = engine
        self._archive = archive
        self._kept: set[int] = set()  # receipts that are in the database
        self._months: set[int] = set()  # that have a partition

    def write(self, rows: Sequence[list[Any]]) -> None:
        try:
            self._write(rows)
        except psycopg.errors.CheckViolation:  # a partition that was empty was given back by somebody else
            self._months.clear()
            self._write(rows)

    def _write(self, rows: Sequence[list[Any]]) -> None:
        unseen = unseen_receipts(rows, self._kept)
        missing = months_of(rows) - self._months
        columns = ", ".join(STORED_COLUMNS)
        with self._engine.begin() as connection:
            if missing:
                add_partitions(connection, sorted(missing))
            cursor: psycopg.Cursor[Any] = connection.connection.cursor()  # type: ignore[assignment]  # of psycopg
            if unseen:
                cursor.executemany(
                    "INSERT INTO receipts VALUES (%s, %s) ON CONFLICT DO NOTHING", unseen.items()
                )
            left = {month for (month,) in cursor.execute(MONTHS_LEFT)}

            def files_of(month: int) -> list[str]:
                return [file for (file,) in cursor.execute(f"{FILES_OF_MONTH} {month}")]

            rows = not_left(rows, left, self._archive, files_of)
            cursor.execute(
                "CREATE TEMP TABLE IF NOT EXISTS arriving (LIKE calls INCLUDING DEFAULTS) "
                "ON COMMIT DELETE ROWS"
            )
            with cursor.copy(f"COPY arriving ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(stored(row))
            cursor.execute(
                f"INSERT INTO calls ({columns}) SELECT {columns} FROM arriving "  # noqa: S608
                "ON CONFLICT (call_id, started_at) DO NOTHING"
            )
        self._kept |= unseen.keys()
        self._months |= missing

    def close(self) -> None:
        self._engine.dispose()
