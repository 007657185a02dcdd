"""Two dashboards and four workers on one SQLite file, under continuous runs: no error, no page that waits.

`--minutes-of-load 10 --log-cli-level info` for ten minutes and their figures.
"""

import json
import logging
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from browser import chromium, settled, streamlit
from meter import MeterServer, Reply
from shop_runs import CALLS_OF_A_RUN, eventually, of_shop, worker_process

from tracking import Ledger
from tracking.crew.queue import submit
from tracking.domain.run import RunState
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

logger = logging.getLogger(__name__)

PROBE = Path(__file__).parents[1] / "lock_probe.py"
WORKERS = ("one", "two", "three", "four")
AHEAD = 6  # runs that are queued or under way at any moment: no worker waits for work
LONGEST_LOCK_MS = 200
PATIENCE = 240
# Streamlit's own, when a browser leaves while something is being sent to it.
CLOSED_TAB = re.compile(r"WebSocketClosedError|ConnectionClosed|Disconnected|close message has been sent")


@pytest.fixture
def seconds(request):
    minutes = request.config.getoption("--minutes-of-load")
    if not minutes:
        pytest.skip("a load: run with --minutes-of-load 10")
    return 60 * minutes


def test_two_dashboards_and_four_workers_share_one_sqlite_file(monkeypatch, tmp_path, seconds):
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    settings = Settings(home=tmp_path / "home")
    monkeypatch.setenv("DASHBOARD_HOME", str(settings.home))
    with MeterServer(lambda _: Reply(text="fine")) as meter, ExitStack() as stack:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{meter.url}/v1")
        ledger = stack.enter_context(Ledger.open(settings.ledger_url))
        for name in WORKERS:
            stack.enter_context(worker_process(name, tmp_path, "--concurrency", "1"))
        logs = [tmp_path / f"dashboard-{number}.log" for number in (1, 2)]
        urls = [stack.enter_context(streamlit(log, DASHBOARD_WORKER_MANAGED="true"))[0] for log in logs]
        eventually(lambda: len(WorkerList(ledger).living()) == len(WORKERS), "four workers", PATIENCE)
        probe = stack.enter_context(locks_probed("ledger.sqlite", "queue.sqlite", home=settings.home))
        visits = under_load(settings, ledger, urls, seconds)
        eventually(lambda: not unfinished(ledger), "the end of all runs", PATIENCE)
        locks = json.loads(probe.communicate(b"\n")[0])
        logger.info("%s visits, %d runs, locks in ms: %s", visits.total(), ledger.run_count(), locks)
        assert_nothing_went_wrong(ledger, meter, settings, [*logs, *(tmp_path / f"{n}.log" for n in WORKERS)])
        del locks["woken late"]
        assert {path: w for path, w in locks.items() if w["longest"] > LONGEST_LOCK_MS} == {}


def locks_probed(*names, home):
    paths = [home / name for name in names]
    return subprocess.Popen(
        [sys.executable, PROBE, *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False
    )


def under_load(settings, ledger, urls, seconds):
    """Runs without a pause, and somebody at each dashboard who looks at one page after another."""
    visits, number = Counter(), 0
    with chromium() as browser:
        pages = [browser.new_page() for _ in urls]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            while unfinished(ledger) < AHEAD:
                submit(settings, ledger, of_shop(number), name=f"shop {number}")
                number += 1
            newest = ledger.runs(limit=1)[0].run_id
            for page, url in zip(pages, urls, strict=True):
                for place in ("", "runs", f"runs?run={newest}"):
                    page.goto(f"{url}/{place}")
                    settled(page)
                    assert page.get_by_test_id("stException").count() == 0
                    assert (
                        page.get_by_text("Wait a moment and try again").count() == 0
                    )  # the boundary's words
                    visits[place] += 1
    return visits


def unfinished(ledger):
    return len(ledger.runs(state=(RunState.QUEUED, RunState.RUNNING)))


def assert_nothing_went_wrong(ledger, meter, settings, logs):
    runs = ledger.runs()
    assert {run.state for run in runs} == {RunState.COMPLETED}
    assert ledger.totals().requests == len(meter.billed) == len(runs) * CALLS_OF_A_RUN
    assert ledger.totals().usage.total_tokens == meter.total_tokens
    for month in ledger.upkeep.months():
        assert ledger.upkeep.check(month) == []
    for name in ("ledger.sqlite", "queue.sqlite", "outputs.sqlite"):
        with sqlite3.connect(settings.home / name) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    for log in logs:
        assert errors_in(log.read_text()) == [], log.name


def errors_in(text):
    """What a log complains of, a traceback by its last line."""
    found = [
        line
        for line in text.splitlines()
        if re.search(r"\b(ERROR|CRITICAL)\b|^\w[\w.]*(Error|Exception)\b", line)
    ]
    return [line for line in found if not CLOSED_TAB.search(line)]
