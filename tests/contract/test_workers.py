"""The list of workers in the ledger: who is in it, and who may enter it."""

import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from subprocess import PIPE, Popen

import pytest

from tracking import Ledger
from tracking.errors import LedgerError
from tracking.ledger.runs import RunBook, Worker


@pytest.fixture
def book(database_url):
    with Ledger.open(database_url) as ledger:
        yield RunBook(ledger)


def test_only_workers_that_live_are_listed(book):
    now = datetime.now(UTC)
    worker = Worker("w", "host", 1, now, now, running=0, warm=True, versions={"crewai": "1"})
    book.beat_worker(worker)
    book.beat_worker(worker)
    assert book.workers() == [worker]
    book.beat_worker(replace(worker, heartbeat_at=now - timedelta(seconds=11)))
    assert book.workers() == []


def test_only_a_worker_that_lives_keeps_another_one_from_entering(book):
    now = datetime.now(UTC)
    first, second = (Worker(name, "host", 1, now, now, running=0, warm=False, versions={}) for name in "ab")
    assert book.claim_worker(first)
    assert not book.claim_worker(second)
    book.beat_worker(replace(first, heartbeat_at=now - timedelta(seconds=11)))
    assert book.claim_worker(second)


CLAIM = """
import sys
from datetime import UTC, datetime
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook, Worker

book = RunBook(Ledger.open(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    now = datetime.now(UTC)
    name = sys.argv[2] + line.strip()
    print(book.claim_worker(Worker(name, "host", 1, now, now, 0, False, {})), flush=True)
"""


def test_of_two_processes_that_claim_at_once_one_gets_in(database_url, book):
    command = [sys.executable, "-c", CLAIM, database_url]
    with ExitStack() as stack:
        both = (Popen([*command, name], stdin=PIPE, stdout=PIPE, text=True, bufsize=1) for name in "ab")
        processes = [stack.enter_context(process) for process in both]
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
        for number in range(20):
            for process in processes:
                process.stdin.write(f"{number}\n")
            answers = [process.stdout.readline().strip() for process in processes]
            assert sorted(answers) == ["False", "True"]
            book.remove_worker(f"{'ab'[answers.index('True')]}{number}")


def test_a_workers_threads_may_say_that_it_lives_at_the_same_time(book):
    now = datetime.now(UTC)
    failed = []

    def say(running):
        try:
            for _ in range(20):
                book.beat_worker(Worker("w", "host", 1, now, now, running=running, warm=True, versions={}))
        except LedgerError as error:
            failed.append(error)

    threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(book.workers()) == 1
