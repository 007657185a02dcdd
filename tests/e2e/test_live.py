"""A run is watched in a browser while it goes on, against a provider that waits where it is told to."""

import logging
import os
import re
import signal
import threading

import pytest
from browser import SCREENSHOTS, free_port, settled, streamlit
from live_runs import NOTE_CHANGES
from meter import MeterServer, Reply

from tracking import Ledger
from tracking.crew.queue import submit
from tracking.domain.spec import RunSettings, RunSpec
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

logger = logging.getLogger(__name__)

AGENTS = ("market_research_analyst", "data_analyst", "report_writer")
CHARTS = ("Calls over time", "Tasks over time", "Spent over time", "Task to agent to model")


@pytest.fixture
def gates():
    """One per answer of the provider, which waits until it is opened."""
    return [threading.Event() for _ in range(3)]


@pytest.fixture
def meter(monkeypatch, gates):
    def reply(request):
        gates[request.index % 3].wait(170)
        return Reply(text="Sales grow. Stock up in June.")

    with MeterServer(reply) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        yield server
        for gate in gates:
            gate.set()  # or the server would wait for the answers that are held back


@pytest.fixture
def ledger(meter):
    with Ledger.open(Settings().ledger_url) as opened:
        yield opened


@pytest.fixture
def dashboard(meter, ledger, tmp_path):
    """A page that starts its own worker, as `streamlit run dashboard.py` does."""
    with streamlit(tmp_path / "dashboard.log", free_port()) as (url, _):
        yield url
    # A worker that the page started is a session of its own, and outlives the page.
    for worker in WorkerList(ledger).living():
        os.killpg(worker.pid, signal.SIGKILL)


def counted(page, label, value):
    """Wait until the card of that name shows it."""
    card = page.get_by_test_id("stMetric").filter(has_text=label)
    card.get_by_test_id("stMetricValue").get_by_text(value, exact=True).wait_for()


def test_a_run_is_watched_from_its_first_call_to_its_charts(dashboard, page, meter, ledger, gates):
    page.goto(dashboard)
    page.get_by_text("Worker: warm").wait_for()
    spec = RunSpec(preset="custom", agents=AGENTS, model="openai-mini", settings=RunSettings())
    run_id = submit(Settings(), ledger, spec, name="watched")
    page.goto(f"{dashboard}/runs?run={run_id}")
    counted(page, "Calls", "0")
    page.get_by_text("running").nth(1).wait_for()  # the task, and the call that the provider holds back
    page.evaluate(NOTE_CHANGES, "Calls")

    gates[0].set()
    counted(page, "Calls", "1")
    [first] = ledger.calls(run_id=run_id)
    [(_, shown_at)] = [change for change in page.evaluate("changes") if change[0] == "1"]
    late = shown_at / 1000 - first.ended_at.timestamp()
    logger.info("the first call was on screen %.2f s after its end", late)
    counted(page, "Tokens", f"{first.usage.total_tokens:,}")
    gates[1].set()
    counted(page, "Calls", "2")
    page.get_by_text(re.compile(r"tok/s and \$.*/min, of what ended in the last")).wait_for()
    page.get_by_text("needs 3 completed runs like this one, and there is none").wait_for()
    page.get_by_text("Colour by model").wait_for()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "watched.png")

    gates[2].set()
    page.get_by_text(re.compile(r"^Done in ")).first.wait_for()
    for chart in CHARTS:
        page.get_by_role("radio", name=chart).click()
        page.locator('[class*="st-key-run_chart_"] .js-plotly-plot').first.wait_for()
        settled(page)
        assert page.get_by_test_id("stException").count() == 0
    assert ledger.totals(run_id=run_id).requests == len(meter.billed) == 3
