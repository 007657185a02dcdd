"""Alerts reach a real webhook and a real mail server, each once, also when those were away for a while."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Barrier, Thread
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from receivers import MailServer, Webhook

from tracking import Ledger
from tracking.alerts.book import AlertBook
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import AlertConfig, Destination
from tracking.alerts.post import Message, post
from tracking.alerts.quiet import QuietHours
from tracking.domain.alert import Alert, AlertKind
from tracking.ledger.schema import alert_deliveries

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAILED = Alert(AlertKind.RUN_FAILED, "run_failed:monthly", "Monthly failed: ValueError", "After 38 s.", "r1")
LOST = Alert(AlertKind.RUN_LOST, "run_lost:r2", "Weekly is lost", "Its calls are kept.", "r2")
TEAM = Destination("team", "ALERT_TEAM_URL")
CONFIG = AlertConfig("https://swarm.example.com", timedelta(hours=1), (TEAM,))


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        yield opened


@pytest.fixture
def file_ledger(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        yield opened


@pytest.fixture
def webhook(monkeypatch):
    server = Webhook()
    monkeypatch.setenv("ALERT_TEAM_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def mail(monkeypatch):
    server = MailServer()
    monkeypatch.setenv("ALERT_TEAM_URL", server.url)
    yield server
    server.stop()


class Heard:
    """Stands at the other end instead of Apprise, where only the ledger's side is under test."""

    def __init__(self, problem=None):
        self.titles, self.bodies, self.problem = [], [], problem

    def __call__(self, url, message):
        self.titles.append(message.title)
        self.bodies.append(message.body)
        return self.problem


def deliveries(ledger):
    with ledger.engine.connect() as connection:
        query = sa.select(alert_deliveries).order_by(alert_deliveries.c.alert_id)
        return [dict(row) for row in connection.execute(query).mappings()]


def one(ledger):
    [row] = deliveries(ledger)
    return row


def due_at(ledger):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=one(ledger)["due_at"])


def test_a_webhook_gets_title_body_and_a_link_to_the_run(ledger, webhook):
    webhook.start()
    AlertBook(ledger, CONFIG).add(FAILED, at=NOW)
    assert Courier(ledger).deliver(CONFIG, NOW) == 1
    assert webhook.messages == [
        ("Monthly failed: ValueError", "After 38 s.\n\nhttps://swarm.example.com/runs?run=r1")
    ]
    row = one(ledger)
    assert (row["state"], row["attempts"], row["problem"]) == ("sent", 1, None)
    assert Courier(ledger).deliver(CONFIG, NOW + timedelta(days=2)) == 0


def test_a_mail_server_gets_subject_text_and_link(file_ledger, mail):
    mail.start()
    AlertBook(file_ledger, CONFIG).add(LOST, at=NOW)
    Courier(file_ledger).deliver(CONFIG, NOW)
    [(subject, text)] = mail.messages
    assert subject == "Weekly is lost"
    assert "Its calls are kept." in text
    assert "https://swarm.example.com/runs?run=r2" in text
    assert one(file_ledger)["state"] == "sent"


@pytest.mark.parametrize("kind", ["webhook", "mail"])
def test_what_could_not_be_told_is_told_once_when_the_server_is_back(kind, file_ledger, request):
    server = request.getfixturevalue(kind)
    AlertBook(file_ledger, CONFIG).add(FAILED, at=NOW)
    courier, at = Courier(file_ledger, chance=Random(1)), NOW
    for attempt, seconds in ((1, 30), (2, 60)):
        assert courier.deliver(CONFIG, at) == 1
        row = one(file_ledger)
        assert (row["state"], row["attempts"]) == ("waiting", attempt)
        assert "onnection error" in row["problem"]
        wait = due_at(file_ledger) - at
        assert 0.8 * seconds <= wait.total_seconds() <= 1.2 * seconds
        assert courier.deliver(CONFIG, due_at(file_ledger) - timedelta(microseconds=1)) == 0
        at = due_at(file_ledger)
    server.start()
    assert courier.deliver(CONFIG, at) == 1
    assert courier.deliver(CONFIG, at + timedelta(days=1)) == 0
    assert len(server.messages) == 1
    assert (one(file_ledger)["state"], one(file_ledger)["attempts"]) == ("sent", 3)


def test_a_server_that_answers_500_is_asked_again_and_its_problem_says_so_without_the_address(
    file_ledger, webhook
):
    webhook.start().status = 500
    AlertBook(file_ledger, CONFIG).add(FAILED, at=NOW)
    Courier(file_ledger).deliver(CONFIG, NOW)
    row = one(file_ledger)
    assert (webhook.refused, row["state"]) == (1, "waiting")
    assert "500" in row["problem"]
    for secret in ("hunter2secret", "T0PSECRETTOKEN", "robot", "127.0.0.1"):
        assert secret not in row["problem"]


@pytest.mark.parametrize(
    "url",
    [
        "json://robot:hunter2secret@127.0.0.1:1/hooks/T0PSECRETTOKEN?+X-Key=deepsecret",
        "mailto://robot:hunter2secret@127.0.0.1:1/?smtp=127.0.0.1&to=T0PSECRETTOKEN@example.com&mode=insecure",
        "nonsense://robot:hunter2secret@T0PSECRETTOKEN/deepsecret",
        "slack://T0PSECRETTOKEN/hunter2secret",
        "hunter2secret T0PSECRETTOKEN",
    ],
)
def test_no_problem_ever_holds_a_part_of_the_address(url):
    problem = post(url, Message("t", "b"))
    assert problem
    for secret in ("hunter2secret", "t0psecrettoken", "deepsecret", "robot"):
        assert secret not in problem.lower()


def test_who_takes_too_long_is_not_waited_for(webhook):
    assert post(webhook.url, Message("t", "b"), limit=0.01) == "no answer within 0 seconds"


def test_after_a_day_of_trying_it_is_given_up_with_its_last_problem(ledger, webhook):
    AlertBook(ledger, CONFIG).add(FAILED, at=NOW)
    heard, at = Heard("the server is away"), NOW
    courier = Courier(ledger, send=heard, chance=Random(1))
    while one(ledger)["state"] != "given up":
        at = due_at(ledger)
        courier.deliver(CONFIG, at)
    assert len(heard.titles) == 15
    assert timedelta(hours=19) < at - NOW < timedelta(hours=30)
    assert one(ledger)["problem"] == "the server is away"


def test_of_many_workers_one_sends_each_alert(ledger, webhook):
    book = AlertBook(ledger, CONFIG)
    for number in range(60):
        book.add(Alert(AlertKind.RUN_LOST, f"run_lost:{number}", f"run {number} is lost"), at=NOW)
    heard, ready = Heard(), Barrier(4)

    def work():
        courier = Courier(ledger, send=heard)
        ready.wait()
        for _ in range(5):
            courier.deliver(CONFIG, NOW)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = "\n".join([*heard.titles, *heard.bodies])
    assert [told.count(f"run {number} is lost") for number in range(60)] == [1] * 60
    assert {(row["state"], row["attempts"]) for row in deliveries(ledger)} == {("sent", 1)}


MANY = """
import sys
from datetime import datetime
from tracking import Ledger
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import AlertConfig, Destination
config = AlertConfig("http://x", destinations=(Destination("team", "ALERT_TEAM_URL"),))
with Ledger.open(sys.argv[1]) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    courier = Courier(ledger)
    while courier.deliver(config, datetime.fromisoformat(sys.argv[2])):
        pass
"""


def test_of_two_worker_processes_one_sends_each_alert_to_a_real_webhook(ledger, database_url, webhook):
    webhook.start()
    book = AlertBook(ledger, CONFIG)
    for number in range(100, 200):
        book.add(Alert(AlertKind.RUN_LOST, f"run_lost:{number}", f"run {number} is lost"), at=NOW)
    command = [sys.executable, "-c", MANY, database_url, NOW.isoformat()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as one_worker, subprocess.Popen(command, **pipes) as other:
        for worker in (one_worker, other):
            assert worker.stdout.readline() == "ready\n"
        for worker in (one_worker, other):
            worker.stdin.write("go\n")
            worker.stdin.flush()
    told = "\n".join(f"{title}\n{body}" for title, body in webhook.messages)
    assert [told.count(f"run {number} is lost") for number in range(100, 200)] == [1] * 100
    assert {(row["state"], row["attempts"]) for row in deliveries(ledger)} == {("sent", 1)}


SENDER = """
import sys, time
from datetime import datetime
from tracking import Ledger
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import AlertConfig, Destination
config = AlertConfig("http://x", destinations=(Destination("team", "ALERT_TEAM_URL"),))
def hang(url, message):
    print("sending", flush=True)
    time.sleep(600)
Courier(Ledger.open(sys.argv[1]), send=hang).deliver(config, datetime.fromisoformat(sys.argv[2]))
"""


def test_what_a_killed_worker_was_sending_is_sent_by_another(ledger, database_url, webhook):
    AlertBook(ledger, CONFIG).add(FAILED, at=NOW)
    command = [sys.executable, "-c", SENDER, database_url, NOW.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout.readline() == "sending\n"
        worker.kill()
    heard = Heard()
    courier = Courier(ledger, send=heard)
    assert one(ledger)["state"] == "sending"
    assert courier.deliver(CONFIG, NOW + timedelta(minutes=4)) == 0  # it might still live
    assert courier.deliver(CONFIG, NOW + timedelta(minutes=5)) == 1
    assert courier.deliver(CONFIG, NOW + timedelta(minutes=11)) == 0
    assert heard.titles == ["Monthly failed: ValueError"]
    assert (one(ledger)["state"], one(ledger)["attempts"]) == ("sent", 2)


BERLIN = ZoneInfo("Europe/Berlin")
SLEEPER = Destination(
    "sleeper",
    "ALERT_TEAM_URL",
    quiet=QuietHours.of("22:00-07:00", BERLIN),
    urgent=frozenset({AlertKind.BUDGET_REFUSED}),
)
NIGHTLY = AlertConfig("http://127.0.0.1:8501", timedelta(hours=1), (SLEEPER,))


def test_quiet_hours_delay_alerts_and_then_tell_them_in_one(ledger, webhook):
    book, heard = AlertBook(ledger, NIGHTLY), Heard()
    courier = Courier(ledger, send=heard)
    evening = datetime(2026, 11, 22, 22, 30, tzinfo=BERLIN)
    refused = Alert(AlertKind.BUDGET_REFUSED, "budget:day", "The day's budget is spent")
    for alert, at in ((FAILED, evening), (LOST, evening + timedelta(hours=3)), (refused, evening)):
        book.add(alert, at=at)
    courier.deliver(NIGHTLY, evening + timedelta(hours=4))
    assert heard.titles == ["The day's budget is spent"]  # urgent
    morning = datetime(2026, 11, 23, 7, tzinfo=BERLIN)
    courier.deliver(NIGHTLY, morning - timedelta(microseconds=1))
    assert len(heard.titles) == 1
    courier.deliver(NIGHTLY, morning)
    assert heard.titles[1:] == ["2 alerts since 22 Nov, 22:30 CET"]
    assert heard.bodies[1] == (
        "22:30 Monthly failed: ValueError\nhttp://127.0.0.1:8501/runs?run=r1\n\n"
        "01:30 Weekly is lost\nhttp://127.0.0.1:8501/runs?run=r2"
    )
    assert {row["state"] for row in deliveries(ledger)} == {"sent"}


def test_what_nobody_may_be_told_of_any_more_is_given_up(ledger, monkeypatch):
    AlertBook(ledger, CONFIG).add(FAILED, at=NOW)
    Courier(ledger, send=Heard()).deliver(AlertConfig("http://x"), NOW)
    assert one(ledger)["state"] == "given up"
    assert one(ledger)["problem"] == "there is no destination team in config/alerts.toml any more"


def test_without_the_variable_another_worker_is_waited_for_a_day(ledger, monkeypatch):
    monkeypatch.delenv("ALERT_TEAM_URL", raising=False)
    AlertBook(ledger, CONFIG).add(FAILED, at=NOW)
    courier = Courier(ledger, send=Heard())
    courier.deliver(CONFIG, NOW + timedelta(days=1))
    assert one(ledger)["state"] == "waiting"
    courier.deliver(CONFIG, NOW + timedelta(days=1, microseconds=1))
    assert one(ledger)["state"] == "given up"
    assert one(ledger)["problem"] == "no worker has the variable ALERT_TEAM_URL"


def test_a_test_is_tried_once_at_any_hour(ledger, webhook):
    test = Alert(AlertKind.TEST, "test", "A test")
    night = datetime(2026, 11, 22, 23, tzinfo=BERLIN)
    added = AlertBook(ledger, NIGHTLY).add_test(SLEEPER, test, at=night)
    assert Courier(ledger, send=Heard("it is away")).deliver(NIGHTLY, night, alert_id=added) == 1
    assert (one(ledger)["state"], one(ledger)["problem"]) == ("given up", "it is away")


def test_where_one_message_fails_the_rest_waits_untried(ledger, webhook):
    book = AlertBook(ledger, CONFIG)
    for number in range(45):
        book.add(Alert(AlertKind.RUN_LOST, f"run_lost:{number}", f"run {number} is lost"), at=NOW)
    heard = Heard("it is away")
    assert Courier(ledger, send=heard).deliver(CONFIG, NOW) == 1
    assert len(heard.titles) == 1
    assert [row["attempts"] for row in deliveries(ledger)] == [1] * 20 + [0] * 25
    assert min(row["due_at"] for row in deliveries(ledger)) > (NOW.timestamp() + 20) * 1_000_000
