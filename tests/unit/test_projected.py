from dataclasses import replace
from datetime import timedelta

from run_support import BEGAN, call, run, tasks, three_calls

from tracking.analysis.projection import PastRun, Used
from tracking.domain.run import RunState
from tracking.report.account import account_of
from tracking.report.breakdown import Dimension, breakdown
from tracking.report.projected import outlook, standing_of


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def said(runs, account, now):
    return outlook(runs, account, breakdown(account.calls, Dimension.TASK), at(now))


def past(seconds, *, tokens=1275, nano=360_000):
    ended = {"market_research": timedelta(seconds=12), "data_analysis": timedelta(seconds=24)}
    return PastRun(
        timedelta(seconds=seconds),
        {**ended, "report": timedelta(seconds=seconds)},
        {"market_research": Used(380, 120_000)},
        Used(tokens, nano),
    )


def going(calls=None, *, now=20, **changes):
    """A run whose first task is done after 12 s."""
    record = run(RunState.RUNNING, **changes)
    progress = tasks(RunState.COMPLETED, RunState.RUNNING, RunState.QUEUED)
    return account_of(record, progress, three_calls()[:1] if calls is None else calls, at(now))


def test_a_run_stands_where_its_last_task_ended():
    found = standing_of(going(three_calls()[:2]), breakdown(three_calls()[:2], Dimension.TASK))
    assert (found.done, found.done_at) == ({"market_research"}, at(12))
    assert (found.of_done, found.whole) == (Used(380, 120_000), Used(805, 240_000))


def test_the_outlook_is_a_range():
    runs = [past(36), past(40, tokens=2_000, nano=500_000), past(44, tokens=24_680)]
    assert said(runs, going(), 20) == (
        "Projected, as 3 earlier runs went: ends in 16 s to 24 s, "
        "in all 1,280 to 24,700 tokens, $0.00036 to $0.0005."
    )


def test_where_earlier_runs_were_the_same_there_is_one_figure():
    assert said([past(36)] * 3, going(), 20) == (
        "Projected, as 3 earlier runs went: ends in 16 s, in all 1,280 tokens, $0.00036."
    )


def test_the_end_may_be_near_or_overdue():
    runs = [past(36), past(36), past(44)]
    assert "ends within 4.0 s" in said(runs, going(), 40)
    late = said(runs, going(), 90)
    assert "it took longer than they did, and may end at any moment" in late


def test_too_little_history_says_so():
    assert said([past(36)], going(), 20) == (
        "Projected end and total: not known yet, for it needs 3 completed runs like this one, and there is 1."
    )


def test_what_is_not_known_is_not_projected():
    text = said([past(36)] * 3, going([call(0, tokens=None)]), 20)
    assert text.endswith("in all tokens not known, cost not known.")


def test_of_a_crew_of_ones_own_and_a_run_that_waits_nothing_is_said():
    assert said([], going(spec={}), 20) is None
    waiting = replace(going(), run=run(RunState.QUEUED, started_at=None))
    assert said([], waiting, 20) is None
