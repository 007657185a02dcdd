"""One clock for all who share a database: two computers' own may be minutes apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from tracking.ledger.database import microseconds, moment


def now_of(engine: sa.Engine) -> sa.ColumnElement[int]:
    """The time now by the database's clock, in microseconds since 1970, for use in a statement.

    A SQLite file is on one computer, whose clock it has.
    """
    if engine.dialect.name == "postgresql":
        seconds = sa.extract("epoch", sa.func.clock_timestamp())
        return sa.cast(seconds * 1_000_000, sa.BigInteger)
    return sa.literal(microseconds(datetime.now(UTC)), sa.BigInteger)


def read_clock(engine: sa.Engine) -> datetime:
    """The time now by the database's clock. Raises LedgerError: it can't be asked."""
    if engine.dialect.name == "sqlite":
        return datetime.now(UTC)
    with engine.connect() as connection:
        return moment(connection.execute(sa.select(now_of(engine))).scalar_one())


def lead_of(engine: sa.Engine) -> timedelta:
    """How far the database's clock is ahead of this computer's, to about the time that a question takes.

    Raises:
        LedgerError: the database can't be asked.
    """
    if engine.dialect.name == "sqlite":
        return timedelta(0)
    with engine.connect() as connection:
        connection.execute(sa.select(1))  # connected: what follows takes no longer than it must
        before = datetime.now(UTC)
        there = moment(connection.execute(sa.select(now_of(engine))).scalar_one())
        return there - (before + (datetime.now(UTC) - before) / 2)
