"""`python -m tracking ledger` as a person types it."""

from datetime import UTC, datetime, timedelta

import pytest
from run_support import call
from typer.testing import CliRunner

from tracking import Ledger
from tracking.__main__ import app
from tracking.ledger.retention import Retention

LONG_AGO = datetime(2025, 1, 31, 23, 59, tzinfo=UTC)


@pytest.fixture
def ledger(database_url, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATABASE_URL", database_url)
    with Ledger.open(database_url) as opened:
        for number in range(4):
            opened.append(
                call(number, run_id=f"run-{number}", started_at=LONG_AGO + timedelta(seconds=30 * number))
            )
        opened.catch_up()
        yield opened


def said(*words, **options):
    result = CliRunner().invoke(app, ["ledger", *words], **options)
    return result.exit_code, result.output.splitlines()


def test_check_says_month_by_month_whether_the_sums_are_right_and_mends_them(ledger):
    assert said("check") == (0, ["January 2025: adds up", "February 2025: adds up"])
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM usage_by_run WHERE run_id = 'run-0'")
    wrong = "January 2025: 1 row of usage_by_run"
    assert said("check") == (1, [wrong, "February 2025: adds up"])
    assert said("check", "--mend") == (0, [wrong, "  made anew", "February 2025: adds up"])
    assert said("check") == (0, ["January 2025: adds up", "February 2025: adds up"])


def test_tidy_moves_out_what_stayed_long_enough_and_nothing_unless_it_is_asked_to(ledger, monkeypatch):
    assert said("tidy") == (
        0,
        ["Every call stays: keep_calls_days is not set in config/dashboard.toml."],
    )
    monkeypatch.setenv("DASHBOARD_KEEP_CALLS_DAYS", "100")
    assert said("tidy") == (0, ["left the database: 4 calls"])
    assert [part.name for part in Retention(ledger).archived()] == ["January 2025", "February 2025"]
    assert ledger.totals().requests == 4


def test_delete_asks_first(ledger):
    assert said("delete-run", "run-0", input="n\n")[0] == 1
    assert ledger.totals().requests == 4
    assert said("delete-run", "run-0", "--yes") == (0, ["gone: 1 call, 0 runs"])
    assert said("delete-range", "2025-02-01", "2025-02-02", "--yes") == (0, ["gone: 2 calls, 0 runs"])
    assert [each.run_id for each in ledger.calls()] == ["run-1"]
