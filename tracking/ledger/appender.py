"""The shortest durable way into a SQLite ledger: one prepared statement on a connection kept open.

A call is written on the crew's own thread, and through the pool and the statement compiler of SQLAlchemy that
would take several times as long as the write itself.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Mapping
from typing import Any

from tracking.ledger.schema import calls

_COLUMNS = tuple(column.name for column in calls.columns)
_INSERT = (
    f"INSERT INTO {calls.name} ({', '.join(_COLUMNS)}) "  # noqa: S608  # names of our own schema
    f"VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT (call_id) DO NOTHING"
)


class SqliteAppender:
    """Appends calls from any thread, one at a time: SQLite has one writer anyway."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row and commit it. Opens the connection again after `close`: calls may come late.

        Raises:
            sqlite3.Error: it could not be written.
        """
        values = [row[name] for name in _COLUMNS]
        with self._lock:
            self._opened().execute(_INSERT, values)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._owner == os.getpid():
                self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None or self._owner != os.getpid():  # a connection must not cross a fork
            self._connection = sqlite3.connect(
                self._path, timeout=10, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA synchronous = NORMAL")  # as in `database`
            self._owner = os.getpid()
        return self._connection
