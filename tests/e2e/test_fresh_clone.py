"""What a new user does: a fresh copy, no key, the README's first command, one click."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from browser import ROOT, free_port, healthy, keep_screenshots, process, settled, wait_until

from tracking import Ledger, TokenMetrics
from tracking.domain.cost import CostState
from tracking.domain.run import RunState


@pytest.fixture
def clone(tmp_path):
    """The files that git would hand to somebody else, in an empty directory."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout.decode()  # fmt: skip
    folder = tmp_path / "clone"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return folder


@pytest.fixture
def dashboard(clone, tmp_path):
    """The README's first command on a free port, once its page answers."""
    port = free_port()
    log = tmp_path / "launcher.log"
    # Its own .dashboard, as a new user has it.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DASHBOARD_")}
    command = (sys.executable, "run_dashboard.py", "--no-browser", "--port", port)
    with process("env", "-u", "DASHBOARD_HOME", *command, cwd=clone, log=log, CI=environment.get("CI", "")):
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: healthy(url), "the page", seconds=420)
        except BaseException:
            print(log.read_text()[-4000:])  # noqa: T201  # what a person would have seen
            raise
        yield url, clone


def test_the_first_command_leads_to_a_page_on_which_one_click_leads_to_a_report(dashboard, page, browser):
    url, clone = dashboard
    page.goto(url)
    settled(page)
    page.get_by_text("using the local demo model").first.wait_for()
    page.get_by_text("Worker: warm").wait_for()
    page.get_by_role("tab", name="Execute Analysis").click()
    page.get_by_role("button", name="Run analysis").click()
    page.wait_for_url(re.compile(r"run="))
    run_id = re.search(r"run=(\w+)", page.url).group(1)
    page.locator(".st-key-stop_run, .st-key-stop_menu").get_by_role("button").first.wait_for()
    page.get_by_text(re.compile(r"^Done in ")).first.wait_for(timeout=300_000)
    page.get_by_role("tab", name="Results & Visualization").click()
    page.get_by_text("Data source: crew_metrics").first.wait_for()
    settled(page)

    with Ledger.open(f"sqlite:///{clone / '.dashboard' / 'ledger.sqlite'}") as ledger:
        run, calls = ledger.run(run_id), list(ledger.calls(run_id=run_id))
    metrics = TokenMetrics.from_json(run.readings["metrics"])
    assert run.state is RunState.COMPLETED
    assert len({call.agent_name for call in calls}) == 3
    # The model server's own counters, read off the server itself.
    assert [metrics.input_tokens, metrics.output_tokens] == run.evidence["server_tokens"]
    assert metrics.caption == "crew_metrics, verified against 3 calls"
    assert metrics.cost_state is CostState.FREE
    shown = page.get_by_test_id("stMetric").all_inner_texts()
    assert any("Total Tokens" in tile and f"{metrics.total_tokens:,}" in tile for tile in shown)
    assert any("Total Cost" in tile and "free" in tile for tile in shown)
    assert any("API Requests" in tile and "3" in tile for tile in shown)
    keep_screenshots(browser, f"{url}/runs?run={run_id}", "fresh-clone-results")
    keep_screenshots(browser, url, "fresh-clone-analyze")
    keep_screenshots(browser, f"{url}/runs", "fresh-clone-runs")
