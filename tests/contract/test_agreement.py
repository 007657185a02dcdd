"""What the Health page says of a ledger: how large it is, and whether its sums agree, on both engines."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from run_support import call, refused, run

from tracking import Ledger
from tracking.ledger.agreement import agreements
from tracking.ledger.places import place_of
from tracking.ledger.retention import Retention
from tracking.ledger.runs import RunBook
from tracking.ledger.sizes import sizes_of

NEW_YORK = ZoneInfo("America/New_York")
FIRST = datetime(2026, 2, 26, tzinfo=UTC)  # the clocks there change on 8 March


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        book = RunBook(opened)
        for number in range(3):
            book.add(run(run_id=f"r{number}"))
        for number in range(60):
            where = {"run_id": f"r{number % 4}", "started_at": FIRST + timedelta(hours=7 * number)}
            opened.append(refused(number, **where) if number % 9 == 0 else call(number, **where))
        opened.append(call(100, None, None, started_at=FIRST, nano=None))
        yield opened


def test_sums_by_anything_are_the_same(ledger):
    for _ in range(2):  # before they are added up, and after
        every, newest = agreements(ledger, NEW_YORK)
        assert every.holds
        assert newest.holds
        assert [side.by for side in every.sides] == [
            "model", "agent", "task", "model and agent", "price", "day", "day of UTC",
        ]  # fmt: skip
        assert every.sides[0].sums["requests"] == 54
        assert every.sides[0].sums["failed_requests"] == 7
        assert every.sides[0].sums["unpriced_requests"] == 1
        ledger.catch_up()
    assert [(side.by, side.groups) for side in newest.sides] == [
        ("run", 3), ("agent", 1), ("task", 1), ("model", 1),
    ]  # fmt: skip
    assert newest.sides[0].sums["requests"] == 39  # of r3 there is no record


def test_sums_that_were_changed_by_somebody_are_found(ledger):
    ledger.catch_up()
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE usage_by_task SET cost_nano_usd = cost_nano_usd + 1")
        connection.exec_driver_sql("UPDATE usage_by_run SET requests = requests + 1 WHERE run_id = 'r1'")
    every, newest = agreements(ledger, NEW_YORK)
    assert [side.by for side in every.odd] == ["task"]
    assert [side.by for side in newest.odd] == ["agent", "task", "model"]


def test_calls_that_have_left_the_database_stay_in_every_sum(ledger):
    Retention(ledger).move_out(FIRST)
    every, newest = agreements(ledger, NEW_YORK)
    assert every.holds
    assert every.sides[0].sums["requests"] == 54
    assert newest.sides == ()  # their calls are not all here to be compared


def test_an_empty_ledger_agrees_with_itself(database_url):
    with Ledger.open(database_url) as empty:
        every, newest = agreements(empty, NEW_YORK)
        assert every.holds
        assert newest.holds


def test_a_ledgers_size_is_measured(ledger, database_url):
    ledger.flush()
    found = sizes_of(ledger, database_url)
    assert (found.calls, found.runs, found.behind, found.journals) == (61, 3, 61, 0)
    assert found.database > 50_000
    ledger.catch_up()
    assert sizes_of(ledger, database_url).behind == 0


def test_calls_that_wait_on_disk_are_counted(ledger, database_url):
    folder = place_of(database_url, "journals")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1-dead.jsonl").write_bytes(b'["call_id"]\n["a"]\n["b"]\n["cut' + b"\0" * 1000)
    (folder / "2-dead.jsonl").write_bytes(b'["call_id"]\n')
    assert sizes_of(ledger, database_url).journals == 2
