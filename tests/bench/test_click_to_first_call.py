"""From handing a run over to its first request at the provider, with a warm worker."""

import sys
from statistics import median

import pytest
from browser import process, wait_until
from meter import MeterServer

from tracking import Ledger
from tracking.crew.queue import submit
from tracking.domain.spec import RunSpec
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

ROUNDS = 5
MOST_SECONDS = 2.0
SPEC = RunSpec(preset="custom", agents=("market_research_analyst", "report_writer"), model="openai-mini")


def test_a_click_leads_to_the_first_model_call_within_two_seconds(tmp_path, monkeypatch, capsys):
    with MeterServer() as meter:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
        settings = Settings()
        with (
            Ledger.open(settings.ledger_url) as ledger,
            process(sys.executable, "-m", "tracking", "worker", log=tmp_path / "worker.log"),
        ):
            seconds = [_one(settings, ledger) for _ in range(ROUNDS)]
    with capsys.disabled():
        print(
            f"\nclick to first model call: median {median(seconds):.2f} s of {[round(s, 2) for s in seconds]}"
        )
    assert median(seconds) <= MOST_SECONDS


def _one(settings, ledger):
    workers = WorkerList(ledger)
    wait_until(lambda: any(worker.warm for worker in workers.living()), "a warm worker")
    run_id = submit(settings, ledger, SPEC, name="bench")
    wait_until(lambda: ledger.run(run_id).state.is_final, "the end of the run")
    first = next(ledger.calls(run_id=run_id))
    return (first.started_at - ledger.run(run_id).created_at).total_seconds()
