"""The queue that workers share: how many runs each is given, and what becomes of those that were left behind.

Real processes take from the real queue as workers do; they carry nothing out, which would take seconds each.
"""

import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tracking import Ledger
from tracking.crew.queue import connection, enqueue, prepare_queue
from tracking.crew.stranded import is_due, rescue
from tracking.domain.run import Run, RunState
from tracking.ledger.runs import RunBook, Take
from tracking.ledger.workers import Worker, WorkerList
from tracking.settings import Settings

PATIENCE = 60
SEVERAL_POLLS = 1.5  # seconds
LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)
TAKER = """
import os, sys, threading
from tracking.crew import taking
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook, Take
from tracking.settings import Settings

settings, name, release = Settings(), sys.argv[1], threading.Semaphore(0)
book = RunBook(Ledger.open(settings.ledger_url)) if settings.total_concurrency else None

def hold(run_id):
    if book and book.take(run_id, name, total=settings.total_concurrency) is Take.LATER:
        taking.hand_back(settings, run_id)
        return
    os.write(1, f"{run_id}\\n".encode())
    release.acquire()
    if book:
        book.finish(run_id, "completed")

taking.launch(settings, name, hold)
os.write(1, b"ready\\n")
for line in sys.stdin:
    release.release()
os._exit(0)
"""


class Taker:
    """A process that takes runs, and holds each until it is told to let one go."""

    def __init__(self, name, *, at_a_time=1, total=None):
        self.name = name
        limits = {"DASHBOARD_WORKER_CONCURRENCY": str(at_a_time)}
        if total is not None:
            limits["DASHBOARD_TOTAL_CONCURRENCY"] = str(total)
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKER, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=os.environ | limits,
        )
        assert self._process.stdout.readline() == "ready\n"
        self.taken = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            self.taken.append(line.strip())

    def let_go(self):
        self._process.stdin.write("\n")

    def close(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def settings(monkeypatch, database_url):
    """Ledger and queue in one database, as on a server; SQLite has a file for each otherwise."""
    monkeypatch.setenv("DASHBOARD_DATABASE_URL", database_url)
    settings = Settings()
    prepare_queue(settings)
    return settings


@pytest.fixture
def ledger(settings):
    with Ledger.open(settings.ledger_url) as opened:
        yield opened


@pytest.fixture
def book(ledger):
    return RunBook(ledger)


def enter(ledger, name, **changes):
    WorkerList(ledger).beat(
        Worker(name, "host", 1, datetime.now(UTC), running=0, warm=True, versions={}, **changes)
    )


def add(book, *run_ids, created_at=LONG_AGO):
    for run_id in run_ids:
        book.add(Run(run_id=run_id, name=run_id, created_at=created_at, spec={"preset": "custom"}))


def settled(*takers):
    """What each has taken, once nobody has taken anything for the time of several polls."""
    deadline, before = time.monotonic() + PATIENCE, None
    while (now := [list(taker.taken) for taker in takers]) != before or not any(now):
        assert time.monotonic() < deadline, now
        before = now
        time.sleep(SEVERAL_POLLS)
    return now


def test_each_worker_keeps_to_its_own_limit_whoever_started_last(settings):
    with closing(Taker("three", at_a_time=3)) as three, closing(Taker("one", at_a_time=1)) as one:
        for number in range(6):
            enqueue(settings, f"r{number}")
        of_three, of_one = settled(three, one)
        assert (len(of_three), len(of_one)) == (3, 1)
        assert sorted(of_three + of_one) == ["r0", "r1", "r2", "r3"]
        one.let_go()
        assert settled(three, one) == [of_three, [*of_one, "r4"]]
        three.let_go()
        assert settled(three, one) == [[*of_three, "r5"], [*of_one, "r4"]]


def test_all_workers_together_keep_to_the_total(settings, ledger, book):
    run_ids = [f"r{number}" for number in range(5)]
    add(book, *run_ids)
    with (
        closing(Taker("a", at_a_time=2, total=3)) as one,
        closing(Taker("b", at_a_time=2, total=3)) as two,
    ):
        enter(ledger, "a")
        enter(ledger, "b")
        for run_id in run_ids:
            enqueue(settings, run_id)
        assert sorted(map(len, settled(one, two))) == [1, 2]
        max((one, two), key=lambda taker: len(taker.taken)).let_go()
        of_one, of_two = settled(one, two)
        assert sorted(of_one + of_two) == ["r0", "r1", "r2", "r3"]


def test_of_two_workers_that_were_given_the_same_run_one_has_it(ledger, book):
    add(book, "r")
    enter(ledger, "a")
    enter(ledger, "b")
    assert book.take("r", "a") is Take.TAKEN
    assert book.take("r", "b") is Take.NOT_OURS
    assert not book.start("r", worker="b", pid=1)
    assert not book.finish("r", RunState.LOST, held_by="b")
    assert book.start("r", worker="a", pid=1)
    assert book.take("r", "a") is Take.NOT_OURS  # it has begun
    WorkerList(ledger).leave("a")
    assert book.take("r", "b") is Take.NOT_OURS  # and is never begun again


def test_a_run_that_a_dead_worker_had_not_begun_is_another_ones_and_not_the_dead_ones_any_more(ledger, book):
    add(book, "r")
    enter(ledger, "b")
    assert book.take("r", "dead") is Take.TAKEN
    assert book.take("r", "b") is Take.TAKEN
    assert not book.start("r", worker="dead", pid=1)  # it was asleep, and wakes up
    assert book.start("r", worker="b", pid=1)


def test_what_the_queue_gave_out_above_the_total_waits(ledger, book):
    add(book, "begun", "taken", "third", "left behind")
    for name in ("a", "b"):
        enter(ledger, name)
    assert book.take("left behind", "dead", total=2) is Take.TAKEN  # nobody carries it out
    assert book.take("begun", "a", total=2) is Take.TAKEN
    assert book.start("begun", worker="a", pid=1)
    assert book.take("taken", "b", total=2) is Take.TAKEN
    assert book.take("third", "a", total=2) is Take.LATER
    book.finish("begun", RunState.COMPLETED)
    assert book.take("third", "a", total=2) is Take.TAKEN
    assert book.take("begun", "a", total=2) is Take.NOT_OURS


def test_what_a_dead_worker_was_given_goes_to_another_one_unless_it_had_begun(
    settings, ledger, book, monkeypatch
):
    # However long the processes of this test take to start: what a living worker has is not looked at.
    monkeypatch.setattr("tracking.crew.stranded._PATIENCE", timedelta(hours=1))
    run_ids = ["taken", "given", "begun"]
    add(book, *run_ids)
    with closing(Taker("dead", at_a_time=3)) as dead:
        for run_id in run_ids:
            enqueue(settings, run_id)
        assert [sorted(taken) for taken in settled(dead)] == [sorted(run_ids)]
        enter(ledger, "dead")
        book.take("taken", "dead")
        book.take("begun", "dead")
        book.start("begun", worker="dead", pid=1)
        rescue(settings, ledger)  # it lives: nothing is taken from it
        assert {entry.executor_id for entry in under_way(settings)} == {"dead"}
        assert len(under_way(settings)) == 3
    with closing(Taker("b", at_a_time=3)) as other:
        enter(ledger, "dead")  # it said so a moment ago, however long the other one took to start
        enter(ledger, "b")
        rescue(settings, ledger)
        assert len(under_way(settings)) == 3
        WorkerList(ledger).leave("dead")
        enter(ledger, "b")
        rescue(settings, ledger)
        assert [sorted(taken) for taken in settled(other)] == [["given", "taken"]]
        enter(ledger, "b")
        rescue(settings, ledger)
        assert [sorted(taken) for taken in settled(other)] == [["given", "taken"]]
    assert ledger.run("begun").state is RunState.RUNNING  # until its silence buries it


def under_way(settings):
    return connection(settings.queue_url).list_workflows(status="PENDING")


def test_a_run_whose_page_died_before_enqueuing_it_is_enqueued(settings, ledger, book):
    add(book, "forgotten")
    add(book, "of this moment", created_at=datetime.now(UTC))
    book.add(Run(run_id="of its own program", name="n", created_at=LONG_AGO))
    rescue(settings, ledger)
    rescue(settings, ledger)
    [entry] = connection(settings.queue_url).list_workflows()
    assert (entry.workflow_id, entry.status) == ("forgotten", "ENQUEUED")


def test_a_run_that_its_worker_never_heard_of_is_given_out_again(settings, ledger, book, monkeypatch):
    add(book, "r")
    with closing(Taker("a", at_a_time=2)) as taker:
        enqueue(settings, "r")
        assert settled(taker) == [["r"]]
        enter(ledger, "a")
        rescue(settings, ledger)
        assert settled(taker) == [["r"]]
        monkeypatch.setattr("tracking.crew.stranded._PATIENCE", timedelta(0))
        enter(ledger, "a")
        rescue(settings, ledger)
        assert settled(taker) == [["r", "r"]]


def test_a_run_that_the_queue_let_go_of_fails_with_the_reason(settings, ledger, book):
    add(book, "r")
    with closing(Taker("a")) as taker:
        enqueue(settings, "r")
        settled(taker)
        taker.let_go()
        deadline = time.monotonic() + PATIENCE
        while under_way(settings) and time.monotonic() < deadline:
            time.sleep(0.1)
    rescue(settings, ledger)
    run = ledger.run("r")
    assert run.state is RunState.FAILED
    assert run.error["message"] == "the queue let go of it (SUCCESS) before it began: run it again"


def test_one_worker_looks_for_all_and_none_that_drains(ledger):
    enter(ledger, "a", draining=True)
    for name in "bc":
        enter(ledger, name)
    assert [name for name in "abc" if is_due(ledger, name)] == ["b"]
    WorkerList(ledger).leave("b")
    assert [name for name in "abc" if is_due(ledger, name)] == ["c"]
