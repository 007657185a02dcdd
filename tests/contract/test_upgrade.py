"""A ledger of any released schema is brought up to date with all that it holds; a newer one is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tracking import Ledger
from tracking.domain.call import Purpose, totals
from tracking.errors import LedgerError, LedgerVersionError
from tracking.ledger.database import open_engine
from tracking.ledger.runs import RunBook
from tracking.ledger.schema import SCHEMA_VERSION

LEDGERS = Path(__file__).parents[1] / "golden" / "ledgers"


def made_by(schema, url):
    """A copy of a ledger that the program of that time wrote."""
    script = (LEDGERS / f"schema-{schema}.sql").read_text()
    if url.startswith("postgresql"):
        # SQLite numbers an integer key by itself; the program of that time had PostgreSQL do it too.
        script = script.replace("id INTEGER NOT NULL, \n\trun_id", "id SERIAL NOT NULL, \n\trun_id")
    engine = open_engine(url)
    with engine.begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement.replace("%", "%%") if "%" in statement else statement)
    engine.dispose()


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_a_ledger_of_an_older_program_is_brought_up_to_date_with_its_calls(database_url, schema):
    made_by(schema, database_url)
    with Ledger.open(database_url) as ledger:
        calls = list(ledger.calls())
        assert len(calls) == 24
        assert ledger.totals() == totals(calls)
        assert (ledger.totals().requests, ledger.totals().failed_requests) == (21, 3)
        assert ledger.totals().cost.nano_usd == 886_190
        assert calls[1].cost.receipt.note == "assumed standard tier"
        assert calls[7].purpose is (Purpose.CHAT if schema == 1 else Purpose.PLANNING)
        assert calls[6].notes == (() if schema == 1 else ("a note",))
        assert calls[0].stated_nano_usd == (777 if schema == 3 else None)
        assert [run.run_id for run in ledger.runs()] == ["run-2", "run-1", "run-0"]
        book = RunBook(ledger)
        assert [line.message for line in book.log_lines("run-1")] == ["began"]
        assert ledger.catch_up() == 24
        assert ledger.totals() == totals(calls)
        months = ledger.upkeep.months()
        assert len(months) == 10  # from January to October
        assert not any(map(ledger.upkeep.check, months))
    with Ledger.open(database_url) as ledger:
        assert ledger.totals() == totals(calls)


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_an_older_ledger_ends_up_with_the_tables_of_a_new_one(database_url, schema, tmp_path, request):
    made_by(schema, database_url)
    Ledger.open(database_url).close()
    fresh = f"sqlite:///{tmp_path / 'fresh.sqlite'}"
    if database_url.startswith("postgresql"):
        fresh = request.getfixturevalue("other_postgres_url")
    Ledger.open(fresh).close()
    assert described(database_url) == described(fresh)


def described(url):
    """Tables, columns and indexes, whatever order they were added in."""
    engine = open_engine(url)
    inspector = sa.inspect(engine)
    found = {}
    for table in inspector.get_table_names():
        if not table.startswith("calls_"):  # a partition; which there are depends on the calls
            columns = {(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)}
            indexes = {(i["name"], tuple(i["column_names"])) for i in inspector.get_indexes(table)}
            key = tuple(inspector.get_pk_constraint(table)["constrained_columns"])
            found[table] = (columns, indexes, key)
    engine.dispose()
    return found


def test_of_several_that_bring_a_ledger_up_to_date_at_once_one_does(database_url):
    made_by(1, database_url)
    together = threading.Barrier(4)

    def begin():
        together.wait()
        with Ledger.open(database_url) as ledger:
            return ledger.totals().requests

    with ThreadPoolExecutor(4) as threads:
        assert [each.result() for each in [threads.submit(begin) for _ in range(4)]] == [21] * 4


def test_a_ledger_of_a_newer_program_is_refused_and_left_as_it_is(database_url):
    with Ledger.open(database_url) as ledger, ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(LedgerVersionError, match=f"has schema 99, this program knows {SCHEMA_VERSION}"):
        Ledger.open(database_url)


def test_another_programs_database_is_refused(database_url):
    with Ledger.open(database_url) as ledger, ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'a1b2c3'")
    with pytest.raises(LedgerError, match=r"belongs to another program \(schema a1b2c3\)"):
        Ledger.open(database_url)


def test_an_older_ledger_that_cannot_be_changed_stays_as_it_was(tmp_path):
    """A migration that fails halfway leaves nothing behind."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    made_by(3, url)
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW usage_by_run AS SELECT 1 AS in_the_way")
    before = described(url)
    with pytest.raises(LedgerError):
        Ledger.open(url)
    assert described(url) == before
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW usage_by_run")
    with Ledger.open(url) as ledger:
        assert ledger.totals().requests == 21
    engine.dispose()


def test_a_dump_restored_on_another_server_counts_new_calls_once(postgres_url):
    """There, transactions are numbered from the start again."""
    from run_support import call

    with Ledger.open(postgres_url) as ledger:
        ledger.append(call(1, started_at=datetime(2026, 1, 1, tzinfo=UTC)))
        ledger.catch_up()
        ledger.append(call(2, started_at=datetime(2026, 1, 2, tzinfo=UTC)))
        ledger.flush()
        with ledger.engine.begin() as connection:  # as if the other server had been much busier
            connection.exec_driver_sql("UPDATE calls SET position = position + 1000000000000")
            connection.exec_driver_sql("UPDATE rollup_state SET watermark = watermark + 1000000000000")
    with Ledger.open(postgres_url) as ledger:
        ledger.append(call(3, started_at=datetime(2026, 1, 3, tzinfo=UTC)))
        assert ledger.totals().requests == 3
        assert ledger.catch_up() == 2
        assert ledger.totals().requests == 3
