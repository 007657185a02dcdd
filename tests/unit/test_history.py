from datetime import timedelta
from decimal import Decimal

from run_support import BEGAN, call, estimated, refused, run, three_calls

from tracking.domain.call import totals
from tracking.domain.cost import CostState
from tracking.domain.reading import Reading, Source
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import RunState
from tracking.report.history import (
    add_up,
    entries,
    every_note,
    every_title,
    history_frame,
    some_title,
    sums_note,
    sums_title,
)

LATER = BEGAN + timedelta(hours=1)


def history():
    """Two priced runs, one unpriced, one whose tracking was off, one that never began, one that is lost."""
    off = Reading(source=Source.CREW_METRICS, found_in="crew.usage_metrics", total_tokens=100, requests=1)
    runs = [
        run(run_id="a"),
        run(RunState.FAILED, run_id="b", name="Brand", preset="brand", created_at=BEGAN - timedelta(days=1)),
        run(run_id="c"),
        run(run_id="d", metrics=reconcile([off], None), evidence={"tracking": False}),
        run(RunState.STOPPED, run_id="e", started_at=None, stop_reason="stopped before it began"),
        run(RunState.RUNNING, run_id="f"),
    ]
    used = {
        "a": totals(three_calls()),
        "b": totals([call(0)]),
        "c": totals([call(0, nano=None)]),
        "f": totals([call(0, tokens=None)]),
    }
    return entries(runs, used, LATER)


def test_runs_add_up_exactly_and_name_their_gaps():
    sums = add_up(history())
    assert (sums.runs, sums.tokens, sums.cost) == (6, 1275 + 420 + 420 + 100, Decimal("0.00048"))
    assert (sums.cost_state, sums.unknown_runs, sums.unpriced_runs) == (CostState.PARTIAL, 1, 3)
    assert sums_title(sums) == "6 runs used ≥ 2,215 tokens, ≥ $0.00048"
    assert sums_note(sums) == (
        "1 run with tokens that are not known, 3 runs with calls that are not priced, "
        "1 run cut off, whose last call may be missing"
    )


def test_runs_with_estimates_are_marked_and_counted():
    used = {"a": totals(three_calls()), "b": totals([estimated(0)])}
    sums = add_up(entries([run(run_id="a"), run(run_id="b")], used, LATER))
    assert sums_title(sums) == "2 runs used ≈ 1,515 tokens, ≈ $0.00045"
    assert sums_note(sums) == "1 run with tokens that are estimated"


def test_priced_runs_alone_leave_no_gap():
    sums = add_up(history()[:2])
    assert sums_title(sums) == "2 runs used 1,695 tokens, $0.00048"
    assert sums_note(sums) == ""


def test_a_run_that_was_cut_off_makes_the_sums_lower_bounds():
    [cut] = entries([run(RunState.LOST)], {"run": totals(three_calls())}, LATER)
    assert sums_title(add_up([cut])) == "1 run used ≥ 1,275 tokens, ≥ $0.00036"
    assert sums_note(add_up([cut])) == "1 run cut off, whose last call may be missing"
    frame = history_frame([cut], {})
    assert [frame[name][0] for name in ("tokens", "cost", "calls")] == ["≥ 1,275", "≥ $0.00036", "≥ 3"]


def test_a_run_whose_requests_were_all_refused_is_listed_with_what_it_is_known_to_have_used():
    [entry] = entries([run(RunState.FAILED)], {"run": totals([refused(0)])}, LATER)
    frame = history_frame([entry], {})
    assert [frame[name][0] for name in ("tokens", "cost", "calls")] == ["0", "$0.00", "0"]
    assert sums_title(add_up([entry])) == "1 run used 0 tokens, $0.00"
    assert sums_note(add_up([entry])) == ""


def test_a_run_that_never_began_used_nothing_and_is_no_gap():
    assert sums_title(add_up([history()[4]])) == "1 run used 0 tokens, $0.00"


def test_a_silent_run_is_shown_as_lost_before_anybody_buries_it():
    assert history()[5].state is RunState.LOST


def test_the_table_leaves_empty_what_was_not_used_and_says_what_is_not_known():
    frame = history_frame(history(), {"comprehensive": "Comprehensive"}).set_index("name")
    rows = history_frame(history(), {"comprehensive": "Comprehensive"})
    assert list(rows["tokens"]) == ["1,275", "420", "420", "100", "", "not known"]
    assert list(rows["cost"]) == ["$0.00036", "$0.00012", "unpriced", "unpriced", "", "unpriced"]
    assert list(rows["calls"]) == ["3", "1", "1", "1", "0", "≥ 1"]
    assert list(rows["source"]) == ["tracker"] * 3 + ["crew_metrics, unverified", "", "tracker"]
    assert list(rows["preset"]) == ["Comprehensive", "brand"] + ["Comprehensive"] * 4
    assert frame.loc["Brand", "share"] == 19.0  # 420 / 2215


def test_where_not_all_that_match_are_shown_the_title_says_of_which_the_sums_are():
    assert some_title(3120, add_up(history()[:2])) == (
        "3,120 runs match; the newest 2 used 1,695 tokens, $0.00048"
    )


def test_a_whole_ledger_is_told_by_its_calls():
    sums = totals([*three_calls(), call(3, nano=None), call(4, tokens=None), estimated(5)])
    assert every_title(250_000, sums) == "250,000 runs used ≥ 1,935 tokens, ≥ $0.00045"
    assert every_note(sums) == (
        "1 call with tokens that are not known, 1 call with tokens that are estimated, 2 calls unpriced"
    )
    assert every_note(totals(three_calls())) == ""
