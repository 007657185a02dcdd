"""The schema's version: making a new ledger, bringing an older one up to date, refusing a newer one.

A new ledger is made from `schema` as it is now. An older one takes the steps in
`migrations`, by Alembic, in one transaction.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from tracking.errors import LedgerError, LedgerVersionError
from tracking.ledger import partitions
from tracking.ledger.rollups import tables as rollup_tables
from tracking.ledger.schema import SCHEMA_VERSION, calls, metadata

_HEAD: Final = f"{SCHEMA_VERSION:04}"
_LOCK: Final = 7_251_904_415  # of whoever makes or changes tables
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def prepare(engine: sa.Engine) -> None:
    """Make the ledger's tables, or bring them up to date.

    Raises:
        LedgerError: the database can't be written.
        LedgerVersionError: a newer program made it.
    """
    with engine.connect() as connection:
        if _version(connection) == SCHEMA_VERSION:
            _accept_another_server(connection)
            return
    with engine.connect() as connection:
        _take_turns(connection)
        found = _version(connection)  # somebody else may have been here meanwhile
        if found is None:
            create(connection)
            _stamp(connection, _HEAD)
        elif found < SCHEMA_VERSION:
            _migrate(connection, found)
        elif found > SCHEMA_VERSION:
            raise LedgerVersionError(
                f"the ledger {engine.url} has schema {found}, this program knows {SCHEMA_VERSION}: "
                "update the program, or name another ledger"
            )
        connection.commit()


def create(connection: sa.Connection) -> None:
    """Make the tables and indexes that are missing, as `schema` describes them."""
    for table in metadata.sorted_tables:
        if table is calls and connection.dialect.name == "postgresql":
            partitions.create_calls(connection)
            continue
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
    connection.exec_driver_sql("INSERT INTO rollup_state (id) VALUES (1) ON CONFLICT (id) DO NOTHING")


def _version(connection: sa.Connection) -> int | None:
    """The schema of the database; None: it holds no ledger."""
    present = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in present:
        found = connection.exec_driver_sql("SELECT MAX(version_num) FROM alembic_version").scalar()
    elif "schema_version" in present:  # up to schema 3
        found = connection.exec_driver_sql("SELECT MAX(version) FROM schema_version").scalar()
    else:
        return None
    if found is None:
        return None
    if not str(found).isdigit():
        raise LedgerError(f"the ledger {connection.engine.url} belongs to another program (schema {found})")
    return int(found)


def _stamp(connection: sa.Connection, version: str) -> None:
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
    )
    connection.exec_driver_sql("DELETE FROM alembic_version")
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})


def _migrate(connection: sa.Connection, found: int) -> None:
    # A third of a second of imports, owed only by who has an older ledger.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    if "alembic_version" not in sa.inspect(connection).get_table_names():
        _stamp(connection, f"{found:04}")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _take_turns(connection: sa.Connection) -> None:
    """Nobody else changes tables until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _accept_another_server(connection: sa.Connection) -> None:
    """A dump that was restored on another server comes with positions that this one has not reached.

    New calls would be below the watermark and never be added up; so old ones are moved down to where none
    is mistaken.
    """
    if connection.dialect.name != "postgresql":
        return
    watermark = sa.select(rollup_tables.state.c.watermark).scalar_subquery()
    newest = sa.text("(pg_snapshot_xmax(pg_current_snapshot())::text)::bigint")
    is_of_another = sa.select(watermark > newest)
    if connection.execute(is_of_another).scalar():
        _take_turns(connection)
        if not connection.execute(is_of_another).scalar():  # somebody else has done it meanwhile
            return
        added_up = sa.case((calls.c.position < watermark, 0), else_=1)
        connection.execute(calls.update().values(position=added_up))
        connection.execute(rollup_tables.state.update().values(watermark=1))
        connection.commit()
