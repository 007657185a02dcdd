"""Opening a database: the URL, SQLite's settings, times as they are stored."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from tracking.errors import LedgerError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WAL_ATTEMPTS = 500  # ten seconds, as for any other lock
_CHECKPOINT_PAGES = 10_000  # the journals' writers do it after 1,000: no page and no run waits for it
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly (a float timestamp loses some)."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The inverse of `microseconds`."""
    return _EPOCH + timedelta(microseconds=micros)


def is_in_memory(url: URL) -> bool:
    """Whether the database ends with its process."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}


def open_engine(url: str) -> sa.Engine:
    """Connect, without making any table.

    Raises:
        LedgerError: the URL is not one, or the database can't be reached.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    engine = sa.create_engine(parsed, pool_pre_ping=True)
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        raise LedgerError(f"the database {engine.url} can't be reached: {error}") from error
    return _with_errors_of_ours(engine)


@contextlib.contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on which everything is read as of one moment. Nothing that is written on it is kept."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        # In memory there is one connection for all, whose transactions are others'.
        if engine.dialect.name == "sqlite" and not is_in_memory(engine.url):
            connection.exec_driver_sql("BEGIN")
        elif engine.dialect.name == "postgresql":
            # Before the moment is fixed: a partition that is dropped after it would be missing unseen.
            connection.exec_driver_sql("LOCK TABLE calls IN ACCESS SHARE MODE")
        yield connection


def create_tables(engine: sa.Engine, tables: sa.MetaData) -> None:
    """Make what is missing. Several processes may do so at once: all but one find it made.

    Raises:
        LedgerError: the database can't be written.
    """
    for attempt in range(3):
        try:
            with engine.begin() as connection:
                for table in tables.sorted_tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
                    for index in table.indexes:
                        connection.execute(CreateIndex(index, if_not_exists=True))
        except LedgerError:
            if attempt == 2:
                raise
        else:
            return


def insert_into(engine: sa.Engine, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what is to happen when the row is there already, in the engine's own dialect."""
    return postgresql.insert(table) if engine.dialect.name == "postgresql" else sqlite.insert(table)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        shown = url.rpartition("@")[2]  # before it stands a password
        raise LedgerError(
            f"{shown!r} is not a database URL: write sqlite:///path/to/ledger.sqlite or postgresql://user@host/name"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise LedgerError(f"{backend} is not supported: use a sqlite:/// or postgresql:// URL")
    return parsed.set(drivername="postgresql+psycopg") if backend == "postgresql" else parsed


def synchronous(url: URL) -> Literal["NORMAL", "FULL"]:
    """What a SQLite ledger survives, from `?synchronous=` in its URL.

    NORMAL, which it is unless FULL is asked for, survives the end of any process; a power cut can take the
    last calls. FULL survives that too, and has every call wait for the disk: milliseconds, not microseconds.

    Raises:
        LedgerError: it is something else.
    """
    asked = str(url.query.get("synchronous", "normal")).upper()
    if asked == "FULL":
        return "FULL"
    if asked == "NORMAL":
        return "NORMAL"
    raise LedgerError(f"synchronous={asked.lower()} is not known: write normal or full")


def _open_sqlite(asked: URL) -> sa.Engine:
    level, url = synchronous(asked), asked.difference_update_query(["synchronous"])
    in_memory = is_in_memory(url)
    options: dict[str, Any] = {"connect_args": {"timeout": 10, "check_same_thread": False}}
    if in_memory:
        options["poolclass"] = StaticPool  # one connection, or each thread would see a database of its own
    elif url.database:
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"the folder of {url.database} can't be made: {error}") from error
    engine = sa.create_engine(url, **options)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA cache_size = -16000")
        if not in_memory:
            if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
                # What is deleted can be given back to the disk; it must be said before there is a table.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _use_wal(connection)
        connection.execute(f"PRAGMA synchronous = {level}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")

    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        raise LedgerError(f"the ledger {url.database} can't be opened: {error.__cause__ or error}") from error
    return _with_errors_of_ours(engine)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Two processes may open a new file at once, and SQLite has no patience in this: it is asked again."""
    for _ in range(_WAL_ATTEMPTS):
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
            return
        time.sleep(0.02)
    connection.execute("PRAGMA journal_mode = WAL")


def _with_errors_of_ours(engine: sa.Engine) -> sa.Engine:
    """Whatever goes wrong in this database from now on is a LedgerError, without the statement's values."""

    @sa.event.listens_for(engine, "handle_error")
    def _translate(context: sa.engine.ExceptionContext) -> None:
        if not context.is_pre_ping:  # the pool's own question, after which it connects anew
            said = str(context.original_exception).partition("\n")[0]  # further lines quote the row
            raise LedgerError(f"the database {engine.url} failed: {said}")

    return engine
