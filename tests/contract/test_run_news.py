"""What is told of a run that has ended, on both engines: from the ledger alone, and once."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from run_support import BEGAN, call

from tracking import Ledger
from tracking.alerts.destinations import AlertConfig
from tracking.crew.run_news import news_of
from tracking.crew.watching import Watch
from tracking.domain.alert import AlertKind
from tracking.domain.run import Run, RunState
from tracking.ledger.runs import RunBook
from tracking.ledger.schema import alerts
from tracking.ledger.workers import Worker, WorkerList
from tracking.settings import Settings

CONFIG = AlertConfig("http://127.0.0.1:8501", timedelta(hours=1))


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        yield opened


def ended(ledger, run_id="r", state=RunState.COMPLETED, *, seconds=38, nano=(), at=BEGAN, **fields):
    """A run of the preset Monthly with calls that cost so many nano-dollars each."""
    known = {"preset": "monthly", "spec": {"model": "openai-mini"}, **fields}
    run = Run(
        run_id=run_id,
        name="Monthly",
        state=state,
        created_at=at,
        started_at=at,
        finished_at=at + timedelta(seconds=seconds),
        **known,
    )
    RunBook(ledger).add(run)
    ledger.append_all(call(n, nano=each, run_id=run_id, started_at=at) for n, each in enumerate(nano))
    return run


def history(ledger, count=8, **fields):
    for number in range(count):
        at = BEGAN - timedelta(hours=count - number)
        ended(ledger, f"before{number}", nano=(100_000_000 + number,), at=at, **fields)


def told(ledger, run):
    return [(alert.kind, alert.title) for alert in news_of(ledger, run)]


def test_of_a_run_that_went_well_nothing_is_told(ledger):
    history(ledger)
    assert news_of(ledger, ended(ledger, nano=(100_000_000,))) == []


def test_a_failed_run_is_told_with_its_error_and_what_it_spent(ledger):
    error = {"type": "ModelUnavailable", "message": "OPENAI_API_KEY is not set", "traceback": "secret.py"}
    [alert] = news_of(ledger, ended(ledger, state=RunState.FAILED, nano=(1_240_000_000,), error=error))
    assert (alert.kind, alert.key) == (AlertKind.RUN_FAILED, "run_failed:monthly:ModelUnavailable")
    assert alert.title == "Monthly failed: ModelUnavailable"
    assert alert.body == "OPENAI_API_KEY is not set\nAfter 38 s, 1 call, $1.24."
    assert alert.run_id == "r"


def test_a_lost_run_is_told_with_why(ledger):
    run = ended(ledger, state=RunState.LOST, stop_reason="its process was killed (SIGKILL)")
    [alert] = news_of(ledger, run)
    assert (alert.kind, alert.key) == (AlertKind.RUN_LOST, "run_lost:r")
    assert alert.title == "Monthly is lost: its process was killed (SIGKILL)"
    assert alert.body.startswith("After 38 s, without a billed call. Its calls are kept;")


def test_a_run_that_cost_and_took_far_more_than_usual_is_told(ledger):
    history(ledger)
    run = ended(ledger, nano=(200_000_000, 100_000_000), seconds=114)
    assert told(ledger, run) == [
        ("cost_anomaly", "Monthly cost $0.30, 3.0 times the usual $0.10"),
        ("duration_anomaly", "Monthly took 1 min 54 s, 3.0 times the usual 38 s"),
    ]


def test_runs_of_another_preset_or_model_or_that_did_not_complete_are_not_compared(ledger):
    history(ledger)
    for fields in ({"preset": "weekly"}, {"spec": {"model": "opus"}}):
        run = ended(ledger, str(fields), nano=(900_000_000,), seconds=999, **fields)
        assert news_of(ledger, run) == []


def test_seven_runs_are_too_few_to_know_what_is_usual(ledger):
    history(ledger, 7)
    assert news_of(ledger, ended(ledger, nano=(900_000_000,), seconds=999)) == []


def test_a_model_without_a_price_is_told_but_not_one_whose_usage_is_unknown(ledger):
    run = ended(ledger)
    ledger.append_all(
        [
            call(0, nano=None, run_id="r", request_model="new-model"),
            call(1, nano=None, run_id="r", request_model="new-model"),
            call(2, tokens=None, run_id="r", request_model="silent-model"),
        ]
    )
    [alert] = news_of(ledger, run)
    assert (alert.key, alert.title) == (
        "unpriced_model:openai/new-model",
        "new-model of openai has no known price",
    )
    assert alert.body.startswith("2 calls of Monthly can be in no total of money.")


def test_calls_that_the_tracker_lost_are_told(ledger):
    run = ended(ledger, evidence={"tracker": {"lost": 2, "errors": ["LedgerError", "LedgerError"]}})
    [alert] = news_of(ledger, run)
    assert (alert.key, alert.title) == ("tracker_lost_calls:r", "2 calls of Monthly could not be recorded")
    assert alert.body == "Its tokens and its cost are lower bounds. Errors: LedgerError."


def workers(ledger, *ids):
    for number, worker_id in enumerate(ids):
        started = BEGAN + timedelta(seconds=number)
        WorkerList(ledger).beat(Worker(worker_id, "host", 1, started, running=0, warm=True, versions={}))


def titles(ledger):
    with ledger.engine.connect() as connection:
        return list(connection.execute(sa.select(alerts.c.title).order_by(alerts.c.alert_id)).scalars())


def test_one_worker_tells_of_each_run_that_ends_and_of_none_that_ended_long_ago(ledger):
    workers(ledger, "first", "second")
    first, second = (Watch(Settings(), ledger, name) for name in ("first", "second"))
    now = datetime.now(UTC)
    ended(ledger, "old", RunState.LOST, at=now - timedelta(hours=2))
    ended(ledger, "new", RunState.LOST, at=now - timedelta(minutes=2), stop_reason="it died")
    for watch in (second, first, first, second):
        watch.look(CONFIG, now)
    assert titles(ledger) == ["Monthly is lost: it died"]
    ended(ledger, "next", RunState.LOST, at=now, stop_reason="so did it", seconds=1)
    WorkerList(ledger).leave("first")
    second.look(CONFIG, now + timedelta(seconds=2))
    second.look(CONFIG, now + timedelta(seconds=4))
    assert titles(ledger) == ["Monthly is lost: it died", "Monthly is lost: so did it"]


def test_a_run_that_nobody_foresaw_keeps_no_other_from_being_told_of(ledger):
    workers(ledger, "first")
    now = datetime.now(UTC)
    ended(ledger, "strange", at=now, seconds=1, evidence={"tracker": {"lost": "many"}})
    ended(ledger, "lost", RunState.LOST, at=now, seconds=2, stop_reason="it died")
    Watch(Settings(), ledger, "first").look(CONFIG, now)
    assert titles(ledger) == ["Monthly is lost: it died"]


def test_while_the_file_cannot_be_used_runs_wait_to_be_looked_at(ledger, tmp_path, monkeypatch):
    file = tmp_path / "alerts.toml"
    file.write_text("[destinations.team]\n")
    workers(ledger, "first")
    ended(ledger, "lost", RunState.LOST, at=datetime.now(UTC), seconds=0, stop_reason="it died")
    watch = Watch(Settings(config=tmp_path), ledger, "first")
    watch.start()
    time.sleep(3)
    assert titles(ledger) == []
    file.write_text("")
    deadline = time.monotonic() + 60
    while not titles(ledger) and time.monotonic() < deadline:
        workers(ledger, "first")  # it lives
        time.sleep(0.1)
    watch.stop()
    assert titles(ledger) == ["Monthly is lost: it died"]


def test_fifty_failures_of_one_kind_are_one_alert(ledger):
    workers(ledger, "first")
    now = datetime.now(UTC)
    for number in range(50):
        ended(ledger, f"r{number}", RunState.FAILED, at=now, seconds=1, error={"type": "AuthError"})
    ended(ledger, "other", RunState.FAILED, at=now, seconds=2, error={"type": "ValueError"})
    watch = Watch(Settings(), ledger, "first")
    watch.look(replace(CONFIG), now)
    watch.look(replace(CONFIG), now + timedelta(seconds=2))
    assert titles(ledger) == ["Monthly failed: AuthError", "Monthly failed: ValueError"]
