"""Alerts in words."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracking.alerts.destinations import KINDS, Destination
from tracking.alerts.log import Delivery, Told
from tracking.alerts.quiet import QuietHours
from tracking.domain.alert import Alert, AlertKind, DeliveryState
from tracking.report.alerts import (
    KIND_WORDS,
    delivery_words,
    kinds_words,
    log_frame,
    outcome_words,
    problems,
    quiet_words,
    title,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENT, WAITING, GIVEN_UP = DeliveryState.SENT, DeliveryState.WAITING, DeliveryState.GIVEN_UP


def delivery(state, attempts=1, *, due=NOW, problem=None, to="team"):
    return Delivery(to, state, attempts, due, None, problem)


@pytest.mark.parametrize(
    ("ever", "today", "failed", "says"),
    [
        (0, 0, 0, "No alert yet"),
        (9, 0, 0, "No alert today"),
        (9, 1, 0, "1 alert today"),
        (9, 3, 1, "3 alerts today, 1 not delivered"),
    ],
)
def test_the_title_is_the_answer(ever, today, failed, says):
    assert title(ever, today, failed) == says


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (delivery(SENT), "sent"),
        (delivery(SENT, 3), "sent after 3 attempts"),
        (delivery(DeliveryState.SENDING), "is being sent"),
        (delivery(GIVEN_UP, 15, problem="x"), "given up after 15 attempts"),
        (delivery(GIVEN_UP, 0, problem="x"), "given up"),
        (delivery(WAITING, 0), "waits for a worker"),
        (delivery(WAITING, 0, due=NOW + timedelta(hours=8)), "quiet hours, waits until 22 Nov 2026, 20:00"),
        (
            delivery(WAITING, 2, due=NOW + timedelta(hours=1), problem="x"),
            "2 attempts failed, again 22 Nov 2026, 13:00",
        ),
        (delivery(WAITING, 0, due=NOW + timedelta(hours=1), problem="x"), "waits until 22 Nov 2026, 13:00"),
    ],
)
def test_what_became_of_a_delivery(told, says):
    assert delivery_words(told, NOW, "UTC") == says


def test_every_kind_has_a_word():
    assert set(KIND_WORDS) == set(AlertKind)


def test_what_a_destination_is_told_and_when_not():
    quiet = QuietHours(time(22), time(7), ZoneInfo("Europe/Berlin"))
    team = Destination("team", "X", quiet=quiet, urgent=frozenset({AlertKind.RUN_LOST}))
    assert kinds_words(team) == "everything"
    assert kinds_words(Destination("a", "X", frozenset({AlertKind.RUN_LOST}))) == "run lost"
    assert kinds_words(Destination("a", "X", frozenset())) == "nothing"
    assert quiet_words(Destination("a", "X"), NOW, "UTC") == "at any hour"
    assert quiet_words(team, NOW, "UTC") == "quiet from 22:00 to 07:00 (Europe/Berlin), but for run lost"
    night = datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert quiet_words(team, night, "UTC") == "quiet now, until 23 Nov 2026, 06:00, but for run lost"
    assert len(KINDS) == 8


def test_what_did_not_arrive_says_why_once():
    alert = Alert(AlertKind.RUN_LOST, "k", "Monthly is lost", "", "r1")
    both = (delivery(GIVEN_UP, problem="500"), delivery(WAITING, problem="500", to="ops"), delivery(SENT))
    told = Told(1, NOW, alert, both)
    assert problems(told) == "500"
    frame = log_frame([told, Told(2, NOW, Alert(AlertKind.TEST, "t", "A test"), ())], NOW, "UTC")
    given_up, again = "given up after 1 attempt", "1 attempt failed, again 22 Nov 2026, 12:00"
    assert frame.iloc[0].to_dict() == {
        "When": "22 Nov 2026, 12:00",
        "Alert": "Monthly is lost",
        "Told": f"team: {given_up} · ops: {again} · team: sent",
        "Problem": "500",
        "Kind": "Run lost",
    }
    assert frame.iloc[1]["Told"] == "nobody"
    assert list(log_frame([], NOW, None).columns) == ["When", "Alert", "Told", "Problem", "Kind"]


def test_what_became_of_a_test(monkeypatch):
    team = Destination("team", "ALERT_TEAM_URL")
    assert outcome_words(delivery(SENT), team) == "The test reached team."
    failed = delivery(GIVEN_UP, problem="error=500.")
    assert outcome_words(failed, team) == "The test did not reach team: error=500."
    monkeypatch.delenv("ALERT_TEAM_URL", raising=False)
    assert outcome_words(delivery(WAITING, 0), team).startswith("ALERT_TEAM_URL is not set here")
    monkeypatch.setenv("ALERT_TEAM_URL", "json://localhost")
    assert outcome_words(delivery(WAITING, 0), team) == "The test to team is still under way."
