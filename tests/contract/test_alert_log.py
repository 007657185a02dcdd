"""What the log says was told, on both engines."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tracking import Ledger
from tracking.alerts.book import AlertBook
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import AlertConfig, Destination
from tracking.alerts.log import AlertLog
from tracking.alerts.trial import try_out
from tracking.domain.alert import Alert, AlertKind, DeliveryState

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEAM, OPS = Destination("team", "ALERT_TEAM_URL"), Destination("ops", "ALERT_OPS_URL")
CONFIG = AlertConfig("http://127.0.0.1:8501", timedelta(hours=1), (TEAM, OPS))


def lost(number):
    return Alert(AlertKind.RUN_LOST, f"run_lost:{number}", f"run {number} is lost", run_id=f"r{number}")


def send(url, message):
    return "it is away" if url == "ops" else None


@pytest.fixture
def ledger(database_url, monkeypatch):
    monkeypatch.setenv("ALERT_TEAM_URL", "team")
    monkeypatch.setenv("ALERT_OPS_URL", "ops")
    with Ledger.open(database_url) as opened:
        yield opened


def test_alerts_are_listed_newest_first_with_what_became_of_each_delivery(ledger):
    book, log = AlertBook(ledger, CONFIG), AlertLog(ledger)
    assert (log.entries(9), log.count(), log.failed_count(NOW), log.last_sent()) == ([], 0, 0, {})
    book.add(lost(1), at=NOW - timedelta(days=1))
    Courier(ledger, send=lambda *_: None).deliver(CONFIG, NOW - timedelta(days=1))
    book.add(lost(2), at=NOW)
    Courier(ledger, send=send, chance=Random(1)).deliver(CONFIG, NOW)
    newest, oldest = log.entries(9)
    assert (newest.alert, newest.at, newest.failed) == (lost(2), NOW, True)
    ops, team = newest.deliveries
    assert (ops.destination, ops.state, ops.attempts) == ("ops", DeliveryState.WAITING, 1)
    assert (ops.problem, ops.ended_at) == ("it is away", None)
    assert NOW + timedelta(seconds=24) < ops.due_at < NOW + timedelta(seconds=36)
    assert (team.state, team.ended_at, team.problem) == (DeliveryState.SENT, NOW, None)
    assert (oldest.alert, oldest.failed) == (lost(1), False)
    assert log.entries(1) == [newest]
    assert log.entries(9, failed_only=True) == [newest]
    assert log.entry(oldest.alert_id) == oldest
    assert log.entry(10**6) is None
    assert (log.count(), log.count(NOW)) == (2, 1)
    assert (log.failed_count(NOW), log.failed_count(NOW + timedelta(seconds=1))) == (1, 0)
    assert log.last_sent() == {"team": NOW, "ops": NOW - timedelta(days=1)}


def test_tests_are_in_the_log_and_in_no_count(ledger):
    assert try_out(ledger, CONFIG, TEAM, courier=Courier(ledger, send=send)).state is DeliveryState.SENT
    failed = try_out(ledger, CONFIG, OPS, courier=Courier(ledger, send=send))
    assert (failed.state, failed.problem) == (DeliveryState.GIVEN_UP, "it is away")
    log = AlertLog(ledger)
    assert [told.deliveries[0].destination for told in log.entries(9)] == ["ops", "team"]
    assert (log.count(), log.failed_count(NOW - timedelta(days=9999))) == (0, 0)


def test_a_test_that_a_worker_has_taken_is_waited_for(ledger, monkeypatch):
    pauses = []

    class Busy(Courier):
        """A worker was faster: it claims the test, and sends it while this process waits."""

        def deliver(self, config, now, *, alert_id=None):
            return 0

    def pause(seconds):
        pauses.append(seconds)
        Courier(ledger, send=send).deliver(CONFIG, datetime.now(UTC) + timedelta(seconds=5))

    assert try_out(ledger, CONFIG, TEAM, courier=Busy(ledger), pause=pause).state is DeliveryState.SENT
    assert len(pauses) == 1


def test_without_address_or_worker_a_test_is_not_waited_for(ledger, monkeypatch):
    monkeypatch.delenv("ALERT_TEAM_URL")

    def pause(seconds):
        pytest.fail("nobody would send it")

    assert try_out(ledger, CONFIG, TEAM, pause=pause).state is DeliveryState.WAITING
