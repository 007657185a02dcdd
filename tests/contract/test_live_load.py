"""Ten open live sessions on one dashboard: the page answers, calls appear, and nothing goes wrong.

`--minutes-of-load 2 --log-cli-level info` for two minutes and their figures.
"""

import json
import logging
import re
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles

import pytest
from browser import chromium, streamlit
from live_runs import NOTE_CHANGES, cpu_seconds, delays, going

from tracking import Ledger
from tracking.settings import Settings

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.timeout(3600)
OTHERS = Path(__file__).parents[1] / "live_sessions.py"
SESSIONS = 10  # one in a browser: ten on these cores would measure themselves
COMPLAINT = re.compile(r"^.*\b(?:ERROR|CRITICAL)\b.*$|^\w[\w.]*(?:Error|Exception)\b.*$", re.MULTILINE)
MOST_SECONDS = 0.5  # of a page's answer to a click, at the 95th percentile
MOST_TO_SCREEN = 1.5  # from a call's end until it is counted
MOST_OF_A_CORE = 0.07  # per session


@pytest.fixture
def seconds(request):
    minutes = request.config.getoption("--minutes-of-load")
    if not minutes:
        pytest.skip("a load: run with --minutes-of-load 2")
    return 60 * minutes


def test_ten_live_sessions_are_answered_and_see_each_call(tmp_path, monkeypatch, seconds):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")
    log = tmp_path / "dashboard.log"
    with Ledger.open(Settings().ledger_url) as ledger, going(ledger, "run", already=300) as run:
        with streamlit(log) as (url, process), chromium() as browser:
            page = opened(browser, f"{url}/runs?run=run")
            others = subprocess.Popen(
                [sys.executable, OTHERS, url, "runs", "run=run", str(SESSIONS - 1), str(seconds + 20)],
                stdout=subprocess.PIPE,
                text=True,
            )
            time.sleep(15)
            before, since = cpu_seconds(process.pid), time.monotonic()
            answers = clicked_through(page, seconds)
            share = (cpu_seconds(process.pid) - before) / (time.monotonic() - since) / SESSIONS
            shown = delays(page.evaluate("changes"), run)
            assert page.get_by_test_id("stException").count() == 0
            assert page.get_by_text("Wait a moment and try again").count() == 0  # the boundary's words
            beside = json.loads(others.communicate()[0])
        for what, times in {"clicks": answers, "calls": shown, "fragments": beside["fragments"]}.items():
            logger.info(
                "%d %s: median %.0f ms, 95 %% within %.0f ms",
                len(times),
                what,
                1000 * median(times),
                1000 * percentile95(times),
            )
        logger.info("%.1f %% of a core per session", 100 * share)
    assert beside["exceptions"] == 0
    assert COMPLAINT.findall(log.read_text()) == []
    assert percentile95(beside["fragments"]) <= MOST_SECONDS
    assert percentile95(answers) <= MOST_SECONDS
    assert percentile95(shown) <= MOST_TO_SCREEN
    assert share <= MOST_OF_A_CORE


def opened(browser, url):
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(180_000)
    page.goto(url, wait_until="commit")
    page.get_by_text("Colour by model").wait_for()
    page.locator(".js-plotly-plot").wait_for()  # with a fragment every second it is never quite settled
    page.evaluate(NOTE_CHANGES, "Calls")
    return page


def clicked_through(page, seconds):
    """Somebody turns a switch now and then; how long until the chart shows the answer."""
    answers, ends = [], time.monotonic() + seconds
    turns = cycle(["model", "agent"])
    by = next(turns)
    while time.monotonic() < ends:
        answers.append(page.evaluate(ANSWER, [f"Colour by {by}", NAMES[by]]) / 1000)
        by = next(turns)
        time.sleep(0.7)
    return answers


NAMES = {"model": "gpt-4o-mini", "agent": "Market Research Analyst"}
# Clicks and waits in the page itself: the driver's own waiting is not measured.
ANSWER = """([label, name]) => new Promise(resolve => {
  const button = [...document.querySelectorAll('button')].find(each => each.textContent.trim() === label);
  const shown = () => [...document.querySelectorAll('.legendtext')].some(each => each.textContent === name);
  const since = performance.now();
  const look = () => {
    const took = performance.now() - since;
    return shown() || took > 60000 ? resolve(took) : setTimeout(look, 5);
  };
  button.click();
  look();
})"""


def percentile95(values):
    return quantiles(values, n=20)[-1]
