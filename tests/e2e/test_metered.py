"""The dashboard against a metering provider: what is on screen equals the meter, and kills lose nothing."""

import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from browser import free_port, keep_screenshots_of, settled, streamlit, wait_until
from meter import MeterServer, Reply

from tracking import Ledger, track
from tracking.crew.queue import submit
from tracking.domain.run import RunState
from tracking.domain.spec import RunSettings, RunSpec
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]
AGENTS = ("market_research_analyst", "data_analyst", "report_writer")


@pytest.fixture
def gate():
    """Held: the provider's third answer waits. Set: it answers at once."""
    opened = threading.Event()
    opened.set()
    opened.asked = threading.Event()  # set once a third answer is asked for
    yield opened
    opened.set()


@pytest.fixture
def meter(monkeypatch, gate):
    def reply(request):
        if request.index % 3 == 2:
            gate.asked.set()
            gate.wait(120)
        return Reply(text="Sales grow. Stock up in June.")

    with MeterServer(reply) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        yield server
        gate.set()  # or the server would wait for the answer that is held back


@pytest.fixture
def ledger(meter):
    with Ledger.open(Settings().ledger_url) as opened:
        yield opened


@pytest.fixture
def dashboard(meter, ledger, tmp_path):
    """A page that starts its own worker, as `streamlit run dashboard.py` does."""
    port = free_port()
    with streamlit(tmp_path / "dashboard.log", port) as (url, process):
        yield url, process, port
    # A worker that the page started is a session of its own, and outlives the page.
    for worker in WorkerList(ledger).living():
        os.killpg(worker.pid, signal.SIGKILL)


def tiles(page):
    page.get_by_test_id("stMetric").first.wait_for()
    settled(page)
    texts = (tile.split("\n") for tile in page.get_by_test_id("stMetric").all_inner_texts())
    return {lines[0]: [line for line in lines[1:] if line] for lines in texts}


def assert_on_screen(page, meter, requests):
    shown = tiles(page)
    billed = meter.billed[-requests:]
    assert shown["Total Tokens"][0] == f"{sum(r.usage.total_tokens for r in billed):,}"
    assert shown["API Requests"][0] == str(requests)
    # gpt-4o-mini: $0.15 and $0.60 per million
    nano = sum(r.usage.input_tokens * 150 + r.usage.output_tokens * 600 for r in billed)
    assert float(shown["Total Cost"][0].lstrip("$")) == float(f"{nano / 1e9:.3g}")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_figures_on_screen_equal_the_meters_with_separate_llm_objects(dashboard, page, meter, ledger, stream):
    url, *_ = dashboard
    page.goto(url)
    page.get_by_text("Worker: warm").wait_for()
    if stream:
        page.get_by_text("Stream answers").click()
        settled(page)
    page.get_by_role("tab", name="Execute Analysis").click()
    page.get_by_role("button", name="Run analysis").click()
    page.get_by_text(re.compile(r"^Done in ")).first.wait_for()
    page.get_by_role("tab", name="Results & Visualization").click()
    page.get_by_text("Data source: crew_metrics, verified against 3 calls").first.wait_for()
    assert_on_screen(page, meter, 3)
    [run] = ledger.runs()
    assert run.spec["settings"]["stream"] is stream


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_figures_on_screen_equal_the_meters_with_one_shared_llm_object(
    dashboard, page, meter, ledger, stream
):
    # The browser's driver holds an event loop in this thread, in which crewai refuses to run.
    with ThreadPoolExecutor(1) as thread:
        run_id, said = thread.submit(kick_off_shared, stream).result()
    url, *_ = dashboard
    page.goto(f"{url}/runs?run={run_id}")
    caption = f"Data source: tracker: crew_metrics said {said:,} because one LLM object is shared by 3 agents"
    page.get_by_text(caption).first.wait_for()
    assert_on_screen(page, meter, 3)


def kick_off_shared(stream):
    """A crew of one's own, three agents on one LLM object, recorded in the dashboard's ledger."""
    from crewai import LLM, Agent, Crew, Task

    llm = LLM(model="openai/gpt-4o-mini", stream=stream)
    agents = [Agent(role=f"Agent {n}", goal="answer", backstory="brief", llm=llm) for n in range(3)]
    tasks = [
        Task(name=f"t{n}", description="Say it.", expected_output="words", agent=agents[n]) for n in range(3)
    ]
    crew = Crew(agents=agents, tasks=tasks)
    with track("shared", ledger=Settings().ledger_url) as tracker:
        crew.kickoff()
    return tracker.run_id, crew.usage_metrics.total_tokens


def begin(ledger, gate, agents=AGENTS):
    """A run whose third call waits at the provider."""
    gate.clear()
    spec = RunSpec(preset="custom", agents=agents, model="openai-mini", settings=RunSettings())
    run_id = submit(Settings(), ledger, spec, name="caught in the middle")
    assert gate.asked.wait(120)
    return run_id


def test_a_killed_run_is_shown_as_lost_with_every_finished_call(dashboard, page, ledger, meter, gate):
    url, *_ = dashboard
    page.goto(url)
    page.get_by_text("Worker: warm").wait_for()
    run_id = begin(ledger, gate)
    page.goto(f"{url}/runs?run={run_id}")
    page.locator(".st-key-stop_menu").get_by_role("button").wait_for()
    os.kill(ledger.run(run_id).pid, signal.SIGKILL)
    page.get_by_text(re.compile("Lost", re.IGNORECASE)).first.wait_for()
    assert ledger.run(run_id).state is RunState.LOST
    assert tiles(page)["API Requests"][0] == "≥ 2"


def test_the_run_goes_on_when_the_dashboard_is_killed(dashboard, page, ledger, meter, gate, tmp_path):
    url, process, port = dashboard
    page.goto(url)
    page.get_by_text("Worker: warm").wait_for()
    run_id = begin(ledger, gate)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    gate.set()
    wait_until(lambda: ledger.run(run_id).state is RunState.COMPLETED, "the end of the run")
    assert ledger.totals(run_id=run_id).requests == 3
    with streamlit(tmp_path / "again.log", port) as (again, _):
        page.goto(f"{again}/runs?run={run_id}")
        page.get_by_text(re.compile(r"^Done in ")).first.wait_for()


def open_stop_menu(page):
    page.locator(".st-key-stop_menu").get_by_role("button").click()
    page.locator(".st-key-stop_run").get_by_role("button").wait_for()


def test_stop_now_ends_a_run_within_two_seconds_and_keeps_what_was_recorded(
    dashboard, page, ledger, meter, gate
):
    url, *_ = dashboard
    page.goto(url)
    page.get_by_text("Worker: warm").wait_for()
    run_id = begin(ledger, gate)
    page.goto(f"{url}/runs?run={run_id}")
    open_stop_menu(page)
    keep_screenshots_of(page, "stop-menu")
    page.locator(".st-key-stop_run").get_by_role("button").click()
    wait_until(lambda: ledger.run(run_id).state is RunState.STOPPED, "the stop", seconds=30)
    run = ledger.run(run_id)
    assert run.finished_at - run.stop_requested_at < timedelta(seconds=2)
    page.get_by_text(re.compile("Stopped", re.IGNORECASE)).first.wait_for()
    # The one that was under way may be billed: it is counted, and its usage is not known.
    assert tiles(page)["API Requests"][0] == "3"
    assert ledger.totals(run_id=run_id).unknown_requests == 1


def test_stop_after_this_task_can_be_taken_back_and_otherwise_keeps_the_report_so_far(
    dashboard, page, ledger, meter, gate
):
    url, *_ = dashboard
    page.goto(url)
    page.get_by_text("Worker: warm").wait_for()
    run_id = begin(ledger, gate, agents=("market_research_analyst", "competitive_analyst", *AGENTS[1:]))
    page.goto(f"{url}/runs?run={run_id}")
    notice = page.get_by_text("Stopping after this task.")
    open_stop_menu(page)
    page.locator(".st-key-stop_after_task").get_by_role("button").click()
    notice.wait_for()
    page.keyboard.press("Escape")  # a click that meets the page's own rerun may leave the menu open
    page.locator(".st-key-stop_run").wait_for(state="hidden")
    keep_screenshots_of(page, "stopping-after-task")
    page.locator(".st-key-take_back_stop").get_by_role("button").click()
    notice.wait_for(state="detached")
    assert ledger.run(run_id).stop_after_task_at is None
    open_stop_menu(page)
    page.locator(".st-key-stop_after_task").get_by_role("button").click()
    notice.wait_for()
    gate.set()
    wait_until(lambda: ledger.run(run_id).state.is_final, "the stop")
    run = ledger.run(run_id)
    assert (run.state, run.stop_reason) == (RunState.STOPPED, "stopped by you after the task data_analysis")
    page.get_by_text("Stopped by you after the task data_analysis").first.wait_for()
    assert_on_screen(page, meter, 3)
    keep_screenshots_of(page, "stopped-after-task")


def test_the_dashboards_process_holds_no_crewai(dashboard, page, ledger):
    url, process, _ = dashboard
    page.goto(url)
    settled(page)
    page.goto(f"{url}/runs")
    settled(page)
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    loaded = Path(f"/proc/{process.pid}/maps").read_text()
    # Compiled libraries that crewai brings with it, as a process that imports it shows.
    brought = "import crewai, pathlib; print(pathlib.Path('/proc/self/maps').read_text())"
    with_crewai = subprocess.run([sys.executable, "-c", brought], check=True, capture_output=True, text=True)
    marks = re.compile(r"site-packages/(jiter|bcrypt)/")
    assert marks.search(with_crewai.stdout)
    assert not marks.search(loaded)
