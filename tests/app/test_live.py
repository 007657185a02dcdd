"""The page of a run while it goes on, and the charts and calls that stay afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from run_support import BEGAN, CREW, agreeing, call, keep, outputs, refused, run, tasks, three_calls
from streamlit.testing.v1 import AppTest

from tracking.domain.run import RunState
from tracking.domain.under_way import CallUnderWay
from tracking.ledger.ledger import Ledger
from tracking.ledger.under_way import UnderWay
from tracking.settings import Settings

DONE = [RunState.COMPLETED] * 3
VIEWS = ("Tasks over time", "Spent over time", "Task to agent to model", "Calls over time")


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


def opened(module, function, run_id="run"):
    def script(module, function, run_id):
        from importlib import import_module

        getattr(import_module(module), function)(run_id)

    test = AppTest.from_function(script, args=(module, function, run_id), default_timeout=60).run()
    assert not test.exception
    return test


def results(run_id="run"):
    return opened("tracking.ui.results", "results_section", run_id)


def progress(run_id="run"):
    return opened("tracking.ui.progress", "live_progress", run_id)


def live(began, **changes):
    times = {"created_at": began, "started_at": began, "heartbeat_at": datetime.now(UTC)}
    return run(RunState.RUNNING, **{**times, "evidence": {}, **changes})


def in_flight(number, started_at, tokens=None):
    return CallUnderWay(
        call_id=f"run-{number}",
        run_id="run",
        started_at=started_at,
        provider_name="openai",
        request_model="gpt-4o-mini",
        operation_name="chat",
        agent_name="Data Analyst",
        task_name="data_analysis",
        output_tokens=tokens,
    )


def going():
    """A run that began a minute ago. Of the two calls that are said to be open one has ended."""
    now = datetime.now(UTC)
    ended = call(0, *CREW[0], started_at=now - timedelta(seconds=12))
    first, second = tasks(RunState.COMPLETED, RunState.RUNNING)
    turn = now - timedelta(seconds=2)
    progressing = [
        replace(first, started_at=now - timedelta(seconds=30), finished_at=turn),
        replace(second, started_at=turn),
    ]
    keep(live(now - timedelta(seconds=60)), [ended], progressing)
    with Ledger.open(Settings().ledger_url) as ledger:
        open_since = now - timedelta(seconds=4)
        UnderWay(ledger).say("run", [in_flight(0, open_since), in_flight(1, open_since, tokens=23)])


def switch(test, label, value):
    next(one for one in test.segmented_control if one.label == label).set_value(value).run()
    assert not test.exception


def captions(test):
    return "\n".join(one.value for one in test.caption)


def charts(test):
    return {chart.key for chart in test.get("plotly_chart")}


def test_a_call_under_way_is_a_running_row_with_its_time_and_estimated_tokens():
    going()
    newest = progress().table[1].value
    assert [cell.rpartition(" ")[2] for cell in newest["Newest calls"]] == ["running", "ended"]
    assert newest["Tokens"][0] == "≈ 23 out so far"
    assert newest["Time"][0].endswith(" s")
    assert list(newest["Cost"]) == ["", r"\$0.00012"]


def test_how_fast_it_goes_stands_below_the_figures_with_its_window():
    going()
    said = captions(progress())
    assert "tok/s and" in said
    assert "/min, of what ended in the last 1 min." in said


def test_where_it_leads_is_told_by_earlier_runs():
    going()
    for number in range(3):
        past = f"past-{number}"
        keep(run(run_id=past), three_calls(past), tasks(*DONE))
    assert "Projected, as 3 earlier runs went: ends " in captions(progress())


def test_a_live_run_has_its_charts_and_its_calls():
    going()
    test = progress()
    assert charts(test) == {"run_chart_CALLS"}
    assert "All calls" in [one.label for one in test.expander]


def test_before_the_first_call_there_is_a_sentence_instead_of_a_chart():
    keep(live(datetime.now(UTC)), [], tasks(RunState.RUNNING))
    test = progress()
    assert charts(test) == set()
    assert "No model was called yet." in captions(test)


@pytest.mark.parametrize("view", VIEWS)
def test_every_chart_stays_when_the_run_has_ended(view):
    calls = three_calls()
    keep(run(metrics=agreeing(calls)), calls, tasks(*DONE), outputs())
    test = results()
    switch(test, "Chart", view)
    [key] = [key for key in charts(test) if key.startswith("run_chart")]
    assert key.startswith("run_chart_")
    if view in {"Spent over time", "Task to agent to model"}:
        switch(test, "Unit", "dollars")
    elif view == "Calls over time":
        switch(test, "Colour", "model")


def test_what_no_chart_can_hold_stands_beside_it():
    calls = [*three_calls(), call(3, nano=None), call(4, tokens=None)]
    keep(run(), calls, tasks(*DONE), outputs())
    test = results()
    switch(test, "Chart", "Spent over time")
    assert "Not in it: 1 call that reported no usage." in captions(test)
    switch(test, "Unit", "dollars")
    assert "Not in it: 2 calls without a known price." in captions(test)


def test_a_budget_that_is_far_away_is_named_where_its_line_would_flatten_the_curve():
    calls = three_calls()
    settings = {**run().spec["settings"], "token_budget": 100_000}
    keep(run(spec={**run().spec, "settings": settings}), calls, tasks(*DONE), outputs())
    test = results()
    switch(test, "Chart", "Spent over time")
    assert "Budget: this run: 100,000 tokens, 1 % used" in captions(test)


def test_a_long_run_is_drawn_in_few_bars_and_says_so():
    calls = [
        call(n, *CREW[0], started_at=BEGAN + timedelta(seconds=2 * n), duration=1.0) for n in range(1_000)
    ]
    keep(run(seconds=2_000), calls, tasks(*DONE), outputs())
    assert "1,000 calls drawn as " in captions(results())


def test_nothing_billed_leaves_nothing_to_draw():
    keep(run(RunState.FAILED), [refused(0)], tasks(RunState.FAILED))
    test = results()
    switch(test, "Chart", "Task to agent to model")
    assert "There are no tokens to draw." in captions(test)
    switch(test, "Chart", "Spent over time")
    assert "Nothing was billed." in captions(test)


def test_calls_are_chosen_and_ordered():
    calls = [*three_calls(), refused(3)]
    keep(run(), calls, tasks(*DONE), outputs())
    test = results()
    table = next(one for one in test.dataframe if "status" in one.value.columns)
    assert len(table.value) == 4
    test.multiselect(key="calls_status").set_value(["failed"]).run()
    table = next(one for one in test.dataframe if "status" in one.value.columns)
    assert list(table.value["status"]) == ["error"]
    assert "1 of 4 calls. Select a call" in captions(test)
    test.multiselect(key="calls_status").set_value([]).run()
    test.selectbox(key="calls_order").set_value("most tokens first").run()
    table = next(one for one in test.dataframe if "status" in one.value.columns)
    assert list(table.value["input"])[:3] == [360, 320, 280]
