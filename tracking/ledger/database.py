"""Opening a database: the URL, SQLite's settings, and the schema's version."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from tracking.errors import LedgerError, LedgerVersionError
from tracking.ledger.schema import SCHEMA_VERSION, calls, metadata, schema_version

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WAL_ATTEMPTS = 500  # ten seconds, as for any other lock
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


def prepare(engine: sa.Engine) -> None:
    """Make the ledger's tables, and refuse one that a newer program wrote.

    Raises:
        LedgerError: the database can't be written.
        LedgerVersionError: its schema is newer than this program's.
    """
    create_tables(engine, metadata)
    with engine.begin() as connection:
        found = connection.execute(sa.select(sa.func.max(schema_version.c.version))).scalar()
        if found is None:
            connection.execute(schema_version.insert().values(version=SCHEMA_VERSION))
        elif found < SCHEMA_VERSION:
            _upgrade(connection, found)
        elif found > SCHEMA_VERSION:
            raise LedgerVersionError(
                f"the ledger {engine.url} has schema {found}, this program knows {SCHEMA_VERSION}: "
                "update the program, or name another ledger"
            )


def _upgrade(connection: sa.Connection, found: int) -> None:
    """Bring an older ledger up to date, in `connection`'s transaction. So far columns were only added."""
    present = {column["name"] for column in sa.inspect(connection).get_columns(calls.name)}
    for column in calls.columns:
        if column.name not in present:
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE calls ADD COLUMN {column.name} {kind}")
    connection.execute(
        schema_version.update().where(schema_version.c.version == found).values(version=SCHEMA_VERSION)
    )


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


def _open_sqlite(url: URL) -> sa.Engine:
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
        if not in_memory:
            _use_wal(connection)
        # NORMAL survives kill -9 of any process; only a power cut can take the last commits.
        connection.execute("PRAGMA synchronous = NORMAL")

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
