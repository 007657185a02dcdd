"""Rows into the database, in one transaction at a time, on a connection of their own."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any, Final, Protocol

import sqlalchemy as sa

from tracking.ledger.archive import Archive
from tracking.ledger.arriving import FILES_OF_MONTH, MONTHS_LEFT, not_left, unseen_receipts
from tracking.ledger.database import insert_into, open_engine, synchronous
from tracking.ledger.rows import STORED_COLUMNS, stored
from tracking.ledger.schema import calls, receipts

_INSERT: Final = (
    f"INSERT INTO {calls.name} ({', '.join(STORED_COLUMNS)}) "  # noqa: S608  # names of our own schema
    f"VALUES ({', '.join('?' * len(STORED_COLUMNS))}) ON CONFLICT (call_id) DO NOTHING"
)
_INSERT_RECEIPT: Final = f"INSERT INTO {receipts.name} VALUES (?, ?) ON CONFLICT DO NOTHING"  # noqa: S608


class Writer(Protocol):
    def write(self, rows: Sequence[list[Any]]) -> None:
        """Write calls; one whose `call_id` is there already is left as it is.

        Raises:
            Exception: what the database says; nothing was written.
        """

    def close(self) -> None: ...


class SqliteWriter:
    """One prepared statement on a connection kept open: SQLAlchemy's way would take several times as long."""

    def __init__(self, path: str, level: str, archive: Archive) -> None:
        self._path = path
        self._archive = archive
        self._level = level
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        self._lock = threading.Lock()
        self._kept: set[int] = set()  # receipts that are in the database

    def write(self, rows: Sequence[list[Any]]) -> None:
        unseen = unseen_receipts(rows, self._kept)
        with self._lock, self._opened() as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            if unseen:
                transaction.executemany(_INSERT_RECEIPT, unseen.items())
            left = {month for (month,) in transaction.execute(MONTHS_LEFT)}

            def files_of(month: int) -> list[str]:
                return [file for (file,) in transaction.execute(f"{FILES_OF_MONTH} {month}")]

            transaction.executemany(_INSERT, map(stored, not_left(rows, left, self._archive, files_of)))
        self._kept |= unseen.keys()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._owner == os.getpid():
                self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None or self._owner != os.getpid():  # a connection must not cross a fork
            self._connection = sqlite3.connect(self._path, timeout=10, check_same_thread=False)
            self._connection.execute(f"PRAGMA synchronous = {self._level}")
            self._owner = os.getpid()
        return self._connection


class EngineWriter:
    """Through SQLAlchemy, for a SQLite database that is in memory."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._insert = insert_into(engine, calls).on_conflict_do_nothing(index_elements=["call_id"])
        self._insert_receipt = insert_into(engine, receipts).on_conflict_do_nothing()

    def write(self, rows: Sequence[list[Any]]) -> None:
        unseen = unseen_receipts(rows, set())
        with self._engine.begin() as connection:
            if unseen:
                connection.execute(
                    self._insert_receipt, [{"receipt_id": k, "receipt": v} for k, v in unseen.items()]
                )
            connection.execute(
                self._insert, [dict(zip(STORED_COLUMNS, stored(row), strict=True)) for row in rows]
            )

    def close(self) -> None:
        self._engine.dispose()


def writer_for(url: str) -> Writer:
    """A writer with a connection of its own."""
    parsed, archive = sa.make_url(url), Archive(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteWriter(str(parsed.database), synchronous(parsed), archive)
    from tracking.ledger.copying import PostgresWriter  # noqa: PLC0415  # psycopg, owed by who has a server

    return PostgresWriter(open_engine(url), archive)
