"""The Alerts page, driven through the dashboard as a person does."""

from datetime import UTC, datetime, timedelta

import pytest
from receivers import Webhook
from streamlit.testing.v1 import AppTest

from tracking.alerts.book import AlertBook
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import load_alert_config
from tracking.domain.alert import Alert, AlertKind
from tracking.settings import REPOSITORY, Settings

PAGE = "tracking/ui/pages/alerts.py"
LOST = Alert(AlertKind.RUN_LOST, "run_lost:r1", "Monthly is lost: it was killed", "Its calls are kept.", "r1")
TEAM = '[destinations.team]\nurl_from = "ALERT_TEAM_URL"\n'


@pytest.fixture
def config(tmp_path, monkeypatch, dashboard_home):
    folder = tmp_path / "config"
    folder.mkdir()
    for file in (REPOSITORY / "config").iterdir():
        if file.name != "alerts.toml":
            (folder / file.name).symlink_to(file)
    monkeypatch.setenv("DASHBOARD_CONFIG", str(folder))
    return folder / "alerts.toml"


@pytest.fixture
def webhook(monkeypatch):
    server = Webhook().start()
    monkeypatch.setenv("ALERT_TEAM_URL", server.url)
    yield server
    server.stop()


def alerts():
    test = AppTest.from_file(REPOSITORY / "dashboard.py", default_timeout=60).run()
    test.switch_page(PAGE)
    test.run()
    assert not test.exception
    return test


def text(test):
    kinds = (test.title, test.subheader, test.markdown, test.caption, test.warning, test.error, test.success)
    codes = [str(one.value) for one in test.code]
    return "\n".join([*(str(one.value) for kind in kinds for one in kind), *codes]).replace("\\", "")


def test_with_nothing_configured_it_says_what_to_write_and_what_to_set(config):
    test = alerts()
    assert test.title[0].value == "No alert yet"
    assert "Nobody is told so far." in text(test)
    assert '[destinations.team]\nurl_from = "ALERT_TEAM_URL"' in text(test)
    assert "export ALERT_TEAM_URL=" in text(test)
    assert not [button for button in test.button if button.label == "Test"]


def test_the_example_on_the_page_can_be_used(config):
    from tracking.report.alerts import EXAMPLE_TOML

    config.write_text(EXAMPLE_TOML)
    assert [to.name for to in load_alert_config(Settings()).destinations] == ["team"]


def test_it_counts_todays_alerts_and_those_that_did_not_arrive(config, ledger, monkeypatch):
    config.write_text(TEAM)
    monkeypatch.setenv("ALERT_TEAM_URL", "json://robot:hunter2secret@127.0.0.1:1/T0PSECRETTOKEN")
    book, now = AlertBook(ledger), datetime.now(UTC)
    old = Alert(AlertKind.COST_ANOMALY, "c", "Monthly cost $1.24, 4.0 times the usual $0.31")
    book.add(old, at=now - timedelta(days=2))
    Courier(ledger, send=lambda *_: None).deliver(load_alert_config(Settings()), now - timedelta(days=1))
    book.add(LOST, at=now)
    Courier(ledger).deliver(load_alert_config(Settings()), now)
    test = alerts()
    assert test.title[0].value == "1 alert today, 1 not delivered"
    frame = test.dataframe[0].value
    assert list(frame["Alert"]) == [LOST.title, old.title]
    assert frame["Told"][0].startswith("team: 1 attempt failed, again ")
    assert frame["Told"][1] == "team: sent"
    assert "hunter2secret" not in text(test) + str(frame)
    assert "T0PSECRETTOKEN" not in text(test) + str(frame)
    test.toggle(key="alerts.failed_only").set_value(True).run()
    assert list(test.dataframe[0].value["Alert"]) == [LOST.title]


def test_a_test_goes_out_at_once_and_its_outcome_is_shown(config, ledger, webhook):
    config.write_text(TEAM)
    test = alerts()
    test.button(key="alerts.test.team").click().run()
    assert "The test reached team." in text(test)
    assert [title for title, _ in webhook.messages] == ["Test: alerts arrive here"]
    assert test.title[0].value == "No alert yet"  # a test is none
    webhook.status = 500
    test.button(key="alerts.test.team").click().run()
    assert "The test did not reach team: " in text(test)
    assert "500" in text(test)


def test_a_variable_that_is_not_set_is_named(config, ledger, monkeypatch):
    monkeypatch.delenv("ALERT_TEAM_URL", raising=False)
    config.write_text(TEAM)
    test = alerts()
    assert "ALERT_TEAM_URL is not set where this page runs." in text(test)
    test.button(key="alerts.test.team").click().run()
    assert "no worker has sent the test so far" in text(test)


def test_a_file_that_cannot_be_used_is_said_and_the_log_stays(config, ledger):
    AlertBook(ledger).add(LOST)
    config.write_text("[destinations.team]\nurl = 'slack://secretA/secretB/secretC'\n")
    test = alerts()
    assert "Nobody is told of alerts: alerts.toml: destinations.team.url holds an address" in text(test)
    assert "secretA" not in text(test)
    assert list(test.dataframe[0].value["Told"]) == ["nobody"]
