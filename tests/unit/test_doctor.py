"""What the doctor prints, beside what the launcher's own tests show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tracking import Ledger
from tracking.crew import doctor
from tracking.ledger.workers import Worker, WorkerList
from tracking.settings import REPOSITORY, Settings


@pytest.fixture
def printed(monkeypatch, capsys, tmp_path):
    def of(crewai):
        monkeypatch.setattr(doctor, "_version", lambda package: crewai if package == "crewai" else "1.0")
        monkeypatch.setenv("COLUMNS", "200")
        doctor.report(Settings(home=tmp_path))
        return capsys.readouterr().out

    return of


def test_a_crewai_that_nobody_has_tested_is_named_with_what_follows(printed):
    assert (
        "crewai 1.17.0 is newer than what this was tested with (1.13 to 1.15): agents and tasks come from "
        "its public events; figures are checked against the HTTP calls"
    ) in printed("1.17.0")


def test_a_tested_crewai_needs_no_words(printed):
    assert "tested with" not in printed("1.15.30")


def test_every_worker_is_told_with_what_it_does_and_how_versions_differ(printed, tmp_path):
    began = datetime(2026, 1, 5, tzinfo=UTC)
    one = Worker("1", "alpha", 7, began, running=1, warm=True, versions={"crewai": "1.15.30"}, concurrency=2)
    other = replace(one, worker_id="2", host="beta", versions={"crewai": "1.14.0"}, draining=True)
    with Ledger.open(Settings(home=tmp_path).ledger_url) as ledger:
        WorkerList(ledger).beat(one)
        WorkerList(ledger).beat(other)
    out = printed("1.15.30")
    assert "alpha, process 7: 1 run now, at most 2 at a time, a spare process is ready" in out
    assert "beta, process 7: 1 run now, takes no new one and ends then" in out
    assert "Workers differ in crewai: 1.14.0 on beta, 1.15.30 on alpha" in out


def test_who_is_told_of_alerts_and_which_variable_is_missing(printed, tmp_path, monkeypatch):
    assert "nobody is told" in printed("1.15.30")
    for name in ("agents.yaml", "tasks.yaml", "analyses.yaml", "models.toml"):
        (tmp_path / name).symlink_to(REPOSITORY / "config" / name)
    (tmp_path / "alerts.toml").write_text('[destinations.team]\nurl_from = "ALERT_TEAM_URL"\n')
    monkeypatch.setenv("DASHBOARD_CONFIG", str(tmp_path))
    monkeypatch.setenv("ALERT_TEAM_URL", "slack://TokenA/TokenB/TokenC")
    out = printed("1.15.30")
    assert "everything; ALERT_TEAM_URL is set" in out
    assert "TokenA" not in out
    monkeypatch.delenv("ALERT_TEAM_URL")
    assert "everything; ALERT_TEAM_URL is not set here" in printed("1.15.30")
