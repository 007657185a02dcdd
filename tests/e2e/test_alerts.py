"""Alerts in a browser: what to set up, a test that arrives, and the way from an alert to its run."""

import re
from datetime import UTC, datetime

import pytest
from browser import keep_screenshots, settled, streamlit
from history_support import keep_weeks
from receivers import Webhook

from tracking.alerts.book import AlertBook
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import load_alert_config
from tracking.domain.alert import Alert, AlertKind
from tracking.ledger.ledger import Ledger
from tracking.settings import REPOSITORY, Settings

FILE = '[destinations.team]\nurl_from = "ALERT_TEAM_URL"\n'


@pytest.fixture
def config(tmp_path, monkeypatch):
    folder = tmp_path / "config"
    folder.mkdir()
    for file in (REPOSITORY / "config").iterdir():
        if file.name != "alerts.toml":
            (folder / file.name).symlink_to(file)
    monkeypatch.setenv("DASHBOARD_CONFIG", str(folder))
    return folder / "alerts.toml"


def test_a_destination_is_tested_and_an_alert_leads_to_its_run(page, browser, tmp_path, config, monkeypatch):
    webhook = Webhook().start()
    monkeypatch.setenv("ALERT_TEAM_URL", webhook.url)
    config.write_text(FILE)
    keep_weeks(30)
    lost = Alert(AlertKind.RUN_LOST, "run_lost:run3", "Monthly is lost: it was killed", "Kept.", "run3")
    with Ledger.open(Settings().ledger_url) as ledger:
        AlertBook(ledger).add(lost)
        Courier(ledger, send=lambda *_: "error=500").deliver(load_alert_config(Settings()), datetime.now(UTC))
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(f"{url}/alerts")
        page.get_by_role("heading", name="1 alert today, 1 not delivered").wait_for()
        page.get_by_role("button", name="Test").click()
        page.get_by_text("The test reached team.").wait_for()
        assert webhook.messages[0][0] == "Test: alerts arrive here"
        table = page.get_by_test_id("stDataFrame")
        table.scroll_into_view_if_needed()
        settled(page)
        box = table.bounding_box()
        page.mouse.click(box["x"] + 16, box["y"] + 35 * 2.5)  # the row below the test's
        page.get_by_text("Kept.").wait_for()
        keep_screenshots(browser, f"{url}/alerts", "alerts")
        page.get_by_role("link", name="The run").click()
        page.wait_for_url(re.compile(r"/runs\?run=run3"))
    webhook.stop()


def test_with_nothing_set_up_the_page_says_how(page, browser, tmp_path, config):
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(f"{url}/alerts")
        page.get_by_role("heading", name="No alert yet").wait_for()
        page.get_by_text("Nobody is told so far.").wait_for()
        keep_screenshots(browser, f"{url}/alerts", "alerts-empty")
