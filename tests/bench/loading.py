"""The made history in files and databases, kept between runs, made anew when its makers or tables change."""

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from bench.columns import values
from bench.history import VERSION, made_history
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from tracking import Ledger
from tracking.ledger.partitions import add_partitions
from tracking.ledger.rollups.grains import months
from tracking.ledger.schema import calls, metadata, receipts, runs

_MADE = (receipts, runs, calls)


@dataclass(frozen=True)
class Made:
    """So many calls, and where they are. Each is made when it is first asked for."""

    home: Path
    calls: int
    postgres_server: str | None = None

    @property
    def folder(self) -> Path:
        return self.home / str(self.calls)

    def parquet(self) -> Path:
        """A folder of files for each table."""
        return self._once("parquet", _fingerprint(_MADE), self._write_parquet)

    def sqlite(self) -> str:
        """A ledger's URL, with everything added up."""
        folder = self._once("sqlite", _fingerprint(metadata.sorted_tables), self._load_sqlite)
        return f"sqlite:///{folder / 'ledger.sqlite'}"

    def duckdb(self) -> Path:
        """A database with the raw calls and nothing else."""
        return self._once("duckdb", _fingerprint(_MADE), self._load_duckdb) / "calls.duckdb"

    def postgresql(self) -> str:
        """A ledger's URL, with everything added up, in a database of its own."""
        assert self.postgres_server is not None
        self._once("postgresql", _fingerprint(metadata.sorted_tables), self._load_postgresql)
        return f"{self.postgres_server}/{self._database}"

    @property
    def _database(self) -> str:
        return f"swarm_bench_{self.calls}"

    def _once(self, name: str, fingerprint: str, make: Callable[[Path], None]) -> Path:
        folder, stamp = self.folder / name, self.folder / f"{name}.made"
        if stamp.exists() and stamp.read_text() == fingerprint:
            return folder
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        started = time.monotonic()
        make(folder)
        stamp.write_text(fingerprint)
        print(f"{self.calls:,} calls in {name}: {time.monotonic() - started:.0f} s", flush=True)
        return folder

    def _write_parquet(self, folder: Path) -> None:
        for number, piece in enumerate(made_history(self.calls)):
            for name in ("receipts", "runs", "calls"):
                pq.write_table(
                    getattr(piece, name), folder / f"{name}-{number:04}.parquet", compression="zstd"
                )

    def _load_sqlite(self, folder: Path) -> None:
        path, source = folder / "ledger.sqlite", self.parquet()
        Ledger.open(f"sqlite:///{path}").close()
        with sqlite3.connect(path, isolation_level=None) as connection:
            for pragma in (
                "journal_mode = DELETE",
                "journal_mode = OFF",
                "synchronous = OFF",
                "cache_size = -500000",
            ):
                connection.execute(f"PRAGMA {pragma}")
            for index in calls.indexes:
                connection.execute(f"DROP INDEX {index.name}")
            for table in _MADE:
                marks = ", ".join("?" * len(table.columns))
                for piece in _pieces(source, table.name):
                    connection.execute("BEGIN")
                    connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", _rows(piece))
                    connection.execute("COMMIT")
            for index in calls.indexes:
                connection.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
            connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        _add_up(f"sqlite:///{path}")

    def _load_duckdb(self, folder: Path) -> None:
        import duckdb

        # Files come in the order of their names, and rows in that of the files.
        with duckdb.connect(folder / "calls.duckdb") as connection:
            connection.execute(f"CREATE TABLE calls AS FROM '{self.parquet()}/calls-*.parquet'")

    def _load_postgresql(self, folder: Path) -> None:
        import psycopg

        source = self.parquet()
        with psycopg.connect(f"{self.postgres_server}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {self._database}")
        url = f"{self.postgres_server}/{self._database}"
        with Ledger.open(url) as ledger, ledger.engine.begin() as connection:
            times = [piece["started_at"] for piece in _pieces(source, "calls", ["started_at"])]
            first = min(pa.compute.min(each).as_py() for each in times)
            last = max(pa.compute.max(each).as_py() for each in times)
            add_partitions(connection, [start for start, _ in months(first, last + 1)])
        with psycopg.connect(url, autocommit=True) as connection:
            for index in calls.indexes:
                connection.execute(f"DROP INDEX {index.name}")
            for table in _MADE:
                for piece in _pieces(source, table.name):
                    # What a call's position is here is PostgreSQL's to say.
                    _copy(connection, table.name, piece.drop_columns("position") if table is calls else piece)
            for index in calls.indexes:
                connection.execute(str(CreateIndex(index).compile(dialect=postgresql.dialect())))
        _add_up(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # as the server does by itself, in its own time
            connection.execute("CHECKPOINT")


def _pieces(source: Path, table: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    for file in sorted(source.glob(f"{table}-*.parquet")):
        yield pq.read_table(file, columns=columns)


def _rows(piece: pa.Table) -> Iterator[tuple]:
    return zip(*map(values, piece.columns), strict=True)


def _copy(connection, table: str, piece: pa.Table) -> None:
    plain = {
        name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for name, column in zip(piece.column_names, piece.columns, strict=True)
    }
    text = BytesIO()
    pa.csv.write_csv(pa.table(plain), text, pa.csv.WriteOptions(include_header=False))
    columns = ", ".join(piece.column_names)
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(text.getbuffer())


def _add_up(url: str) -> None:
    """As the program itself does it: that is what is under test."""
    with Ledger.open(url) as ledger:
        started, added = time.monotonic(), ledger.catch_up()
        while ledger.upkeep.has_much_to_do():  # PostgreSQL's own upkeep can be in the way for a moment
            time.sleep(1)
            added += ledger.catch_up()
        seconds = time.monotonic() - started
        print(f"{added:,} calls added up in {seconds:.0f} s, {added / seconds:,.0f} a second", flush=True)


def _fingerprint(tables) -> str:
    ddl = [str(CreateTable(table)) for table in tables]
    ddl += [
        str(CreateIndex(index)) for table in tables for index in sorted(table.indexes, key=lambda i: i.name)
    ]
    return json.dumps({"version": VERSION, "tables": sha256("".join(ddl).encode()).hexdigest()})
