import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest
from run_support import BEGAN, agreeing, call, estimated, refused, refuted, run, tasks, three_calls

from tracking.domain.call import totals
from tracking.domain.cost import Cost, CostState
from tracking.domain.reading import Reading, Source
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import RunState
from tracking.ui.account import (
    Dimension,
    account_of,
    breakdown,
    breakdown_note,
    cut_short,
    headline,
    part_of_sums,
    reason,
    tiles,
    tokens_of_sums,
)

LATER = BEGAN + timedelta(hours=1)


def account(record, calls=()):
    return account_of(record, tasks(RunState.COMPLETED), calls, LATER)


def summary(record, calls=()):
    return {tile.label: (tile.value, tile.note) for tile in tiles(account(record, calls))}


def test_the_headline_is_the_answer():
    calls = three_calls()
    assert (
        headline(account(run(metrics=agreeing(calls)), calls))
        == "Done in 38 s: 1,275 tokens, $0.00036, 3 calls"
    )


def test_the_four_figures_have_their_names_and_what_belongs_beside_them():
    calls = three_calls()
    assert summary(run(metrics=agreeing(calls)), calls) == {
        "Total Tokens": ("1,275", "960 in, 315 out"),
        "Total Cost": ("$0.00036", "each call at its own rates"),
        "API Requests": ("3", "billed"),
        "Efficiency": ("$0.000000282", "per token, 425 tokens/request"),  # 0.00036 / 1275, 1275 / 3
    }


def test_a_refuted_reading_is_not_shown():
    calls = three_calls()
    shown = account(run(metrics=refuted(calls)), calls)
    assert shown.metrics.total_tokens == 1275
    assert "said 3,825 because one LLM object is shared by 3 agents" in shown.metrics.caption


def test_unknown_unpriced_and_refused_calls_stand_beside_the_totals_they_belong_to():
    calls = [*three_calls(), call(3, tokens=None), call(4, tokens=(10, 5), nano=None), refused(5)]
    found = summary(run(RunState.STOPPED, stop_reason="stopped by you"), calls)
    assert found["Total Tokens"] == ("≥ 1,290", "1 call reported no usage")
    assert found["Total Cost"] == ("≥ $0.00036", "2 calls unpriced")
    assert found["API Requests"] == ("5", "1 more failed, not billed")
    assert found["Efficiency"] == ("not known", "1 call reported no usage")


def test_what_is_estimated_is_told_apart_from_what_was_reported():
    calls = [*three_calls(), estimated(3)]
    found = summary(run(RunState.STOPPED, stop_reason="stopped by you"), calls)
    assert found["Total Tokens"] == ("≈ 1,515", "of which 240 are estimated (1 call)")
    assert found["Total Cost"] == ("≈ $0.00045", "priced from estimated tokens")
    both = summary(run(RunState.STOPPED), [*calls, call(4, tokens=None)])
    assert both["Total Tokens"] == (
        "≥ 1,515",
        "of which 240 are estimated (1 call), 1 call reported no usage",
    )
    assert summary(run(RunState.STOPPED), [estimated(0)])["Total Tokens"] == (
        "≈ 240",
        "all estimated (1 call)",
    )


def test_a_run_that_was_settled_before_estimates_were_kept_apart_says_how_many_calls_they_are():
    old = reconcile([], totals([*three_calls(), estimated(3)])).to_json()
    del old["estimated_tokens"]
    settled = dataclasses.replace(run(), readings={"metrics": old})
    assert summary(settled)["Total Tokens"] == ("≈ 1,515", "1 call estimated")


def test_an_estimate_is_marked_in_every_part_of_a_line():
    [line] = breakdown([call(0), estimated(1)], Dimension.AGENT)
    assert tokens_of_sums(line.totals) == "≈ 660"
    assert part_of_sums(line.totals, line.totals.usage.input_tokens) == "≈ 500"


def test_an_estimate_does_not_claim_that_an_answer_reached_its_limit():
    record = run(spec={"settings": {"max_output_tokens": 120}})
    assert cut_short(account(record, [estimated(0, tokens=(200, 500))])) is None
    assert "1 of 1 answer reached the limit" in cut_short(account(record, [call(0)]))


def test_a_run_without_tracking_is_shown_unpriced_and_unverified():
    said = Reading(source=Source.CREW_METRICS, found_in="crew.usage_metrics", total_tokens=1247, requests=3)
    found = summary(run(metrics=reconcile([said], None), evidence={"tracking": False}))
    assert found["Total Tokens"][0] == "1,247"
    assert found["Total Cost"] == ("unpriced", "without tracked calls nothing can be priced")


def test_free_calls_are_free_and_not_unpriced():
    calls = [call(0, cost=Cost(0, CostState.FREE))]
    assert summary(run(RunState.STOPPED), calls)["Total Cost"] == ("free", "a price of 0 is known")


def test_a_run_without_a_call_does_not_claim_to_have_used_nothing():
    shown = account(run())
    assert headline(shown) == "Done in 38 s: no model call was seen"
    assert summary(run())["Total Tokens"][0] == "not known"


def test_a_run_whose_requests_were_all_refused_says_how_many():
    calls = [refused(0), refused(1)]
    assert headline(account(run(), calls)) == "Done in 38 s: no model call was answered"
    assert summary(run(), calls)["API Requests"] == ("0", "2 failed")


@pytest.mark.parametrize(
    ("record", "line", "why"),
    [
        (
            run(RunState.FAILED, error={"type": "RateLimitError", "message": "too fast", "traceback": ""}),
            "Failed with RateLimitError after 38 s: 420 tokens, $0.00012, 1 call",
            "too fast",
        ),
        (
            run(RunState.STOPPED, stop_reason="stopped by you"),
            "Stopped after 38 s: 420 tokens, $0.00012, 1 call",
            "Stopped by you. A call that was open then is not in these figures, and may be billed.",
        ),
        (
            run(RunState.STOPPED, metrics=agreeing([call(0)]), stop_reason="the budget is spent"),
            "Stopped after 38 s: 420 tokens, $0.00012, 1 call",
            "The budget is spent.",
        ),
        (
            run(RunState.RUNNING),
            "Lost after 38 s: 420 tokens, $0.00012, 1 call",
            (
                "Its process went silent. Its calls are kept, and nothing is repeated. "
                "A call that was open then is not in these figures, and may be billed."
            ),
        ),
    ],
)
def test_a_run_that_did_not_complete_says_so_and_why(record, line, why):
    shown = account(record, [call(0)])
    assert headline(shown) == line
    assert reason(shown) == why


def test_answers_that_took_all_the_output_they_were_allowed_are_counted():
    calls = [call(0, tokens=(300, 120)), call(1, tokens=(300, 119)), refused(2)]
    assert cut_short(account(run(), calls)).startswith(
        "1 of 2 answers reached the limit of 120 output tokens"
    )
    assert cut_short(account(run(), calls[1:])) is None


def test_a_buried_run_lasted_until_its_last_sign_of_life():
    record = run(RunState.LOST, finished_at=BEGAN + timedelta(minutes=30))
    assert account(record).elapsed == timedelta(seconds=38)


def test_a_run_stopped_in_the_queue_used_nothing():
    record = run(RunState.STOPPED, started_at=None, heartbeat_at=None, stop_reason="stopped before it began")
    assert headline(account(record)) == "Stopped before it began"


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
