"""Calls leave the database and come back, or are deleted for good; every sum stays that of the calls."""

import os
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from run_support import call

from tracking import Ledger
from tracking.domain.bill import bill
from tracking.domain.call import Purpose, totals
from tracking.domain.run import Run, RunState
from tracking.errors import LedgerError
from tracking.ledger.outputs import OutputStore, TaskOutput
from tracking.ledger.retention import Deleted, Retention
from tracking.ledger.runs import RunBook

FEBRUARY, MARCH, APRIL = (datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3, 4))
NEW_YORK = ZoneInfo("America/New_York")


def made():
    """Three runs: of February, over the end of it, and of March."""
    for run, begin in (
        ("old", FEBRUARY + timedelta(days=3)),
        ("over", MARCH - timedelta(minutes=2)),
        ("new", MARCH + timedelta(days=9)),
    ):
        for number in range(6):
            changes = {"tokens": None} if number == 4 else {"nano": None} if number == 5 else {}
            yield call(
                number,
                ("Analyst", "Writer")[number % 2],
                run_id=run,
                started_at=begin + timedelta(minutes=number),
                **changes,
            )


@pytest.fixture
def outputs(database_url):
    with closing(OutputStore.open(database_url.replace("ledger.sqlite", "outputs.sqlite"))) as store:
        yield store


@pytest.fixture
def ledger(database_url, outputs, monkeypatch, tmp_path):
    monkeypatch.setenv("DASHBOARD_HOME", str(tmp_path / "home"))
    with Ledger.open(database_url) as opened:
        book = RunBook(opened)
        for each in made():
            opened.append(each)
        for run_id in ("old", "over", "new"):
            began = next(each.started_at for each in made() if each.run_id == run_id)
            book.add(
                Run(run_id=run_id, name=run_id, created_at=began, finished_at=began, state=RunState.COMPLETED)
            )
            book.log(run_id, "info", "began")
            outputs.put(run_id, TaskOutput(0, "report", "Writer", f"secret words of {run_id}"))
        opened.catch_up()
        opened.daily(NEW_YORK, "requests")
        yield opened


@pytest.fixture
def retention(ledger, outputs):
    return Retention(ledger, outputs)


def everything(ledger):
    """What a person can ask."""
    since, until = FEBRUARY + timedelta(days=3, minutes=1), MARCH + timedelta(seconds=90)
    return (
        list(ledger.calls()),
        list(ledger.calls(run_id="over")),
        list(ledger.calls(since=since, until=until, agent_name="Writer")),
        ledger.totals(),
        ledger.totals(since=since, until=until),
        ledger.totals(by="agent_name", since=since, until=until),
        ledger.totals(by="purpose"),
        ledger.totals(by="agent_name", run_id="over"),
        ledger.totals(by="run_id", run_id=("old", "over")),
        ledger.daily(NEW_YORK, "requests", "cost_nano_usd", by=("agent_name",), since=since, until=until),
        ledger.daily(NEW_YORK, "requests", by=("purpose",)),
        ledger.percentiles("duration", 0.5, by=("agent_name",)),
        ledger.percentiles("input_tokens", 0.5, since=since, until=until),
        ledger.top_runs(3),
        ledger.bill(),
        ledger.bill(run_id="old"),
        sorted(map(str, ledger.columns("call_id", "cost_nano_usd", since=since)["call_id"])),
    )


def test_a_month_that_left_the_database_can_be_asked_as_before(ledger, retention):
    before = everything(ledger)
    assert retention.move_out(FEBRUARY) == 8  # six, and the first two of those over the end of the month
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM calls").scalar() == 10
    [part] = retention.archived()
    assert (part.name, part.calls) == ("February 2026", 8)
    assert re.fullmatch(r"calls-2026-02-0001-\w{6}\.parquet", part.file)
    assert part.bytes == (ledger.archive.folder / part.file).stat().st_size
    assert everything(ledger) == before


def test_a_month_comes_back_as_it_was(ledger, retention):
    before = everything(ledger)
    retention.move_out(FEBRUARY)
    assert retention.bring_back(FEBRUARY) == 8
    assert retention.archived() == []
    assert list(ledger.archive.folder.iterdir()) == []
    assert everything(ledger) == before
    assert ledger.catch_up() == 0
    assert [ledger.upkeep.check(month) for month in ledger.upkeep.months()] == [[], []]


def test_calls_that_come_late_for_a_month_that_left_are_counted_and_follow_it(ledger, retention):
    retention.move_out(FEBRUARY)
    late = call(9, run_id="old", started_at=FEBRUARY + timedelta(days=3, hours=1))
    ledger.append(late)
    every = [*made(), late]
    assert ledger.totals() == totals(every)
    assert sorted(c.call_id for c in ledger.calls()) == sorted(c.call_id for c in every)
    assert retention.move_out(FEBRUARY) == 1
    assert [part.number for part in retention.archived()] == [1, 2]
    assert ledger.totals() == totals(every)
    assert list(ledger.calls(run_id="old"))[-1] == late


def test_calls_that_come_again_after_their_month_has_left_are_counted_once(ledger, retention):
    retention.move_out(FEBRUARY)
    ledger.append(next(made()))
    assert ledger.append_all(made()) == 18
    assert ledger.totals() == totals(made())
    assert len(list(ledger.calls())) == 18
    assert retention.bring_back(FEBRUARY) == 8
    assert len(list(ledger.calls())) == 18


def test_a_month_whose_calls_are_not_kept_keeps_its_sums(ledger, retention):
    assert retention.move_out(FEBRUARY, keep=False) == 8
    assert not ledger.archive.folder.exists()
    assert ledger.totals() == totals(made())
    assert ledger.totals(by="run_id", run_id="old")["old"] == totals([c for c in made() if c.run_id == "old"])
    assert len(list(ledger.calls())) == 10
    with pytest.raises(LedgerError, match="the calls of February 2026 were not kept"):
        retention.delete_run("old")
    assert ledger.run("old") is not None


def test_what_cannot_be_told_without_the_calls_is_refused_and_not_told_of_the_rest(ledger, retention):
    retention.move_out(FEBRUARY, keep=False)
    with pytest.raises(LedgerError, match="February 2026 were not kept, only what they add up to"):
        ledger.totals(by="workflow_name")
    assert ledger.totals(by="workflow_name", since=MARCH)[None].requests == 10


def test_sums_of_a_month_that_has_left_are_not_made_anew_from_what_is_there(ledger, retention):
    """As when it leaves between being looked at and being mended."""
    [february, _] = ledger.upkeep.months()
    before = everything(ledger)
    retention.move_out(FEBRUARY)
    assert ledger.upkeep.check(february) == []
    with pytest.raises(LedgerError, match="calls of February 2026 were moved out"):
        ledger.upkeep.rebuild(february)
    assert everything(ledger) == before


def test_a_run_with_late_calls_of_a_month_that_left_is_deleted_with_all_others_kept(ledger, retention):
    retention.move_out(FEBRUARY)
    ledger.append(call(9, run_id="late", started_at=FEBRUARY + timedelta(days=3, hours=1)))
    assert retention.delete_run("late") == Deleted(0, 1)
    assert ledger.totals() == totals(made())
    assert sorted(c.call_id for c in ledger.calls()) == sorted(c.call_id for c in made())


def test_what_left_before_the_ledger_moved_to_another_server_counts_once(ledger, retention):
    """There transactions are numbered from the start, and files have the numbers of the old one."""
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("a SQLite file has its numbers with it")
    before = everything(ledger)
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE calls SET position = position + 1000000000000")
        connection.exec_driver_sql("UPDATE rollup_state SET watermark = watermark + 1000000000000")
    retention.move_out(FEBRUARY)
    url = ledger.engine.url.render_as_string(hide_password=False)
    with Ledger.open(url) as moved:
        assert everything(moved) == before
        assert Retention(moved).bring_back(FEBRUARY) == 8
        assert everything(moved) == before


def test_a_file_of_somebody_who_died_before_the_calls_left_is_swept_away(ledger, retention):
    ledger.archive.folder.mkdir(parents=True)
    old, young = (ledger.archive.folder / f"calls-2026-02-0001-{n}.parquet" for n in ("aaaaaa", "bbbbbb"))
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    retention.move_out(FEBRUARY)
    assert (old.exists(), young.exists()) == (False, True)
    assert ledger.totals(by="purpose") == {str(Purpose.CHAT): totals(made())}


def test_months_are_due_when_they_ended_long_enough_ago(retention):
    assert retention.due(30, MARCH + timedelta(days=30)) == [FEBRUARY]
    assert retention.due(30, MARCH + timedelta(days=29)) == []
    assert retention.due(30, APRIL + timedelta(days=30)) == [FEBRUARY, MARCH]


def test_a_file_that_is_not_here_is_named(ledger, retention):
    retention.move_out(FEBRUARY)
    [part] = retention.archived()
    (ledger.archive.folder / part.file).unlink()
    assert ledger.totals() == totals(made())
    with pytest.raises(
        LedgerError, match=r"the calls of February 2026 were moved to .*parquet, which is not"
    ):
        list(ledger.calls())
    assert len(list(ledger.calls(since=MARCH))) == 10


@pytest.mark.parametrize("moved", [False, True])
def test_a_deleted_run_is_in_no_sum_and_on_no_page(ledger, retention, outputs, moved):
    if moved:
        retention.move_out(FEBRUARY)
    assert retention.delete_run("over") == Deleted(runs=1, calls=6)
    left = [each for each in made() if each.run_id != "over"]
    assert sorted(c.call_id for c in ledger.calls()) == sorted(c.call_id for c in left)
    assert ledger.totals() == totals(left)
    assert ledger.bill() == bill(left)
    assert [run_id for run_id, _ in ledger.top_runs(9)] == ["new", "old"]
    assert ledger.run("over") is None
    assert RunBook(ledger).log_lines("over") == []
    assert (outputs.of("over"), len(outputs.of("old"))) == ([], 1)
    assert [ledger.upkeep.check(month) for month in ledger.upkeep.months()] == [[], []]


def test_a_deleted_range_takes_its_calls_and_the_runs_that_have_none_left(ledger, retention, outputs):
    deleted = retention.delete_range(FEBRUARY, MARCH)
    assert deleted == Deleted(runs=1, calls=8)
    left = [each for each in made() if each.started_at >= MARCH]
    assert ledger.totals() == totals(left)
    assert {run.run_id for run in ledger.runs()} == {"over", "new"}
    assert ledger.totals(by="run_id", run_id="over")["over"] == totals(
        [c for c in left if c.run_id == "over"]
    )
    assert outputs.of("old") == []
    assert [ledger.upkeep.check(month) for month in ledger.upkeep.months()] == [[]]


def test_a_run_that_has_not_ended_is_not_deleted(ledger, retention):
    book = RunBook(ledger)
    book.add(Run(run_id="runs", name="n", created_at=datetime.now(UTC)))
    with pytest.raises(LedgerError, match="run runs has not ended: stop it first"):
        retention.delete_run("runs")


def test_what_is_deleted_is_not_on_the_disk_any_more(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.append_all(call(n, "An Agent Nobody May Know", run_id="secret") for n in range(3_000))
        ledger.append(call(1, run_id="other"))
        ledger.catch_up()
        size = path.stat().st_size + Path(f"{path}-wal").stat().st_size
        Retention(ledger).delete_run("secret")
        after = path.read_bytes() + Path(f"{path}-wal").read_bytes()
        assert b"An Agent Nobody May Know" not in after
        assert len(after) < size / 4
