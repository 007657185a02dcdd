import random
from datetime import timedelta

import pytest
from run_support import BEGAN, CREW, call, refused, tasks, three_calls

from tracking.domain.call import Purpose, totals
from tracking.domain.run import RunState
from tracking.domain.under_way import CallUnderWay
from tracking.report.pauses import pauses, time_in
from tracking.report.waterfall import MOST_MARKS, MOST_ROWS, Gap, waterfall

DONE = tasks(*[RunState.COMPLETED] * 3)


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def seconds(number):
    return timedelta(seconds=number)


def drawn(calls, progress=(), under_way=(), now=36):
    return waterfall(calls, progress, under_way, BEGAN, at(now))


def timed(number, begin, length, **changes):
    return call(number, started_at=at(begin), duration=length, **changes)


def in_flight(begin, *, tokens=None, agent="Report Writer", task="report"):
    return CallUnderWay(
        call_id="open",
        run_id="run",
        started_at=at(begin),
        provider_name="openai",
        request_model="gpt-4o-mini",
        operation_name="chat",
        agent_name=agent,
        task_name=task,
        output_tokens=tokens,
    )


def many(count, rows, models=1):
    chance = random.Random(1)
    return [
        timed(
            number,
            chance.uniform(0, 3000),
            chance.uniform(0.1, 4),
            agent=f"Agent {number % rows}",
            task=f"task_{number % rows}",
            tokens=(number, 1),
            response_model=f"model-{chance.randrange(models)}",
        )
        for number in range(count)
    ]


def test_each_task_and_agent_has_a_row_in_the_order_of_the_tasks():
    found = drawn([*reversed(three_calls()), call(5, "Market Research Analyst", "report")], DONE)
    assert [(row.agent_name, row.task_name) for row in found.rows] == [
        *CREW,
        ("Market Research Analyst", "report"),
    ]
    assert [(mark.row, mark.begin, mark.end) for mark in found.marks[:2]] == [
        (0, seconds(1), seconds(10.5)),
        (1, seconds(13), seconds(22.5)),
    ]
    assert found.joined is None


def test_failed_and_repeated_calls_are_marked():
    [first, second] = drawn([refused(0), call(1, purpose=Purpose.RETRY)]).marks
    assert (first.failed, first.retried) == (1, 0)
    assert (second.failed, second.retried) == (0, 1)


def test_time_inside_a_task_between_its_calls_is_a_gap():
    found = drawn([timed(0, 2, 3), timed(1, 4, 2), timed(2, 8, 4)], tasks(RunState.COMPLETED)[:0] or DONE)
    # the second task has the calls, from 12 s on: what was before it is no pause of its own
    assert found.gaps == (Gap(0, seconds(12), seconds(24)),)


def test_pauses_are_exact_and_end_where_the_task_does():
    calls = [timed(0, 13, 3), timed(1, 15, 2), timed(2, 20, 2)]
    found = pauses(calls, DONE, (), BEGAN, at(40))
    own = [(pause.begin, pause.end) for pause in found if pause.task.task_name == "data_analysis"]
    assert own == [(seconds(12), seconds(13)), (seconds(17), seconds(20)), (seconds(22), seconds(24))]
    assert time_in(found)["data_analysis"] == seconds(6)
    assert time_in(found)["report"] == seconds(12)


def test_a_call_under_way_reaches_until_now_and_is_no_pause():
    running = tasks(RunState.COMPLETED, RunState.COMPLETED, RunState.RUNNING)
    found = drawn(three_calls()[:2], running, [in_flight(24, tokens=17)], now=31)
    [mark] = [mark for mark in found.marks if mark.running]
    assert (found.rows[mark.row].task_name, mark.begin, mark.end) == ("report", seconds(24), seconds(31))
    assert (mark.expected, mark.sums) == (17, totals(()))
    assert [gap for gap in found.gaps if gap.row == mark.row] == []


def test_calls_at_the_same_time_stand_below_one_another():
    found = drawn([timed(0, 0, 5), timed(1, 1, 5), timed(2, 6, 1), *[timed(n, 10, 5) for n in range(3, 9)]])
    assert [mark.lane for mark in found.marks] == [0, 1, 0, 0, 1, 2, 3, 3, 3]
    assert {mark.lanes for mark in found.marks} == {4}


@pytest.mark.parametrize(
    ("count", "rows", "models"), [(301, 1, 1), (1_000, 5, 2), (10_000, 12, 3), (3_000, 60, 8)]
)
def test_of_many_calls_few_marks_are_drawn_and_every_sum_is_kept(count, rows, models):
    calls = [*many(count, rows, models), refused(count), call(count + 1, purpose=Purpose.RETRY)]
    found = drawn(calls, now=3100)
    assert len(found.marks) <= MOST_MARKS
    assert len(found.rows) <= MOST_ROWS
    assert sum(mark.calls for mark in found.marks) == count + 2
    assert (sum(m.failed for m in found.marks), sum(m.retried for m in found.marks)) == (1, 1)
    whole = totals(calls)
    sums = totals(())
    for mark in found.marks:
        sums += mark.sums
    assert sums == whole
    assert found.joined is not None
    assert max(mark.end for mark in found.marks) == max(each.ended_at for each in calls) - BEGAN


def test_as_many_marks_are_kept_apart_as_may_be():
    assert len(drawn(many(1_000, 3), now=3100).marks) == MOST_MARKS


def test_rows_beyond_the_last_stand_together():
    found = drawn(many(120, 60), now=3100)
    assert len(found.rows) == MOST_ROWS
    assert found.rows[-1].more == 21
    assert sum(mark.calls for mark in found.marks if mark.row == MOST_ROWS - 1) == 42


def test_without_calls_there_is_nothing_to_draw():
    assert drawn([]).marks == ()
