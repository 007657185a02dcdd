"""A run that is followed: what changed is read, what did not is not read again, on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from run_support import BEGAN, call, run, tasks, three_calls

from tracking.domain.run import RunState
from tracking.domain.under_way import CallUnderWay
from tracking.ledger.following import Following
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.ledger.schema import calls
from tracking.ledger.under_way import UnderWay


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        RunBook(opened).add(run(RunState.RUNNING))
        RunBook(opened).set_tasks("run", tasks(RunState.COMPLETED, RunState.RUNNING))
        yield opened


@pytest.fixture
def asked(ledger):
    """Every statement that reads calls from now on."""
    found = []

    @sa.event.listens_for(ledger.engine, "before_cursor_execute")
    def _note(*arguments):
        statement = arguments[2]
        if "FROM calls" in statement and "count(" not in statement and "under_way" not in statement:
            found.append(statement)

    return found


def in_flight(call_id="run-7"):
    return CallUnderWay(
        call_id=call_id,
        run_id="run",
        started_at=BEGAN + timedelta(seconds=30),
        provider_name="openai",
        request_model="gpt-4o-mini",
        operation_name="chat",
    )


def test_a_look_has_the_run_with_its_tasks_calls_and_those_under_way(ledger):
    for each in three_calls():
        ledger.append(each)
    UnderWay(ledger).say("run", [in_flight()])
    seen = Following(ledger, "run", 0).look()
    assert seen.run == ledger.run("run")
    assert seen.tasks == tuple(tasks(RunState.COMPLETED, RunState.RUNNING))
    assert seen.calls == tuple(three_calls())
    assert seen.under_way == (in_flight(),)


def test_calls_are_read_once_whatever_comes_later(ledger, asked):
    following = Following(ledger, "run", 0)
    ledger.append(three_calls()[0])
    first = following.look().calls
    asked.clear()
    assert following.look().calls is first
    assert asked == []
    late = call(9, started_at=BEGAN - timedelta(seconds=5))
    ledger.append(late)
    assert following.look().calls == (late, three_calls()[0])
    assert following.look().calls == (late, *first)


def test_a_call_that_was_deleted_is_no_longer_seen(ledger):
    following = Following(ledger, "run", 0)
    for each in three_calls():
        ledger.append(each)
    assert len(following.look().calls) == 3
    with ledger.engine.begin() as connection:
        connection.execute(calls.delete().where(calls.c.call_id == "run-1"))
    assert [each.call_id for each in following.look().calls] == ["run-0", "run-2"]


def test_other_viewers_share_a_look_for_a_moment(ledger):
    now = [100.0]
    following = Following(ledger, "run", 0.5, clock=lambda: now[0])
    seen = following.look()
    ledger.append(three_calls()[0])
    now[0] += 0.25
    assert following.look() is seen
    now[0] += 0.25
    assert len(following.look().calls) == 1


def test_a_run_that_was_told_to_stop_is_seen_so_at_once(ledger):
    following = Following(ledger, "run", 0.5, clock=lambda: 100.0)
    seen = following.look()
    RunBook(ledger).beat("run")
    assert following.look() is seen
    RunBook(ledger).request_stop("run")
    assert following.look().run.stop_requested_at is not None


def test_a_run_that_has_ended_has_nothing_under_way_whatever_its_process_said_last(ledger):
    UnderWay(ledger).say("run", [in_flight()])
    RunBook(ledger).finish("run", RunState.LOST)
    assert Following(ledger, "run", 0).look().under_way == ()


def test_a_call_that_ended_is_not_under_way(ledger):
    UnderWay(ledger).say("run", [in_flight("run-0"), in_flight()])
    ledger.append(three_calls()[0])
    seen = Following(ledger, "run", 0).look()
    assert [each.call_id for each in seen.under_way] == ["run-7"]
    assert seen.calls == (three_calls()[0],)


def test_a_run_that_is_not_there_is_none(ledger):
    assert Following(ledger, "elsewhere", 0).look() is None


def test_earlier_runs_of_the_kind_are_found_with_what_their_tasks_used(ledger):
    from tracking.report.projected import earlier_runs

    for number in range(3):
        past = replace(run(run_id=f"past-{number}"), finished_at=BEGAN + timedelta(seconds=38 + number))
        RunBook(ledger).add(past)
        RunBook(ledger).set_tasks(past.run_id, tasks(*[RunState.COMPLETED] * 3))
        for each in three_calls(past.run_id):
            ledger.append(each)
    RunBook(ledger).add(run(run_id="other", spec={**run().spec, "model": "openai-mini"}))
    found = earlier_runs(ledger, RunBook(ledger), ledger.run("run"))
    assert sorted(each.duration.total_seconds() for each in found) == [38, 39, 40]
    for each in found:
        assert each.ended["data_analysis"] == timedelta(seconds=24)
        assert (each.tasks["report"].tokens, each.tasks["report"].nano_usd) == (470, 120_000)
        assert (each.whole.tokens, each.whole.nano_usd) == (1275, 360_000)
