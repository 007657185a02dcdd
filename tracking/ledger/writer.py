"""Rows into the database, in one transaction at a time, on a connection of their own."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from tracking.ledger.database import insert_into, open_engine
from tracking.ledger.rows import CALL_COLUMNS, stored
from tracking.ledger.schema import calls

_INSERT = (
    f"INSERT INTO {calls.name} ({', '.join(CALL_COLUMNS)}) "  # noqa: S608  # names of our own schema
    f"VALUES ({', '.join('?' * len(CALL_COLUMNS))}) ON CONFLICT (call_id) DO NOTHING"
)


class Writer(Protocol):
    def write(self, rows: Sequence[list[Any]]) -> None:
        """Write calls; one whose `call_id` is there already is left as it is.

        Raises:
            Exception: what the database says; nothing was written.
        """

    def close(self) -> None: ...


class SqliteWriter:
    """One prepared statement on a connection kept open: SQLAlchemy's way would take several times as long."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def write(self, rows: Sequence[list[Any]]) -> None:
        with self._lock, self._opened() as transaction:
            transaction.executemany(_INSERT, map(stored, rows))

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._owner == os.getpid():
                self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None or self._owner != os.getpid():  # a connection must not cross a fork
            self._connection = sqlite3.connect(self._path, timeout=10, check_same_thread=False)
            self._connection.execute("PRAGMA synchronous = NORMAL")  # as in `database`
            self._owner = os.getpid()
        return self._connection


class EngineWriter:
    """Through SQLAlchemy, where there is a server at the other end anyway."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._insert = insert_into(engine, calls).on_conflict_do_nothing(index_elements=["call_id"])

    def write(self, rows: Sequence[list[Any]]) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                self._insert, [dict(zip(CALL_COLUMNS, stored(row), strict=True)) for row in rows]
            )

    def close(self) -> None:
        self._engine.dispose()


def writer_for(url: str) -> Writer:
    """A writer with a connection of its own."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteWriter(str(parsed.database))
    return EngineWriter(open_engine(url))
