"""What is written down of news, on both engines: each once, with who is to be told."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tracking import Ledger
from tracking.alerts.book import AlertBook
from tracking.alerts.destinations import AlertConfig, Destination
from tracking.domain.alert import Alert, AlertKind
from tracking.ledger.retention import Retention
from tracking.ledger.schema import alert_deliveries, alerts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAILED = Alert(AlertKind.RUN_FAILED, "run_failed:monthly", "Monthly failed", "ValueError", "r1")
TEAM = Destination("team", "ALERT_TEAM_URL")
BOSS = Destination("boss", "ALERT_BOSS_URL", kinds=frozenset({AlertKind.BUDGET_REFUSED}))
CONFIG = AlertConfig("http://127.0.0.1:8501", timedelta(hours=6), (TEAM, BOSS))


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        yield opened


def rows(ledger, table):
    with ledger.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def test_an_alert_is_written_with_a_delivery_for_each_who_wants_its_kind(ledger):
    added = AlertBook(ledger, CONFIG).add(FAILED, at=NOW)
    [alert] = rows(ledger, alerts)
    assert (alert["alert_id"], alert["kind"], alert["title"], alert["run_id"]) == (
        added,
        "run_failed",
        "Monthly failed",
        "r1",
    )
    assert alert["at"] == 1_795_348_800_000_000
    [delivery] = rows(ledger, alert_deliveries)
    assert (delivery["destination"], delivery["state"], delivery["attempts"]) == ("team", "waiting", 0)
    assert delivery["due_at"] == alert["at"]


def test_the_same_news_is_not_told_again_within_its_time(ledger):
    book = AlertBook(ledger, CONFIG)
    assert book.add(FAILED, at=NOW) is not None
    assert book.add(FAILED, at=NOW + timedelta(hours=6) - timedelta(microseconds=1)) is None
    assert book.add(FAILED, at=NOW + timedelta(hours=6)) is not None
    assert len(rows(ledger, alert_deliveries)) == 2


def test_what_happens_only_once_is_never_told_again(ledger):
    lost = Alert(AlertKind.RUN_LOST, "run_lost:r1", "r1 is lost")
    book = AlertBook(ledger, CONFIG)
    assert book.add(lost, at=NOW) is not None
    assert book.add(lost, at=NOW + timedelta(days=400)) is None


def test_of_many_who_tell_the_same_at_once_one_is_written(ledger):
    ready, added = threading.Barrier(8), []

    def tell():
        book = AlertBook(ledger, CONFIG)
        ready.wait()
        added.append(book.add(FAILED))

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in added) == 1
    assert len(rows(ledger, alerts)) == 1


def test_a_configuration_that_cannot_be_read_stops_no_alert(ledger, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_CONFIG", str(tmp_path))
    (tmp_path / "alerts.toml").write_text("[destinations.team]\nurl = 'slack://a/b/c'\n")
    assert AlertBook(ledger).add(FAILED) is not None
    assert rows(ledger, alert_deliveries) == []


def test_a_run_that_is_deleted_takes_its_alerts_with_it(ledger):
    book = AlertBook(ledger, CONFIG)
    book.add(FAILED, at=NOW)
    book.add(Alert(AlertKind.RUN_LOST, "run_lost:r2", "r2 is lost", run_id="r2"), at=NOW)
    Retention(ledger).delete_run("r1")
    [alert], [delivery] = rows(ledger, alerts), rows(ledger, alert_deliveries)
    assert (alert["run_id"], delivery["alert_id"]) == ("r2", alert["alert_id"])


def test_without_a_file_nobody_is_told_and_the_alert_is_kept(ledger, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_CONFIG", str(tmp_path))
    assert AlertBook(ledger).add(FAILED) is not None
    assert rows(ledger, alert_deliveries) == []
