"""What the results, the debug panel and the live view show of a run that is in the ledger."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from run_support import (
    EVIDENCE,
    agreeing,
    call,
    keep,
    kept,
    outputs,
    refused,
    refuted,
    run,
    tasks,
    three_calls,
)
from streamlit.testing.v1 import AppTest

from tracking.domain.reading import Reading, Source
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import RunState
from tracking.domain.spec import LoopGuard, RunSpec

DONE = [RunState.COMPLETED] * 3


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


def results(run_id="run", *, tab=None):
    def script(run_id):
        from tracking.ui.results import results_section

        results_section(run_id)

    test = AppTest.from_function(script, args=(run_id,), default_timeout=60)
    if tab:
        test.session_state["results_tab"] = tab
    test.run()
    assert not test.exception
    return test


def progress(run_id="run"):
    def script(run_id):
        from tracking.ui.progress import live_progress

        live_progress(run_id)

    test = AppTest.from_function(script, args=(run_id,), default_timeout=60).run()
    assert not test.exception
    return test


def debug(run_id):
    def script(run_id):
        from tracking.ui.debug import debug_section

        debug_section(run_id)

    test = AppTest.from_function(script, args=(run_id,), default_timeout=60)
    test.session_state["openai_key"] = "sk-abcdefghijklmnop123456"
    test.session_state["note"] = "the key is sk-abcdefghijklmnop123456"
    test.run()
    assert not test.exception
    return test


def written(test):
    """Everything a person can read, as one text."""
    kinds = (
        test.header,
        test.subheader,
        test.markdown,
        test.caption,
        test.warning,
        test.error,
        test.info,
        test.code,
    )
    return "\n".join(
        [str(one.value) for kind in kinds for one in kind] + [t.value.to_string() for t in test.table]
    )


def live(**changes):
    """A run that began a minute ago and lives."""
    now = datetime.now(UTC)
    return run(
        RunState.RUNNING,
        **{
            "created_at": now,
            "started_at": now - timedelta(seconds=60),
            "heartbeat_at": now,
            "evidence": {},
            **changes,
        },
    )


def data_source(test):
    return next(one.value for one in test.markdown if "Data source: " in one.value)


def test_a_finished_run_answers_first_and_shows_its_four_figures():
    calls = three_calls()
    keep(run(metrics=agreeing(calls)), calls, tasks(*DONE), outputs())
    test = results()
    assert test.header[0].value == r"Done in 38 s: 1,275 tokens, \$0.00036, 3 calls"
    assert "Token Usage Summary" in [one.value for one in test.subheader]
    assert (
        data_source(test)
        == ":small[:green[:material/verified: Data source: crew_metrics, verified against 3 calls]]"
    )
    assert {one.label: one.value for one in test.metric} == {
        "Total Tokens": "1,275",
        "Total Cost": r"\$0.00036",
        "API Requests": "3",
        "Efficiency": r"\$0.000000282",
    }
    assert [tab.label for tab in test.tabs] == [
        "Report",
        "Task outputs",
        "Data",
        "Calls",
        "Debug Information",
    ]


def test_a_refuted_reading_is_amber_and_names_the_cause():
    calls = three_calls()
    keep(run(metrics=refuted(calls)), calls)
    caption = data_source(results())
    assert caption.startswith(":small[:orange[")
    assert (
        "Data source: tracker: crew_metrics said 3,825 because one LLM object is shared by 3 agents"
        in caption
    )


def test_what_the_tracker_notes_of_its_figures_stands_beside_them_and_in_the_debug_panel():
    note = "crewai 1.17.0 is newer than what this was tested with (1.13 to 1.15)"
    calls = three_calls()
    evidence = {**EVIDENCE, "tracker": {"lost": 0, "errors": [], "notes": [note]}}
    keep(run(metrics=agreeing(calls), evidence=evidence), calls, tasks(*DONE), outputs())
    assert f":small[:orange[:material/warning: {note}]]" in [one.value for one in results().markdown]
    assert f"Tracker: {note}" in [one.value for one in debug("run").caption]


def test_an_unverified_reading_is_grey_and_has_no_breakdown():
    said = Reading(source=Source.CREW_METRICS, found_in="crew.usage_metrics", total_tokens=1247, requests=3)
    keep(run(metrics=reconcile([said], None), evidence={"tracking": False}), (), tasks(*DONE), outputs())
    test = results()
    assert data_source(test).startswith(":small[:gray[")
    assert not test.segmented_control
    assert "no call of this run is in the ledger" in written(test)


@pytest.mark.parametrize("by", ["agent", "task", "model"])
def test_the_breakdown_adds_up_to_the_total(by):
    calls = [*three_calls(), call(3, agent=None, task=None)]
    keep(run(RunState.STOPPED, stop_reason="stopped by you"), calls)
    test = results()
    test.segmented_control[0].set_value(by).run()
    assert sum(int(count.replace(",", "")) for count in test.dataframe[0].value["tokens"]) == 1695
    assert ("could not be assigned" in written(test)) == (by != "model")


def test_the_report_is_shown_as_prose_beside_figures_that_are_not_the_models():
    calls = three_calls()
    keep(run(metrics=agreeing(calls)), calls, tasks(*DONE), outputs())
    text = written(results())
    assert "#### Decide\n\nSpend \\$40,000 in summer, not \\$20,000." in text
    assert "Figures computed from the data, not by the model" in text


def test_a_failed_run_says_why_with_its_traceback_folded_and_no_key():
    error = {
        "type": "RateLimitError",
        "message": "key sk-abcdefghijklmnop123456 is over $5",
        "traceback": "File x",
    }
    keep(run(RunState.FAILED, error=error), [call(0)], tasks(RunState.FAILED))
    test = results()
    assert test.header[0].value.startswith("Failed with RateLimitError after 38 s")
    assert test.error[0].value == r"key \[redacted\] is over \$5"
    assert test.expander[0].label == "Traceback"
    assert "sk-abcdef" not in written(test)


def test_the_data_tab_draws_the_rows_the_run_was_given():
    calls = three_calls()
    keep(run(metrics=agreeing(calls)), calls, tasks(*DONE), outputs())
    test = results(tab="Data")
    assert any("beverage_sales.csv, 15,000 rows" in one.value for one in test.caption)
    keys = {chart.key for chart in test.get("plotly_chart")}
    assert {"months_chart", "category_chart", "region_chart", "brand_chart"} <= keys


def test_an_id_that_is_not_in_the_ledger_is_said_plainly():
    assert "no run with this id" in results("elsewhere").info[0].value


def test_a_run_lives_on_screen_until_it_ends():
    keep(live(), [call(0, tokens=(300, 120))], tasks(RunState.COMPLETED, RunState.RUNNING, RunState.QUEUED))
    test = progress()
    assert test.subheader[0].value.startswith("Running · 1 min")
    assert "task 2 of 3 · Data Analyst" in test.subheader[0].value
    assert {one.label: one.value for one in test.metric} == {
        "Tokens": "420",
        "Cached input": "not known",
        "Cost": r"\$0.00012",
        "Calls": "1",
        "Errors": "0",
    }
    assert "Speed and burn rate: not known, for nothing ended in the last 1 min." in written(test)
    assert "needs 3 completed runs like this one, and there is none" in written(test)
    assert test.get("progress")[0].proto.text == "1 of 3 tasks done"


def test_a_crew_of_ones_own_has_no_stop_button_for_nobody_there_would_hear_it():
    keep(dataclasses.replace(live(), spec={}))
    assert not progress().button


def test_the_stop_button_asks_once():
    keep(live(), [], tasks(RunState.RUNNING))
    test = progress()
    test.button(key="stop_run").click().run()
    assert kept().stop_requested_at is not None
    assert test.button(key="stop_run").disabled
    assert test.button(key="stop_run").label == "Stopping"


LOOP = (
    "Loop guard: Data Analyst made 4 calls in a row for Data analysis that are alike (1,680 tokens): "
    "inputs of much the same size, answers of exactly 120 tokens."
)


def test_a_run_that_goes_round_in_circles_says_so_while_it_runs_and_afterwards():
    calls = [call(number) for number in range(4)]
    keep(live(), calls, tasks(RunState.RUNNING))
    assert [one.value for one in progress().warning] == [
        f"{LOOP} Look at its calls below, and stop the run if it only spends."
    ]
    keep(run(run_id="done", metrics=agreeing(calls)), [call(n, run_id="done") for n in range(4)])
    assert any(LOOP in one.value for one in results("done").markdown)


def test_a_run_that_wants_no_loop_guard_is_told_of_none():
    spec = RunSpec.from_json(live().spec)
    off = dataclasses.replace(spec, settings=dataclasses.replace(spec.settings, loop_guard=LoopGuard.OFF))
    keep(live(spec=off.to_json()), [call(number) for number in range(4)], tasks(RunState.RUNNING))
    assert not progress().warning


def test_a_run_can_be_asked_to_stop_after_its_task_and_to_go_on_after_all():
    keep(live(), [], tasks(RunState.RUNNING))
    test = progress()
    test.button(key="stop_after_task").click().run()
    assert kept().stop_after_task_at is not None
    assert kept().stop_requested_at is None
    assert any("Stopping after this task" in one.value for one in test.markdown)
    assert "stop_after_task" not in [button.key for button in test.button]
    assert not test.button(key="stop_run").disabled  # at once is still to be had
    test.button(key="take_back_stop").click().run()
    assert kept().stop_after_task_at is None
    assert "take_back_stop" not in [button.key for button in test.button]


def test_a_run_that_is_just_ending_cannot_be_called_back():
    ending = {"stop_after_task_at": datetime.now(UTC), "stop_reason": "stopped by you after the task x"}
    keep(dataclasses.replace(live(), **ending))
    test = progress()
    assert any("Stopping after this task" in one.value for one in test.markdown)
    assert "take_back_stop" not in [button.key for button in test.button]


def test_a_waiting_run_says_its_place_and_that_no_worker_lives():
    keep(run(RunState.QUEUED, run_id="first", started_at=None, heartbeat_at=None))
    later = run(RunState.QUEUED, started_at=None, heartbeat_at=None)
    keep(
        run(
            RunState.QUEUED,
            started_at=None,
            heartbeat_at=None,
            created_at=later.created_at + timedelta(seconds=5),
        )
    )
    test = progress()
    assert test.subheader[0].value == "Waiting, number 2 in the queue"
    assert "No worker is running" in test.warning[0].value


def test_a_silent_run_is_shown_as_lost_with_its_calls():
    keep(run(RunState.RUNNING), [call(0)], tasks(RunState.RUNNING))
    test = progress()
    assert "Lost after 38 s: ≥ 420 tokens" in test.warning[0].value
    assert not test.button
    assert list(test.table[0].value["Tokens"]) == [""]  # its task was another one


def test_a_lost_run_is_run_again_by_a_button_as_another_run(monkeypatch):
    handed_over = []
    monkeypatch.setattr("tracking.crew.queue.enqueue", lambda _, run_id: handed_over.append(run_id))
    keep(run(RunState.LOST), [call(0)], tasks(RunState.LOST))
    test = results()
    test.button(key="run_it_again").click().run()
    [again] = handed_over
    assert test.session_state["run"] == again
    assert (kept(again).name, kept(again).spec) == (kept().name, kept().spec)
    assert (kept().state, kept(again).state) == (RunState.LOST, RunState.QUEUED)


def test_a_completed_run_and_a_crew_of_ones_own_are_not_offered_again():
    keep(run(), three_calls(), tasks(*DONE), outputs())
    keep(dataclasses.replace(run(RunState.LOST, run_id="own"), spec={}))
    for run_id in ("run", "own"):
        assert "run_it_again" not in {button.key for button in results(run_id).button}


def test_a_lost_task_is_shown_to_have_used_at_least_what_is_known():
    progressing = tasks(RunState.COMPLETED, RunState.RUNNING)
    keep(run(RunState.RUNNING), three_calls()[:2], progressing)
    assert list(progress().table[0].value["Tokens"]) == ["380", "≥ 425"]


def test_the_three_readings_stand_side_by_side():
    calls = three_calls()
    keep(run(metrics=refuted(calls)), calls)
    table = debug("run").table[0].value
    assert list(table.columns) == ["crew_metrics", "result", ":material/check_circle: tracker (shown)"]
    assert list(table.loc["total"]) == ["3,825", "", "1,275"]
    assert "shared by 3 agents" in table.loc["difference", "crew_metrics"]


def test_without_token_data_the_likeliest_cause_comes_first():
    keep(run(evidence={**EVIDENCE, "tracking": False}, metrics=reconcile([], None)))
    test = debug("run")
    assert test.subheader[0].value == "Debug Information"
    assert "token tracking was disabled" in test.warning[0].value
    assert test.markdown[0].value.count("\n- ") == 3


def test_a_run_whose_requests_were_all_refused_is_explained_without_doubting_the_zero():
    keep(run(RunState.FAILED), [refused(0), refused(1)])
    said = debug("run").warning[0].value
    assert said.startswith("**Nothing was billed.** 2 requests were refused by the provider, and none was")


def test_the_session_is_shown_without_its_secrets():
    test = debug(None)
    text = written(test)
    assert "openai\\_key" in text or "openai_key" in text
    assert "sk-abcdef" not in text
    assert "\\[redacted\\]" in text


def test_environment_variables_are_only_set_or_not_set(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefghijklmnop123456")
    text = written(debug(None))
    assert "OPENAI_API_KEY" in text
    assert "sk-abcdef" not in text


def test_a_receipt_says_why_its_counts_are_estimated():
    def script():
        from run_support import estimated

        from tracking.ui.receipt import call_receipt

        call_receipt(estimated(0), None)

    at = AppTest.from_function(script).run()
    assert any(c.value.startswith("Usage estimated: the provider reported no usage") for c in at.caption), [
        c.value for c in at.caption
    ]
