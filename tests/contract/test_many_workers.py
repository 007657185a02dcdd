"""Three workers with their own state on one PostgreSQL, one killed, one drained: every run carried out once.

`--runs-of-load 200 --log-cli-level info` for the full load and its figures. Each run costs a process of its
own, and so the import of crewai.
"""

import logging
import os
import re
import signal
import threading
from collections import Counter
from contextlib import ExitStack

import pytest
from meter import MeterServer, Reply
from shop_runs import CALLS_OF_A_RUN, eventually, of_shop, worker_process

from tracking import Ledger
from tracking.crew.queue import submit
from tracking.domain.run import RunState
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

logger = logging.getLogger(__name__)

CONCURRENCY = {"one": 1, "two": 2, "three": 2}
TOTAL_CONCURRENCY = 3
LONGER_THAN_ANY_TEST = 100_000.0  # seconds


class Provider:
    """Answers every request, but lets one run's second call wait for ever. Counts what each run asked."""

    def __init__(self, held):
        self.held = held
        self.asked = Counter()
        self.holds = threading.Event()

    def __call__(self, request):
        tag = re.search(r"customers of shop (\d+)\.", request.prompt).group(1)
        self.asked[tag] += 1
        if tag == str(self.held) and self.asked[tag] == CALLS_OF_A_RUN:
            self.holds.set()
            return Reply(text="fine", delay_seconds=LONGER_THAN_ANY_TEST)
        return Reply(text="fine")


def worker_of(name, database_url, folder):
    """A worker as on another host: a home of its own, and the database's URL."""
    options = "--database", database_url, "--concurrency", str(CONCURRENCY[name])
    variables = {"DASHBOARD_HOME": str(folder / name), "DASHBOARD_TOTAL_CONCURRENCY": str(TOTAL_CONCURRENCY)}
    return worker_process(name, folder, *options, **variables)


@pytest.fixture
def runs(request):
    """How many, and the test's patience in seconds: for each run an import on a busy machine."""
    count = request.config.getoption("--runs-of-load")
    patience = 120 + 30 * count
    return count, patience


def most_at_once(runs):
    """The largest number of runs that were under way at one moment, by the database's clock."""
    edges = [(run.started_at, 1) for run in runs] + [(run.finished_at, -1) for run in runs]
    now = most = 0
    for _, step in sorted(edges):
        now += step
        most = max(most, now)
    return most


def test_three_workers_of_which_one_is_killed_and_one_drained_carry_out_every_run_once(
    monkeypatch, postgres_url, tmp_path, runs
):
    count, patience = runs
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    held = count // 4
    provider = Provider(held)
    settings = Settings(database_url=postgres_url)
    with MeterServer(provider) as meter, Ledger.open(postgres_url) as ledger, ExitStack() as stack:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
        processes = {
            name: stack.enter_context(worker_of(name, postgres_url, tmp_path)) for name in CONCURRENCY
        }
        ids = [submit(settings, ledger, of_shop(number), name=f"shop {number}") for number in range(count)]
        workers = eventually(
            lambda: len(found := WorkerList(ledger).living()) == 3 and found, "three workers", patience
        )
        names = {worker.worker_id: name_of(worker, processes) for worker in workers}
        assert {names[worker.worker_id]: worker.concurrency for worker in workers} == CONCURRENCY

        def ended():
            return sum(run.state.is_final for run in ledger.runs(limit=count))

        assert provider.holds.wait(patience)
        killed = names[ledger.run(ids[held]).worker]
        os.kill(processes[killed].pid, signal.SIGKILL)
        eventually(lambda: ledger.run(ids[held]).state.is_final, "the end of the held run", patience)
        eventually(lambda: ended() >= count // 2, "half of the runs", patience)
        drained = next(name for name in CONCURRENCY if name != killed)
        processes[drained].send_signal(signal.SIGTERM)
        assert processes[drained].wait(patience) == 0
        left = [run.worker for run in ledger.runs(limit=count, state=RunState.RUNNING)]
        assert drained not in {names[worker] for worker in left}
        eventually(lambda: ended() == count, "the end of all runs", patience)
        assert_each_once(ledger, meter, provider, ids, held, names)


def test_two_workers_on_one_sqlite_file_share_the_runs_and_carry_out_each_once(monkeypatch, tmp_path):
    count, patience = 3, 240
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    provider, database_url = Provider(held=None), f"sqlite:///{tmp_path / 'shared.sqlite'}"
    settings = Settings(database_url=database_url)
    with MeterServer(provider) as meter, Ledger.open(database_url) as ledger, ExitStack() as stack:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
        for name in ("one", "three"):
            stack.enter_context(worker_of(name, database_url, tmp_path))
        workers = WorkerList(ledger)
        eventually(lambda: [w.warm for w in workers.living()] == [True, True], "two warm workers", patience)
        for number in range(count):
            submit(settings, ledger, of_shop(number), name=f"shop {number}")
        eventually(lambda: len(ledger.runs(state=RunState.COMPLETED)) == count, "all runs", patience)
        assert provider.asked == {str(number): CALLS_OF_A_RUN for number in range(count)}
        assert {run.worker for run in ledger.runs()} == {worker.worker_id for worker in workers.living()}
        assert most_at_once(ledger.runs()) <= TOTAL_CONCURRENCY
        assert ledger.totals().requests == len(meter.billed) == count * CALLS_OF_A_RUN
        assert ledger.totals().usage.total_tokens == meter.total_tokens


def name_of(worker, processes):
    return next(name for name, process in processes.items() if process.pid == worker.pid)


def assert_each_once(ledger, meter, provider, ids, held, names):
    found = {run.run_id: run for run in ledger.runs(limit=len(ids))}
    assert set(found) == set(ids)
    lost = [run for run in found.values() if run.state is not RunState.COMPLETED and run.worker in names]
    # With the held run, the killed worker's other one is lost too, if it had begun.
    killed = found[ids[held]].worker
    assert found[ids[held]].state is RunState.LOST
    assert {run.state for run in lost} == {RunState.LOST}
    assert {run.worker for run in lost} == {killed}
    assert len(lost) <= CONCURRENCY[names[killed]]
    completed = [number for number, run_id in enumerate(ids) if found[run_id].state is RunState.COMPLETED]
    assert len(completed) + len(lost) == len(ids)
    assert {provider.asked[str(number)] for number in completed} == {CALLS_OF_A_RUN}
    assert provider.asked[str(held)] == CALLS_OF_A_RUN  # once: the second time it would have been more
    assert {names[found[ids[number]].worker] for number in completed} <= set(CONCURRENCY)
    assert len({found[ids[number]].worker for number in completed}) >= 2
    assert most_at_once(found.values()) <= TOTAL_CONCURRENCY
    for worker, name in names.items():
        assert most_at_once([run for run in found.values() if run.worker == worker]) <= CONCURRENCY[name]
    assert_same_totals(ledger, meter, ids, held)


def assert_same_totals(ledger, meter, ids, held):
    """What the provider answered is in the ledger, and what it may bill beside that is there as unknown."""
    totals, billed = ledger.totals(), meter.billed
    assert totals.requests - totals.unknown_requests == len(billed)
    assert totals.usage.total_tokens == sum(request.usage.total_tokens for request in billed)
    # gpt-4o-mini: $0.15 and $0.60 per million
    nano = sum(r.usage.input_tokens * 150 + r.usage.output_tokens * 600 for r in billed)
    assert totals.cost.nano_usd == nano
    of_held = ledger.totals(run_id=ids[held])
    assert (of_held.requests, of_held.unknown_requests) == (2, 1)
    logger.info(
        "%d runs, %d calls, %d tokens, %d nano-dollars",
        len(ids),
        len(billed),
        totals.usage.total_tokens,
        nano,
    )
