"""Real workers, real processes, real kills: what a run leaves behind whichever way it ends."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from meter import MeterServer, Reply

from tracking import Ledger
from tracking.crew.queue import request_stop, submit
from tracking.domain.run import RunState
from tracking.domain.spec import RunSettings, RunSpec
from tracking.ledger.runs import RunBook
from tracking.ledger.under_way import UnderWay
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

SPEC = RunSpec(
    preset="custom",
    agents=("market_research_analyst", "data_analyst", "report_writer"),
    model="openai-mini",
    settings=RunSettings(max_output_tokens=50),
)
PATIENCE = 240  # seconds; crewai is imported up to three times in a row, on a machine that may be very busy
pytestmark = pytest.mark.timeout(3 * PATIENCE)


@contextmanager
def worker_process(log, *options):
    with log.open("ab") as file:
        command = [sys.executable, "-m", "tracking", "worker", *options]
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    pytest.fail(f"{what} did not happen within {PATIENCE} s")


@dataclasses.dataclass
class SlowMeter:
    meter: MeterServer
    go_on: threading.Event
    asked: threading.Event

    def requests(self):
        """How many there were, the waiting one let go and counted."""
        self.go_on.set()
        eventually(lambda: len(self.meter.requests) == 3, "the end of the waiting request")
        return len(self.meter.requests)


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    return Settings()


@pytest.fixture
def slow_third_call(monkeypatch):
    """A provider whose third answer waits until it is let go, so that a run can be caught in the middle."""
    go_on, asked = threading.Event(), threading.Event()

    def reply(request):
        if request.index == 2:
            asked.set()
            go_on.wait(PATIENCE)
        return Reply(text="fine")

    with MeterServer(reply) as meter:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
        yield SlowMeter(meter, go_on, asked)
        go_on.set()  # or the server would wait for the answer that is held back


@pytest.fixture
def ledger(settings):
    with Ledger.open(settings.ledger_url) as opened:
        yield opened


@pytest.fixture
def worker(slow_third_call, settings, ledger, tmp_path):
    """A warm worker against the slow provider."""
    with worker_process(tmp_path / "worker.log") as process:
        eventually(lambda: any(w.warm for w in WorkerList(ledger).living()), "a warm worker")
        yield process


def in_its_third_task(ledger, run_id):
    """Two calls are in the ledger then, and their tasks done."""
    third = [RunState.RUNNING]
    eventually(lambda: [t.state for t in RunBook(ledger).tasks(run_id)][2:] == third, "the third task")


def ended(ledger, run_id):
    return eventually(lambda: (run := ledger.run(run_id)).state.is_final and run, "the end of the run")


def test_a_killed_run_is_lost_with_every_finished_call_and_the_worker_takes_the_next_one(
    worker, settings, ledger, slow_third_call
):
    run_id = submit(settings, ledger, SPEC, name="killed")
    in_its_third_task(ledger, run_id)
    eventually(lambda: UnderWay(ledger).of(run_id), "word of the call that waits")
    os.kill(ledger.run(run_id).pid, signal.SIGKILL)
    run = ended(ledger, run_id)
    assert (run.state, run.stop_reason) == (RunState.LOST, "its process was killed (SIGKILL)")
    assert UnderWay(ledger).of(run_id) == []
    assert ledger.totals(run_id=run_id).requests == 2
    assert [task.state for task in RunBook(ledger).tasks(run_id)] == [
        RunState.COMPLETED,
        RunState.COMPLETED,
        RunState.LOST,
    ]
    slow_third_call.go_on.set()
    second = submit(settings, ledger, dataclasses.replace(SPEC, agents=("data_analyst",)), name="next")
    assert ended(ledger, second).state is RunState.COMPLETED


def test_a_stopped_run_ends_at_once_and_keeps_its_calls(worker, settings, ledger, slow_third_call):
    run_id = submit(settings, ledger, SPEC, name="stopped")
    assert slow_third_call.asked.wait(PATIENCE)
    process = ledger.run(run_id).pid
    request_stop(ledger, run_id)
    run = ended(ledger, run_id)
    assert (run.state, run.stop_reason) == (RunState.STOPPED, "stopped by you")
    totals = ledger.totals(run_id=run_id)
    # The one that was under way may be billed: it is there, and its usage is not known.
    assert (totals.requests, totals.unknown_requests) == (3, 1)
    eventually(lambda: not _alive(process), "the end of the run's process")


def test_a_run_whose_worker_was_killed_is_lost_and_never_begun_again(
    worker, settings, ledger, slow_third_call, tmp_path
):
    run_id = submit(settings, ledger, SPEC, name="orphaned")
    in_its_third_task(ledger, run_id)
    assert slow_third_call.asked.wait(PATIENCE)  # the task begins before its call is sent
    process = ledger.run(run_id).pid
    os.kill(worker.pid, signal.SIGKILL)
    run = ended(ledger, run_id)
    assert (run.state, run.stop_reason) == (
        RunState.LOST,
        "its worker died, and nobody was left to watch over it",
    )
    eventually(lambda: not _alive(process), "the end of the run's process")
    totals = ledger.totals(run_id=run_id)
    # The third one was under way and may be billed.
    assert (totals.requests, totals.unknown_requests) == (3, 1)
    asked = slow_third_call.requests()
    with worker_process(tmp_path / "worker2.log"):
        eventually(lambda: WorkerList(ledger).living(), "a second worker")
        # Were it begun again, its first call would come before that of a run that is handed over now.
        second = submit(settings, ledger, dataclasses.replace(SPEC, agents=("data_analyst",)), name="next")
        assert ended(ledger, second).state is RunState.COMPLETED
    assert len(slow_third_call.meter.requests) == asked + 1
    assert ledger.run(run_id).state is RunState.LOST


@pytest.mark.parametrize(
    "signals", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM)], ids=["once", "twice"]
)
def test_a_worker_that_is_stopped_stops_its_run_and_leaves_the_list(worker, settings, ledger, signals):
    run_id = submit(settings, ledger, SPEC, name="shut down")
    in_its_third_task(ledger, run_id)
    worker.send_signal(signals[0])
    for again in signals[1:]:
        eventually(lambda: WorkerList(ledger).living()[0].draining, "the draining")
        worker.send_signal(again)
    run = ended(ledger, run_id)
    assert (run.state, run.stop_reason) == (RunState.STOPPED, "the worker was shut down")
    assert worker.wait(PATIENCE) == 0
    assert WorkerList(ledger).living() == []


def test_a_worker_that_drains_ends_its_run_takes_no_other_and_leaves_the_list(
    worker, settings, ledger, slow_third_call
):
    run_id = submit(settings, ledger, SPEC, name="the last one")
    in_its_third_task(ledger, run_id)
    # As a service manager's stop does: to its processes as well, which leave it to the worker.
    os.killpg(worker.pid, signal.SIGTERM)
    [listed] = eventually(
        lambda: (found := WorkerList(ledger).living()) and found[0].draining and found, "the draining"
    )
    assert (listed.pid, listed.running) == (worker.pid, 1)
    waiting = submit(settings, ledger, dataclasses.replace(SPEC, agents=("data_analyst",)), name="waits")
    slow_third_call.go_on.set()
    assert ended(ledger, run_id).state is RunState.COMPLETED
    assert worker.wait(PATIENCE) == 0
    assert WorkerList(ledger).living() == []
    assert ledger.run(waiting).state is RunState.QUEUED
    assert ledger.run(waiting).worker is None
    assert len(slow_third_call.meter.requests) == ledger.totals().requests == 3


def test_a_run_that_a_killed_worker_had_taken_but_not_begun_is_carried_out_by_another_one(
    monkeypatch, slow_third_call, database_url, tmp_path
):
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    slow_third_call.go_on.set()
    database = "--database", database_url
    settings = Settings(database_url=database_url)
    log = tmp_path / "worker.log"
    with Ledger.open(database_url) as ledger:
        run_id = submit(settings, ledger, SPEC, name="taken")
        with worker_process(log, *database) as first:  # whose process for the run takes seconds to warm up
            holder = eventually(lambda: ledger.run(run_id).worker, "the taking")
            os.killpg(first.pid, signal.SIGKILL)
        assert ledger.run(run_id).state is RunState.QUEUED
        with worker_process(log, *database, "--concurrency", "2"):
            run = ended(ledger, run_id)
            [second] = WorkerList(ledger).living()
        assert (run.state, run.worker) == (RunState.COMPLETED, second.worker_id)
        assert holder != second.worker_id
        assert second.concurrency == 2
        assert len(slow_third_call.meter.requests) == ledger.totals().requests == 3


def test_of_two_workers_that_start_at_once_where_none_lives_one_stays(settings, ledger, tmp_path):
    log = tmp_path / "worker.log"
    with worker_process(log, "--if-none") as one, worker_process(log, "--if-none") as other:
        first, left = eventually(
            lambda: next(((a, b) for a, b in ((one, other), (other, one)) if a.poll() is not None), None),
            "the end of one of the two",
        )
        assert first.returncode == 0
        eventually(lambda: any(w.warm for w in WorkerList(ledger).living()), "the other one, warm")
        assert [worker.pid for worker in WorkerList(ledger).living()] == [left.pid]


def test_a_run_that_is_stopped_while_it_waits_never_begins(worker, settings, ledger, slow_third_call):
    first = submit(settings, ledger, SPEC, name="first")
    in_its_third_task(ledger, first)
    second = submit(settings, ledger, SPEC, name="second")
    request_stop(ledger, second)
    request_stop(ledger, first)
    assert ended(ledger, second).stop_reason == "stopped before it began"
    ended(ledger, first)
    assert ledger.totals(run_id=second).requests == 0


def test_a_queue_that_cannot_be_reached_fails_the_run_with_the_reason(
    monkeypatch, settings, ledger, tmp_path
):
    from tracking.errors import QueueError

    nowhere = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(QueueError, match=r"no worker's queue could be reached at 127\.0\.0\.1:1/none"):
        submit(nowhere, ledger, SPEC, name="unreachable")
    [run] = ledger.runs()
    assert run.state is RunState.FAILED
    assert "127.0.0.1:1/none" in run.error["message"]


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
