"""The Health page, driven through the dashboard as a person does."""

from datetime import UTC, datetime, timedelta

import pytest
from run_support import BEGAN, call, keep, run
from streamlit.testing.v1 import AppTest

from tracking.errors import LedgerError
from tracking.ledger.ledger import Ledger
from tracking.ledger.retention import Retention
from tracking.ledger.workers import Worker, WorkerList
from tracking.settings import REPOSITORY, Settings

PAGE = "tracking/ui/pages/health.py"


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


def health():
    test = AppTest.from_file(REPOSITORY / "dashboard.py", default_timeout=60).run()
    test.switch_page(PAGE)
    test.run()
    assert not test.exception
    return test


def used():
    """Two calls of November and one of October."""
    keep(run(), [call(0), call(1), call(2, started_at=BEGAN - timedelta(days=40))])


def opened():
    return Ledger.open(Settings().ledger_url)


def text(test):
    kinds = (test.title, test.subheader, test.markdown, test.caption, test.warning, test.error, test.code)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def months(test):
    return test.dataframe[-1].value.set_index("Month")["Sums against calls"].to_dict()


def test_an_empty_ledger_is_sound():
    test = health()
    assert test.title[0].value == "The ledger is sound, and has no call yet"
    assert "There is nothing to add up yet." in text(test)
    assert "There is no month with calls yet." in text(test)


def test_it_says_where_the_ledger_is_how_large_and_whether_its_sums_agree():
    used()
    test = health()
    assert test.title[0].value.startswith("The ledger is sound: 3 calls, ")
    assert f"sqlite:///{Settings().home / 'ledger.sqlite'}" in text(test)
    assert [one.value for one in test.metric if one.label in {"Engine", "Calls", "Runs", "Waiting"}] == [
        "SQLite", "3", "1", "0",
    ]  # fmt: skip
    assert "all calls add up to the same" in text(test)
    assert "the newest runs add up to the same" in text(test)
    assert "None reports at the moment" in text(test)
    assert "Every call stays in the database" in text(test)
    assert set(months(test).values()) == {"not compared yet"}


def test_a_password_is_not_shown(postgres_url, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATABASE_URL", postgres_url.replace("postgres@", "postgres:secret@"))
    test = health()
    assert "secret" not in text(test)
    assert "postgres:***@127.0.0.1" in text(test)
    assert test.metric[0].value == "PostgreSQL"


def test_months_are_compared_with_their_calls_and_what_differs_is_made_anew():
    used()
    with opened() as ledger:
        ledger.catch_up()
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE usage_by_agent SET requests = requests + 1 "
                "WHERE start >= (SELECT MAX(started_at) FROM calls) - 86400000000 * 21"
            )
    test = health()
    test.button(key="check").click().run()
    assert not test.exception
    assert test.title[0].value.startswith("Sums of November 2026 are not what the calls add up to")
    found = months(test)
    assert found["October 2026"] == "adds up"
    assert "usage_by_agent" in found["November 2026"]
    test.button(key="rebuild").click().run()
    assert not test.exception
    assert test.title[0].value.startswith("The ledger is sound: 3 calls")
    assert set(months(test).values()) == {"adds up"}
    assert not [one for one in test.button if one.key == "rebuild"]


def test_sums_that_contradict_each_other_are_said_at_once():
    used()
    with opened() as ledger:
        ledger.catch_up()
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE usage_by_task SET cost_nano_usd = cost_nano_usd + 1")
    test = health()
    assert test.title[0].value.startswith("The ledger's sums contradict each other: 3 calls")
    assert "By task: the sums are not those by model." in text(test)


def test_months_that_have_left_the_database_are_listed(monkeypatch):
    used()
    monkeypatch.setenv("DASHBOARD_KEEP_CALLS_DAYS", "30")
    with opened() as ledger:
        Retention(ledger).move_out(BEGAN - timedelta(days=40))
    test = health()
    assert months(test)["October 2026"] == "its calls are not here to compare"
    assert "Archive" in [one.label for one in test.metric]
    assert "1 archived file in" in text(test)
    assert "leave the database 30 days after their month has ended" in text(test)
    assert test.title[0].value.startswith("The ledger is sound: 3 calls")


def test_workers_are_listed_with_what_they_differ_in():
    now = datetime.now(UTC)
    with opened() as ledger:
        for number, version in enumerate(("1.15.30", "1.16.0")):
            WorkerList(ledger).beat(
                Worker(str(number), f"host{number}", number, now, 0, warm=True, versions={"crewai": version})
            )
    said = text(health())
    assert "host0 · process 0 · 0 runs now" in said
    assert "Workers differ in crewai" in said


def test_the_ledgers_chip_leads_here():
    test = health()
    assert "Its health" in [one.label for one in test.sidebar.get("page_link")]


def test_a_ledger_that_cannot_be_read_is_explained(monkeypatch):
    used()

    def broken(*_, **__):
        raise LedgerError("the database sqlite:///x failed: disk I/O error")

    monkeypatch.setattr(Ledger, "sums", broken)
    test = health()
    assert "disk I/O error" in test.error[0].value
