"""Months of calls that have left the database: Parquet files, read back with DuckDB where that is installed.

A file is a part of a month: so many calls as one transaction moves. The receipts stay in the database.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from tracking.errors import LedgerError
from tracking.ledger.database import moment
from tracking.ledger.places import place_of
from tracking.ledger.rollups.grains import next_month
from tracking.ledger.schema import archives, calls

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_PLACE: Final = re.compile(r"\$(\w+)")
_COLUMNS: Final = tuple(column.name for column in calls.columns)
_EVERY_PART: Final = sa.select(archives).order_by(archives.c.month, archives.c.part)
_ABANDONED_SECONDS: Final = 3_600.0
_FETCHED: Final = 2_000  # rows at a time
_DIALECT: Final = PGDialect_psycopg(paramstyle="named")  # type: ignore[no-untyped-call]  # DuckDB speaks as PostgreSQL does


@dataclass(frozen=True, slots=True)
class Part:
    """Calls that left the database together.

    Attributes:
        month: its start, in microseconds.
        file: the Parquet file's name; None: the calls were not kept, only their sums.
        bytes: the size of the file.
    """

    month: int
    number: int
    file: str | None
    calls: int
    bytes: int

    @property
    def name(self) -> str:
        return f"{moment(self.month):%B %Y}"

    def touches(self, since: int | None, until: int | None) -> bool:
        """Whether its month and a range have something in common."""
        return (until is None or self.month < until) and (since is None or next_month(self.month) > since)


class Archive:
    """The Parquet files of one ledger."""

    def __init__(self, url: str) -> None:
        self.folder: Path = place_of(url, "archive")

    def parts(self, connection: sa.Connection) -> list[Part]:
        """Everything that has left the database, in order of time."""
        return [Part(*row) for row in connection.execute(_EVERY_PART)]

    def write(self, name: str, rows: Sequence[Sequence[Any]]) -> tuple[str, int]:
        """Keep rows of `calls`. Returns the file's name and size; it survives a power cut.

        Raises:
            LedgerError: the disk would not take it.
        """
        import pyarrow as pa  # noqa: PLC0415  # half a second, owed by who has an archive
        from pyarrow import parquet  # noqa: PLC0415

        columns = zip(*rows, strict=True)
        table = pa.table(
            {name: pa.array(values, _kind(name)) for name, values in zip(_COLUMNS, columns, strict=True)}
        )
        path = self.folder / name
        half = path.with_suffix(".half")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with half.open("wb") as file:
                parquet.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
            _keep_names(self.folder)
        except OSError as error:
            raise LedgerError(f"{path} can't be written: {error}") from error
        return path.name, path.stat().st_size

    def rows_of(self, part: Part) -> Iterator[dict[str, Any]]:
        """All calls of a part, as `calls` had them.

        Raises:
            LedgerError: its file is not here.
        """
        from pyarrow import parquet  # noqa: PLC0415  # see `write`

        table: pa.Table = parquet.read_table(self._path(part))
        for batch in table.to_batches(_FETCHED):
            yield from batch.to_pylist()

    def call_ids(self, files: Iterable[str]) -> set[str]:
        """The names of the calls in some files.

        Raises:
            LedgerError: one is not here.
        """
        from pyarrow import parquet  # noqa: PLC0415  # see `write`

        found: set[str] = set()
        for file in files:
            path = self.folder / file
            if not path.exists():
                raise LedgerError(
                    f"whether calls have come before can't be told: {path} is not on this computer"
                )
            found.update(parquet.read_table(path, columns=["call_id"])["call_id"].to_pylist())
        return found

    def remove(self, part: Part) -> None:
        if part.file is not None:
            (self.folder / part.file).unlink(missing_ok=True)

    def sweep(self, connection: sa.Connection) -> None:
        """Remove files that no part is in: of somebody who died before the calls had left the database."""
        known = {part.file for part in self.parts(connection)}
        for path in self.folder.glob("calls-*"):
            if path.name not in known and time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)

    def select(self, query: sa.Select[Any], parts: Sequence[Part]) -> Iterator[tuple[Any, ...]]:
        """The answer to a question about `calls`, of what was kept of these parts, in bounded memory."""
        text = query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
        kept = [part for part in parts if part.file is not None]
        return self.rows(str(text), {}, kept) if kept else iter(())

    def rows(self, query: str, values: Mapping[str, Any], parts: Sequence[Part]) -> Iterator[tuple[Any, ...]]:
        """The same in SQL, with `$name` where a value goes.

        Raises:
            LedgerError: the calls were not kept, a file is not here, or DuckDB is not.
        """
        if gone := next((part for part in parts if part.file is None), None):
            raise LedgerError(
                f"the calls of {gone.name} were not kept, only what they add up to by hour, model, agent, "
                "task and run: nothing else can be told of that month"
            )
        files = [str(self._path(part)) for part in parts]
        with _duckdb(parts) as database:
            database.read_parquet(files).create_view("calls")
            named = set(_PLACE.findall(query))
            result = database.execute(query, {name: values[name] for name in named})
            while some := result.fetchmany(_FETCHED):
                yield from some

    def _path(self, part: Part) -> Path:
        path = self.folder / str(part.file)
        if not path.exists():
            raise LedgerError(
                f"the calls of {part.name} were moved to {path}, which is not on this computer: "
                "bring the file back, or ask the computer that has it"
            )
        return path


def _keep_names(folder: Path) -> None:
    """Have the names in a folder survive a power cut; Windows does that by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _kind(name: str) -> pa.DataType:
    import pyarrow as pa  # noqa: PLC0415  # see `Archive.write`

    return pa.string() if isinstance(calls.c[name].type, sa.Text) else pa.int64()


def _duckdb(parts: Sequence[Part]) -> duckdb.DuckDBPyConnection:
    try:
        import duckdb  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise LedgerError(
            f"the calls of {parts[0].name} were moved to Parquet files, which DuckDB reads: "
            "install it with `pip install duckdb`"
        ) from error
    return duckdb.connect()
