"""What was appended is in the database in the end, once, whatever happens to either in between."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from run_support import call

from tracking import Ledger
from tracking.errors import LedgerError
from tracking.ledger.journal import Journal, recover

ROOT = Path(__file__).parents[2]
COLUMNS = ("call_id", "tokens")


class Database:
    """Rows by id; refuses everything while `away`, and any row whose id is among `unwanted`."""

    def __init__(self):
        self.rows, self.away, self.unwanted, self.transactions = {}, False, set(), 0

    def write(self, rows):
        if self.away or self.unwanted & {row[0] for row in rows}:
            raise sqlite3.OperationalError("database is locked")
        self.rows |= {row[0]: row[1] for row in rows}
        self.transactions += 1


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def journal(tmp_path, database):
    opened = Journal(tmp_path / "journals", COLUMNS, database.write)
    yield opened
    database.away = False
    database.unwanted.clear()
    if not opened._closing.is_set():
        opened.close()


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "journals").iterdir())


def test_a_row_is_on_disk_when_append_returns_and_in_the_database_after_flush(journal, database):
    database.away = True
    journal.append(["a", 1])
    assert json.loads(journal.path.read_bytes().splitlines()[1]) == ["a", 1]
    database.away = False
    journal.flush()
    assert database.rows == {"a": 1}


def test_calls_that_come_together_share_a_transaction(journal, database):
    for number in range(100):
        journal.append([str(number), number])
    journal.flush()
    assert len(database.rows) == 100
    assert database.transactions < 50


def test_a_journal_whose_rows_have_arrived_is_short_again(journal):
    empty = journal.path.stat().st_size
    for number in range(100):
        journal.append([str(number), number])
    journal.flush()
    assert journal.path.stat().st_size == empty


def test_a_database_that_is_away_is_said_and_its_rows_wait(journal, database):
    database.away = True
    journal.append(["a", 1])
    with pytest.raises(LedgerError, match=r"calls wait in .*: database is locked"):
        journal.flush()
    database.away = False
    journal.append(["b", 2])
    journal.flush()
    assert database.rows == {"a": 1, "b": 2}


def test_a_row_that_the_database_will_not_have_holds_up_no_other_and_is_counted(journal, database):
    database.unwanted.add("bad")
    for name in ("a", "bad", "b"):
        journal.append([name, 1])
    journal.flush()
    assert (sorted(database.rows), journal.rejected) == (["a", "b"], 1)


def test_what_could_not_be_moved_is_left_on_disk_and_brought_in_later(tmp_path, database):
    journal = Journal(tmp_path / "journals", COLUMNS, database.write)
    database.away = True
    journal.append(["a", 1])
    with pytest.raises(LedgerError):
        journal.close()
    database.away = False
    assert recover(tmp_path / "journals", COLUMNS, database.write) == 1
    assert database.rows == {"a": 1}
    assert files(tmp_path) == []


def test_a_journal_that_is_closed_leaves_nothing_behind(tmp_path, database):
    journal = Journal(tmp_path / "journals", COLUMNS, database.write)
    journal.append(["a", 1])
    journal.close()
    assert files(tmp_path) == []


def test_a_close_that_comes_while_the_mover_wakes_is_not_missed(journal):
    awake = threading.Event()

    class Slow(threading.Event):
        def clear(self):
            awake.set()
            journal._closing.wait(1)
            time.sleep(0.1)  # all that close does comes between waking and clearing
            super().clear()

    journal.append(["a", 1])
    journal.flush()
    journal._wanted.__class__ = Slow
    journal._wanted.set()
    assert awake.wait(5)
    closing = threading.Thread(target=journal.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()


def test_the_journal_of_a_process_that_lives_is_left_alone(tmp_path, journal, database):
    database.away = True
    journal.append(["a", 1])
    database.away = False
    before = files(tmp_path)
    assert recover(tmp_path / "journals", COLUMNS, Database().write) == 0
    assert files(tmp_path) == before


def test_a_line_cut_short_was_never_acknowledged_and_another_versions_columns_are_mapped(tmp_path):
    folder = tmp_path / "journals"
    folder.mkdir()
    (folder / "1-old.jsonl").write_bytes(b'["tokens","call_id","gone"]\n[7,"a","x"]\n[8,"b')
    kept = []
    assert recover(folder, ("call_id", "tokens", "new"), kept.extend) == 1
    assert kept == [["a", 7, None]]


PROGRAM = """
import sys
import threading
import time
from pathlib import Path
sys.path[:0] = {path!r}
from run_support import call
from tracking import Ledger
ledger = Ledger.open({url!r})
number = 0
while True:
    number += 1
    ledger.append(call(number))
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_an_acknowledged_call_survives_kill_9_of_its_process(database_url):
    Ledger.open(database_url).close()
    path = [str(ROOT), str(ROOT / "tests")]
    program = PROGRAM.format(path=path, url=database_url)
    acknowledged = []
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if int(line) == 200:
                    process.send_signal(signal.SIGKILL)
            acknowledged.append(int(line))
    with Ledger.open(database_url) as ledger:
        kept = {each.call_id for each in ledger.calls()}
    assert {f"run-{number}" for number in range(1, max(acknowledged) + 1)} <= kept
    assert len(kept) <= max(acknowledged) + 1  # the one under way may have made it


@pytest.mark.skipif(os.name == "nt", reason="there is no fork")
def test_a_forked_process_has_a_journal_of_its_own(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.append(call(1))
        child = os.fork()
        if child == 0:
            ledger.append(call(2))
            ledger.flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        ledger.append(call(3))
        assert [each.call_id for each in ledger.calls()] == ["run-1", "run-2", "run-3"]
