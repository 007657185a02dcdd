import dataclasses
from datetime import timedelta

import pytest
from run_support import BEGAN, SPEC, agreeing, call, estimated, refused, refuted, run, tasks, three_calls

from tracking.domain.call import totals
from tracking.domain.cost import Cost, CostState
from tracking.domain.reading import Reading, Source
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import RunState
from tracking.report.account import account_of, headline, part_of_sums, tiles, tokens_of_sums
from tracking.report.breakdown import Dimension, breakdown
from tracking.report.notes import reason, stated_note

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
    found = summary(run(), calls)
    assert found["Total Tokens"] == ("≥ 1,290", "1 call reported no usage")
    assert found["Total Cost"] == ("≥ $0.00036", "2 calls unpriced")
    assert found["API Requests"] == ("5", "1 more failed, not billed")
    assert found["Efficiency"] == ("not known", "1 call reported no usage")


def test_what_is_estimated_is_told_apart_from_what_was_reported():
    calls = [*three_calls(), estimated(3)]
    found = summary(run(), calls)
    assert found["Total Tokens"] == ("≈ 1,515", "of which 240 are estimated (1 call)")
    assert found["Total Cost"] == ("≈ $0.00045", "priced from estimated tokens")
    both = summary(run(), [*calls, call(4, tokens=None)])
    assert both["Total Tokens"] == (
        "≥ 1,515",
        "of which 240 are estimated (1 call), 1 call reported no usage",
    )
    assert summary(run(), [estimated(0)])["Total Tokens"] == (
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


def test_a_run_without_tracking_is_shown_unpriced_and_unverified():
    said = Reading(source=Source.CREW_METRICS, found_in="crew.usage_metrics", total_tokens=1247, requests=3)
    found = summary(run(metrics=reconcile([said], None), evidence={"tracking": False}))
    assert found["Total Tokens"][0] == "1,247"
    assert found["Total Cost"] == ("unpriced", "without tracked calls nothing can be priced")


def test_free_calls_are_free_and_not_unpriced():
    calls = [call(0, cost=Cost(0, CostState.FREE))]
    assert summary(run(), calls)["Total Cost"] == ("free", "a price of 0 is known")


MISSING = "an open call may be missing"


@pytest.mark.parametrize(
    "record", [run(RunState.LOST), run(RunState.RUNNING), run(RunState.STOPPED, stop_reason="stopped by you")]
)
def test_the_figures_of_a_run_that_was_cut_off_are_lower_bounds(record):
    assert summary(record, three_calls()) == {
        "Total Tokens": ("≥ 1,275", MISSING),
        "Total Cost": ("≥ $0.00036", MISSING),
        "API Requests": ("≥ 3", MISSING),
        "Efficiency": ("not known", MISSING),
    }


def test_a_run_that_could_settle_its_figures_when_it_was_stopped_has_exact_ones():
    calls = three_calls()
    found = summary(run(RunState.STOPPED, metrics=agreeing(calls), stop_reason="the budget is spent"), calls)
    assert found["Total Tokens"] == ("1,275", "960 in, 315 out")


def test_a_call_that_is_missing_is_free_only_where_every_agent_asks_the_same_free_model():
    calls = [call(0, cost=Cost(0, CostState.FREE))]
    assert summary(run(RunState.LOST), calls)["Total Cost"] == ("free", "a price of 0 is known")
    mixed = run(RunState.LOST, spec={**SPEC.to_json(), "agent_models": {"data_analyst": "openai"}})
    assert summary(mixed, calls)["Total Cost"] == ("≥ $0.00", MISSING)
    assert summary(run(RunState.LOST, spec={}), calls)["Total Cost"] == ("≥ $0.00", MISSING)


def test_a_run_that_was_cut_off_in_its_first_call_has_no_known_figures():
    found = summary(run(RunState.LOST))
    assert found["Total Tokens"] == ("not known", MISSING)
    assert found["API Requests"] == ("not known", MISSING)
    assert headline(account(run(RunState.LOST))) == "Lost after 38 s: no model call was answered"


def test_a_run_without_a_call_does_not_claim_to_have_used_nothing():
    shown = account(run())
    assert headline(shown) == "Done in 38 s: no model call was seen"
    assert summary(run())["Total Tokens"][0] == "not known"


def test_a_run_whose_requests_were_all_refused_was_billed_nothing_and_that_is_known():
    calls = [refused(0), refused(1)]
    assert headline(account(run(), calls)) == "Done in 38 s: nothing was billed, 2 calls failed"
    assert summary(run(), calls) == {
        "Total Tokens": ("0", "0 in, 0 out"),
        "Total Cost": ("$0.00", "nothing was billed"),
        "API Requests": ("0", "2 failed, not billed"),
        "Efficiency": ("not known", "needs tokens and requests"),
    }


def test_a_cut_off_run_whose_requests_were_all_refused_may_have_been_billed():
    assert (
        headline(account(run(RunState.LOST), [refused(0)])) == "Lost after 38 s: no model call was answered"
    )
    assert summary(run(RunState.LOST), [refused(0)])["Total Cost"] == ("≥ $0.00", MISSING)


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
            "Stopped after 38 s: ≥ 420 tokens, ≥ $0.00012, ≥ 1 call",
            "Stopped by you. A call that was open then is not in these figures, and may be billed.",
        ),
        (
            run(RunState.STOPPED, metrics=agreeing([call(0)]), stop_reason="the budget is spent"),
            "Stopped after 38 s: 420 tokens, $0.00012, 1 call",
            "The budget is spent.",
        ),
        (
            run(RunState.RUNNING),
            "Lost after 38 s: ≥ 420 tokens, ≥ $0.00012, ≥ 1 call",
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


def test_a_buried_run_lasted_until_its_last_sign_of_life():
    record = run(RunState.LOST, finished_at=BEGAN + timedelta(minutes=30))
    assert account(record).elapsed == timedelta(seconds=38)


def test_a_run_stopped_in_the_queue_used_nothing():
    record = run(RunState.STOPPED, started_at=None, heartbeat_at=None, stop_reason="stopped before it began")
    assert headline(account(record)) == "Stopped before it began"


def test_what_the_providers_state_stands_beside_and_is_the_total_only_when_asked_for():
    calls = [dataclasses.replace(each, stated_nano_usd=150_000) for each in three_calls()]
    found = account(run(metrics=agreeing(calls)), calls)
    assert stated_note(found) == "For 3 calls the providers state $0.00045; computed for the same: $0.00036."
    assert tiles(found)[1].value == "$0.00036"
    theirs = tiles(found, stated=True)[1]
    assert (theirs.value, theirs.note) == ("$0.00045", "as the providers state it; computed: $0.00036")


def test_what_is_stated_of_some_calls_only_is_never_the_total():
    first, *others = three_calls()
    calls = [dataclasses.replace(first, stated_nano_usd=120_000), *others]
    found = account(run(metrics=agreeing(calls)), calls)
    assert stated_note(found) == "The providers state the same $0.00012 for 1 of 3 calls."
    assert tiles(found, stated=True)[1].value == "$0.00036"
