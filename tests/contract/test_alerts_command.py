"""`python -m tracking alerts`, as a person calls it."""

import pytest
from receivers import Webhook
from typer.testing import CliRunner

from tracking.__main__ import app
from tracking.alerts.book import AlertBook
from tracking.alerts.destinations import AlertConfig
from tracking.domain.alert import Alert, AlertKind
from tracking.errors import ConfigError
from tracking.ledger.ledger import Ledger
from tracking.settings import Settings


@pytest.fixture
def config(tmp_path, monkeypatch):
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("DASHBOARD_CONFIG", str(folder))
    file = folder / "alerts.toml"
    file.write_text('[destinations.team]\nurl_from = "ALERT_TEAM_URL"\n')
    return file


@pytest.fixture
def webhook(monkeypatch):
    server = Webhook().start()
    monkeypatch.setenv("ALERT_TEAM_URL", server.url)
    yield server
    server.stop()


def alerts(*arguments):
    return CliRunner().invoke(app, ["alerts", *arguments])


def test_a_test_arrives_and_is_in_the_log(config, webhook):
    done = alerts("test")
    assert (done.exit_code, done.output) == (0, "The test reached team.\n")
    [(title, _)] = webhook.messages
    assert title == "Test: alerts arrive here"
    assert "test  Test: alerts arrive here\n    told team: sent\n" in alerts("log").output
    assert alerts("log", "--failed").output == "Every alert arrived.\n"


def test_a_test_that_does_not_arrive_says_why_without_the_address(config, webhook):
    webhook.status = 500
    done = alerts("test", "team")
    assert done.exit_code == 1
    assert done.output.startswith("The test did not reach team: ")
    assert "500" in done.output
    log = alerts("log", "--failed").output
    assert "told team: given up after 1 attempt" in log
    for secret in ("hunter2secret", "T0PSECRETTOKEN"):
        assert secret not in done.output + log


def test_an_unknown_destination_is_named_with_those_there_are(config):
    done = alerts("test", "boss")
    assert done.exit_code == 1
    assert "there are: team." in done.output


def test_a_file_that_cannot_be_used_is_said(config):
    config.write_text("[destinations.team]\n")
    assert isinstance(alerts("test").exception, ConfigError)  # which `main` says in a line


def test_without_any_alert_the_log_says_so(config):
    assert alerts("log").output == "No alert yet.\n"


def test_the_log_shows_alerts_that_nobody_is_told_of(config):
    with Ledger.open(Settings().ledger_url) as ledger:
        AlertBook(ledger, AlertConfig("")).add(Alert(AlertKind.RUN_LOST, "run_lost:r", "Monthly is lost"))
    assert "run_lost  Monthly is lost\n    told nobody\n" in alerts("log").output
