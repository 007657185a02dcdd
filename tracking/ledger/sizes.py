"""How much there is of a ledger, and where: on disk, in calls, in runs, and what is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from tracking.ledger.database import is_in_memory
from tracking.ledger.ledger import Ledger
from tracking.ledger.places import place_of
from tracking.ledger.rollups.state import read_state
from tracking.ledger.schema import calls, metadata

_MOST_COUNTED: Final = (
    100_000  # calls that are not added up yet: beyond that it only matters that they are many
)
_CHUNK: Final = 1 << 20
_TABLES: Final = sa.text(
    "SELECT SUM(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' "
    "AND (relname = ANY(:names) OR relname LIKE 'calls\\_%') AND pg_table_is_visible(oid)"
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """A ledger's size.

    Attributes:
        database: bytes of its tables, indexes, and of what is written beside them.
        journals: calls on disk that may not be in the database yet, of all processes of this computer.
        behind: calls that the sums do not hold yet; at most `most_behind`, which means: so many or more.
        calls: all that were ever kept, those that have left the database too.
    """

    database: int
    journals: int
    behind: int
    calls: int
    runs: int
    most_behind: int = _MOST_COUNTED


def sizes_of(ledger: Ledger, url: str) -> Sizes:
    """Measure a ledger. What it costs does not grow with the number of calls.

    Raises:
        LedgerError: the database can't be read.
    """
    counted = ledger.sums("requests", "failed_requests")
    with ledger.engine.connect() as connection:
        new = sa.select(calls.c.position).where(calls.c.position >= read_state(connection).watermark)
        some = new.limit(_MOST_COUNTED).subquery()
        behind = connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
        size = _database(connection)
    return Sizes(
        database=size,
        journals=0 if is_in_memory(ledger.engine.url) else _waiting(place_of(url, "journals")),
        behind=behind,
        calls=sum(counted["requests"]) + sum(counted["failed_requests"]),
        runs=ledger.run_count(),
    )


def _database(connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":
        # The partitions of `calls` are tables of their own, of the same schema.
        names = [table.name for table in metadata.sorted_tables]
        return int(connection.execute(_TABLES, {"names": names}).scalar_one() or 0)
    if is_in_memory(connection.engine.url):
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    file = str(connection.engine.url.database)
    return sum(path.stat().st_size for path in (Path(file), Path(f"{file}-wal")) if path.exists())


def _waiting(folder: Path) -> int:
    """Lines of calls in journals: at most so many wait, for what has just been moved is still there."""
    return sum(_lines(path) for path in folder.glob("*.jsonl")) if folder.exists() else 0


def _lines(path: Path) -> int:
    """Without the header; what is reserved after the last line is zeros."""
    found = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found += chunk.count(b"\n")
                if b"\0" in chunk:
                    break
    except OSError:  # its process has just ended, and taken it away
        return 0
    return max(0, found - 1)
