"""The table of calls on PostgreSQL: a partition per month of UTC, which can leave as a whole.

`position` is the number of the transaction that wrote the row. Below the oldest transaction that is still
open nothing can appear any more: a watermark there survives commits that come out of order, which one in a
sequence does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex

from tracking.ledger.database import moment
from tracking.ledger.rollups.grains import next_month
from tracking.ledger.schema import calls

_LOCK: Final = 7_251_904_416  # of whoever adds a partition, so that two don't add the same one
_PATIENCE: Final = "500ms"  # whoever comes after a lock that waits, waits too
_WRITING_TRANSACTION: Final = "(pg_current_xact_id()::text)::bigint"
# The oldest open transaction, but for those of other databases: nobody writes here from there. The locks on
# transactions tell in the lower half of their numbers whose they are.
_OLDEST_OPEN: Final = """
    WITH now AS (SELECT pg_current_snapshot() AS snapshot),
    elsewhere AS (
        SELECT (locks.transactionid::text)::bigint AS number
        FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
        WHERE locks.locktype = 'transactionid' AND locks.mode = 'ExclusiveLock' AND locks.granted
            AND activity.datname <> current_database()
    )
    SELECT COALESCE(MIN((open::text)::bigint), MAX((pg_snapshot_xmax(now.snapshot)::text)::bigint))
    FROM now LEFT JOIN LATERAL pg_snapshot_xip(now.snapshot) AS open
        ON (open::text)::bigint & 4294967295 NOT IN (SELECT number FROM elsewhere)
"""


def create_calls(connection: sa.Connection) -> None:
    """Make the table without any partition, and its indexes."""
    columns = (
        f"position BIGINT NOT NULL DEFAULT {_WRITING_TRANSACTION}"
        if column is calls.c.position
        else str(CreateColumn(column).compile(dialect=connection.dialect)).strip()
        for column in calls.columns
    )
    # A unique index of a partitioned table must hold what it is partitioned by. A call begins once.
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS calls ({', '.join(columns)}, UNIQUE (call_id, started_at)) "
        "PARTITION BY RANGE (started_at)"
    )
    connection.exec_driver_sql("CREATE INDEX IF NOT EXISTS calls_by_position ON calls (position)")
    for index in calls.indexes:
        connection.execute(CreateIndex(index, if_not_exists=True))


def final_below(connection: sa.Connection) -> int:
    """Below this position no call can appear any more."""
    return int(connection.exec_driver_sql(_OLDEST_OPEN).scalar_one())


def add_partitions(connection: sa.Connection, months: Iterable[int]) -> None:
    """Make the partitions of these months (their starts) where they are missing."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    for start in months:
        name = partition(start)
        if connection.exec_driver_sql(f"SELECT to_regclass('{name}')").scalar() is None:
            # Attached and not made in place, which would wait for everybody who reads calls.
            connection.exec_driver_sql(
                f"CREATE TABLE {name} (LIKE calls INCLUDING DEFAULTS INCLUDING INDEXES)"
            )
            connection.exec_driver_sql(
                f"ALTER TABLE calls ATTACH PARTITION {name} "
                f"FOR VALUES FROM ({start}) TO ({next_month(start)})"
            )


def drop_empty_partition(connection: sa.Connection, start: int) -> None:
    """Give a month's space back to the disk. It gets a partition again when a call of it comes.

    Raises:
        LedgerError: somebody reads calls so long that all others would have to wait: try later.
    """
    add_partitions(connection, [])  # nobody adds one meanwhile
    name = partition(start)
    if connection.exec_driver_sql(f"SELECT to_regclass('{name}')").scalar() is None:
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
    connection.exec_driver_sql("LOCK TABLE calls")  # first the whole, as everybody does, and then the part
    if connection.exec_driver_sql(f"SELECT 1 FROM {name} LIMIT 1").first() is None:  # noqa: S608
        connection.exec_driver_sql(f"DROP TABLE {name}")


def partition(start: int) -> str:
    """The name of the partition of the month that begins at `start`."""
    return f"calls_{moment(start):%Y_%m}"
