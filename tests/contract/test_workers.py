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
from tracking.ledger.clock import lead_of
from tracking.ledger.database import microseconds
from tracking.ledger.schema import workers as table
from tracking.ledger.workers import Worker, WorkerList

NOW = datetime.now(UTC)
WORKER = Worker("w", "host", 1, NOW, running=0, warm=True, versions={"crewai": "1"}, concurrency=3)


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        yield opened


@pytest.fixture
def workers(ledger):
    return WorkerList(ledger)


def silence(ledger, worker, seconds):
    """As if the worker had said for the last time so many seconds ago that it lives."""
    said = microseconds(datetime.now(UTC) - timedelta(seconds=seconds))
    with ledger.engine.begin() as connection:
        connection.execute(
            table.update().where(table.c.worker_id == worker.worker_id).values(heartbeat_at=said)
        )


def test_only_workers_that_live_are_listed(ledger, workers):
    workers.beat(WORKER)
    workers.beat(WORKER)
    assert workers.living() == [WORKER]
    silence(ledger, WORKER, 11)
    assert workers.living() == []


def test_a_workers_own_clock_does_not_say_whether_it_lives(workers):
    wrong = replace(WORKER, started_at=NOW - timedelta(days=400))
    workers.beat(wrong)
    assert workers.living() == [wrong]


def test_a_worker_that_drains_is_listed_as_such(workers):
    workers.beat(WORKER)
    workers.beat(replace(WORKER, draining=True, running=2))
    [listed] = workers.living()
    assert (listed.draining, listed.running, listed.concurrency) == (True, 2, 3)


def test_only_a_worker_that_lives_and_takes_runs_keeps_another_one_from_entering(ledger, workers):
    first, second, third = (replace(WORKER, worker_id=name) for name in "abc")
    assert workers.claim(first)
    assert not workers.claim(second)
    silence(ledger, first, 11)
    assert workers.claim(second)
    workers.beat(replace(second, draining=True))
    assert workers.claim(third)
    assert {worker.worker_id for worker in workers.living()} == {"b", "c"}


CLAIM = """
import sys
from datetime import UTC, datetime
from tracking.ledger.ledger import Ledger
from tracking.ledger.workers import Worker, WorkerList

workers = WorkerList(Ledger.open(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    name = sys.argv[2] + line.strip()
    print(workers.claim(Worker(name, "host", 1, datetime.now(UTC), 0, False, {})), flush=True)
"""


def test_of_two_processes_that_claim_at_once_one_gets_in(database_url, workers):
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
            workers.leave(f"{'ab'[answers.index('True')]}{number}")


def test_a_workers_threads_may_say_that_it_lives_at_the_same_time(workers):
    failed = []

    def say(running):
        try:
            for _ in range(20):
                workers.beat(replace(WORKER, running=running))
        except LedgerError as error:
            failed.append(error)

    threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(workers.living()) == 1


def test_the_databases_clock_is_compared_with_this_computers(ledger):
    # The server of these tests is on this computer.
    assert abs(lead_of(ledger.engine)) < timedelta(seconds=5)


def test_how_far_the_databases_clock_is_ahead_is_what_separates_two_clocks(ledger, monkeypatch):
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("a SQLite file is on this computer, whose clock it has")

    class Slow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr("tracking.ledger.clock.datetime", Slow)
    assert abs(lead_of(ledger.engine) - timedelta(hours=1)) < timedelta(seconds=5)
