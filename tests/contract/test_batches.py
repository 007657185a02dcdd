"""Batches on both engines: written whole, ended at once, added up; and a real worker that carries one out."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from meter import MeterServer, Reply

from tracking import Ledger
from tracking.crew.batches import FAILED_STATES, request_stop, run_again, submit_batch
from tracking.crew.queue import APPLICATION, submit
from tracking.domain.batch import BatchItem
from tracking.domain.run import RunState
from tracking.domain.spec import Brand, RunSettings, RunSpec
from tracking.errors import LedgerError, QueueError
from tracking.ledger.batches import BatchBook
from tracking.ledger.runs import RunBook
from tracking.settings import Settings

PATIENCE = 240  # seconds; crewai's import on a busy machine
SPECS = [
    RunSpec(
        preset="custom",
        agents=("data_analyst",),
        model="openai-mini",
        brand=Brand(awareness=awareness),
        settings=RunSettings(max_output_tokens=50),
    )
    for awareness in (0, 50, 100)
]
ITEMS = [BatchItem(SPECS[0], "Unknown brand"), BatchItem(SPECS[1]), BatchItem(SPECS[2])]


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, monkeypatch):
    if request.param == "postgresql":
        monkeypatch.setenv("DASHBOARD_DATABASE_URL", request.getfixturevalue("postgres_url"))
    return Settings()


@pytest.fixture
def ledger(settings):
    with Ledger.open(settings.ledger_url) as opened:
        yield opened


def states(ledger, batch_id):
    return [run.state for run in BatchBook(ledger).runs(batch_id)]


def enqueued(settings):
    from dbos import DBOSClient

    client = DBOSClient(system_database_url=settings.queue_url, application_name=APPLICATION)
    try:
        return {entry.workflow_id for entry in client.list_workflows(load_input=False)}
    finally:
        client.destroy()


def test_a_batch_is_written_with_its_runs_in_their_order_and_enqueued(settings, ledger):
    batch_id = submit_batch(settings, ledger, ITEMS, name="Spring", source="inputs.csv")
    batch = BatchBook(ledger).batch(batch_id)
    assert (batch.name, batch.source, batch.size) == ("Spring", "inputs.csv", 3)
    runs = BatchBook(ledger).runs(batch_id)
    assert [run.batch_position for run in runs] == [0, 1, 2]
    assert [run.name for run in runs] == ["Unknown brand", "Spring, 2 of 3", "Spring, 3 of 3"]
    assert [RunSpec.from_json(run.spec) for run in runs] == SPECS
    assert [run.run_id for run in ledger.runs()] == [run.run_id for run in reversed(runs)]
    assert enqueued(settings) == {run.run_id for run in runs}
    single = submit(settings, ledger, SPECS[0], name="alone")
    assert ledger.run(single).batch_id is None


def test_the_newest_batch_comes_first(settings, ledger):
    first, second = (
        submit_batch(settings, ledger, ITEMS[:1], name=name, source="inputs.csv") for name in ("a", "b")
    )
    assert [batch.batch_id for batch in BatchBook(ledger).batches()] == [second, first]
    assert [batch.batch_id for batch in BatchBook(ledger).batches(limit=1)] == [second]
    assert BatchBook(ledger).batch("another") is None


def test_a_batch_is_written_whole_or_not_at_all(settings, ledger):
    batch_id = submit_batch(settings, ledger, ITEMS, name="Spring", source="inputs.csv")
    book = BatchBook(ledger)
    runs, batch = book.runs(batch_id), book.batch(batch_id)
    with ledger.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM batches"))
        connection.execute(sa.text("DELETE FROM runs WHERE batch_position < 2"))
    with pytest.raises(LedgerError):  # its third run is there already
        book.add(batch, runs)
    assert book.batches() == []
    assert [run.batch_position for run in book.runs(batch_id)] == [2]


def test_a_batch_without_runs_is_none(settings, ledger):
    with pytest.raises(QueueError, match="at least one run"):
        submit_batch(settings, ledger, [], name="Spring", source="inputs.csv")
    assert BatchBook(ledger).batches() == []


def test_runs_that_wait_end_with_their_batch_and_others_are_left_alone(settings, ledger):
    batch_id = submit_batch(settings, ledger, ITEMS, name="Spring", source="inputs.csv")
    other = submit_batch(settings, ledger, ITEMS, name="Autumn", source="inputs.csv")
    running, done, waiting = BatchBook(ledger).runs(batch_id)
    book = RunBook(ledger)
    book.start(running.run_id, pid=1)
    book.start(done.run_id, pid=2)
    book.finish(done.run_id, RunState.COMPLETED)
    request_stop(ledger, batch_id)
    assert states(ledger, batch_id) == [RunState.RUNNING, RunState.COMPLETED, RunState.STOPPED]
    assert ledger.run(running.run_id).stop_requested_at is not None
    assert ledger.run(done.run_id).stop_requested_at is None
    ended = ledger.run(waiting.run_id)
    assert ended.stop_reason == "stopped before it began, with its batch"
    assert ended.finished_at is not None
    assert states(ledger, other) == [RunState.QUEUED] * 3


def test_asking_twice_keeps_the_time_of_the_first(settings, ledger):
    batch_id = submit_batch(settings, ledger, ITEMS[:1], name="Spring", source="inputs.csv")
    [run] = BatchBook(ledger).runs(batch_id)
    RunBook(ledger).start(run.run_id, pid=1)
    request_stop(ledger, batch_id)
    first = ledger.run(run.run_id).stop_requested_at
    request_stop(ledger, batch_id)
    assert ledger.run(run.run_id).stop_requested_at == first


def test_only_what_failed_or_was_lost_is_run_again_as_it_was_asked_for(settings, ledger):
    batch_id = submit_batch(settings, ledger, ITEMS, name="Spring", source="inputs.csv")
    book = RunBook(ledger)
    ends = (RunState.FAILED, RunState.COMPLETED, RunState.LOST)
    for run, state in zip(BatchBook(ledger).runs(batch_id), ends, strict=True):
        book.start(run.run_id, pid=1)
        book.finish(run.run_id, state)
    batch = BatchBook(ledger).batch(batch_id)
    failed = [run for run in BatchBook(ledger).runs(batch_id) if run.state in FAILED_STATES]
    again = run_again(settings, ledger, batch, failed)
    new = BatchBook(ledger).runs(again)
    assert BatchBook(ledger).batch(again).name == "Spring (again)"
    assert [run.name for run in new] == ["Unknown brand", "Spring (again), 2 of 2"]
    assert [RunSpec.from_json(run.spec) for run in new] == [SPECS[0], SPECS[2]]
    assert states(ledger, batch_id) == list(ends)  # what was, stays
    third = run_again(settings, ledger, BatchBook(ledger).batch(again), new[1:])
    assert BatchBook(ledger).batch(third).name == "Spring (again)"


def test_where_the_queue_cannot_be_reached_every_run_says_so(tmp_path):
    here = Settings()
    nowhere = here.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    with Ledger.open(here.ledger_url) as ledger:
        with pytest.raises(QueueError, match=r"no worker's queue could be reached at 127\.0\.0\.1:1/none"):
            submit_batch(nowhere, ledger, ITEMS, name="Spring", source="inputs.csv")
        [batch] = BatchBook(ledger).batches()
        runs = BatchBook(ledger).runs(batch.batch_id)
    assert [run.state for run in runs] == [RunState.FAILED] * 3
    assert all("127.0.0.1:1/none" in run.error["message"] for run in runs)
    assert all(run.finished_at <= datetime.now(UTC) for run in runs)


@pytest.fixture
def meter(monkeypatch):
    """A provider that holds its third answer back until it is let go, and refuses nothing."""
    go_on, asked = threading.Event(), threading.Event()

    def reply(request):
        if request.index == 2:
            asked.set()
            go_on.wait(PATIENCE)
        return Reply(text="fine")

    with MeterServer(reply) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        server.go_on, server.asked = go_on, asked
        yield server
        go_on.set()


@pytest.fixture
def worker(meter, settings, ledger, tmp_path):
    with (tmp_path / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tracking", "worker"], stdout=log, stderr=log, start_new_session=True
        )
    yield process
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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_worker_carries_out_a_batch_and_its_total_is_the_meters(worker, meter, settings, ledger):
    meter.go_on.set()
    batch_id = submit_batch(settings, ledger, ITEMS, name="Spring", source="inputs.csv")
    eventually(lambda: states(ledger, batch_id) == [RunState.COMPLETED] * 3, "the end of the batch")
    run_ids = tuple(run.run_id for run in BatchBook(ledger).runs(batch_id))
    per_run = ledger.totals(by="run_id", run_id=run_ids)
    assert set(per_run) == set(run_ids)
    total = sum((per_run[run_id] for run_id in run_ids[1:]), per_run[run_ids[0]])
    assert total.requests == len(meter.billed) == 3
    assert total.usage.total_tokens == sum(request.usage.total_tokens for request in meter.billed)
    # gpt-4o-mini: $0.15 and $0.60 per million
    nano = sum(r.usage.input_tokens * 150 + r.usage.output_tokens * 600 for r in meter.billed)
    assert total.cost.nano_usd == nano


@pytest.mark.timeout(600)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_batch_that_is_stopped_while_it_runs_ends_and_asks_no_more(worker, meter, settings, ledger):
    batch_id = submit_batch(settings, ledger, [*ITEMS, *ITEMS], name="Spring", source="inputs.csv")
    assert meter.asked.wait(PATIENCE)
    request_stop(ledger, batch_id)
    eventually(lambda: all(state.is_final for state in states(ledger, batch_id)), "the end of the batch")
    assert sorted(states(ledger, batch_id)) == [RunState.COMPLETED] * 2 + [RunState.STOPPED] * 4
    meter.go_on.set()
    eventually(lambda: len(meter.requests) == 3, "the end of the held request")
