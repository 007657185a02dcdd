from datetime import timedelta
from decimal import Decimal

import pytest
from run_support import BEGAN, CREW, call, refused, run, tasks, three_calls

from tracking.domain.call import totals
from tracking.domain.run import RunState
from tracking.report.account import account_of
from tracking.report.breakdown import Dimension, breakdown, breakdown_note, calls_of, tokens_by_task

LATER = BEGAN + timedelta(hours=1)


def account(record, calls=()):
    return account_of(record, tasks(RunState.COMPLETED), calls, LATER)


@pytest.mark.parametrize("by", list(Dimension))
def test_every_breakdown_adds_up_to_the_run(by):
    calls = [
        *three_calls(),
        call(3, agent=None, task=None, response_model="gpt-4o"),
        call(4, tokens=None),
        refused(5),
    ]
    lines = breakdown(calls, by)
    whole = account(run(), calls).totals
    assert sum(line.totals.usage.total_tokens or 0 for line in lines) == whole.usage.total_tokens == 1695
    assert sum(line.totals.requests for line in lines) == whole.requests == 5
    assert sum(line.totals.failed_requests for line in lines) == whole.failed_requests == 1
    assert sum((line.totals.cost.amount or Decimal(0)) for line in lines) == whole.cost.amount
    for line in lines:  # the calls that its receipt is made of
        assert totals(calls_of(calls, by, line)) == line.totals


def test_a_run_that_was_cut_off_says_so_beside_its_breakdown():
    shown = account(run(RunState.LOST), three_calls())
    assert breakdown_note(shown, Dimension.AGENT) == "An open call may be missing here."


def test_a_task_that_was_cut_off_or_not_reported_used_at_least_what_is_known():
    progress = tasks(RunState.COMPLETED, RunState.COMPLETED, RunState.LOST)
    calls = [*three_calls(), call(3, *CREW[0], tokens=None)]
    cut = account_of(run(RunState.LOST), progress, calls, LATER)
    assert tokens_by_task(cut) == {"market_research": "≥ 380", "data_analysis": "425", "report": "≥ 470"}
    whole = account_of(run(), tasks(*[RunState.COMPLETED] * 3), calls, LATER)
    assert tokens_by_task(whole)["report"] == "470"


def test_calls_of_nobody_are_told():
    calls = [*three_calls(), call(3, agent=None)]
    shown = account(run(), calls)
    assert [line.label for line in breakdown(calls, Dimension.AGENT)].count("unattributed") == 1
    assert breakdown_note(shown, Dimension.AGENT) == "1 call (420 tokens) could not be assigned to any agent."
    assert breakdown_note(shown, Dimension.TASK) is None


def test_tasks_are_called_as_they_are_said():
    assert [line.label for line in breakdown(three_calls(), Dimension.TASK)] == [
        "Report",
        "Data analysis",
        "Market research",
    ]
