"""The Runs page, driven through the dashboard as a person does."""

from datetime import UTC, datetime, timedelta

import pytest
from run_support import BEGAN, agreeing, call, keep, outputs, run, tasks, three_calls
from streamlit.testing.v1 import AppTest

from tracking.domain.run import RunState
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.settings import REPOSITORY, Settings

PAGE = "tracking/ui/pages/runs.py"


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


def runs_page(**query):
    test = AppTest.from_file(REPOSITORY / "dashboard.py", default_timeout=60).run()
    test.switch_page(PAGE)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def history():
    calls = three_calls("a")
    keep(run(run_id="a", metrics=agreeing(calls)), calls, tasks(RunState.COMPLETED), outputs())
    keep(
        run(
            RunState.FAILED,
            run_id="b",
            name="Brand check",
            preset="brand",
            created_at=BEGAN - timedelta(days=2),
            error={"type": "Timeout", "message": "too slow", "traceback": ""},
        ),
        [call(0, run_id="b", nano=None)],
    )


def listed(test):
    return list(test.dataframe[0].value["name"])


def test_an_empty_history_says_what_to_do_next():
    test = runs_page()
    assert test.title[0].value == "No runs yet"
    assert test.get("page_link")[0].label == "Configure the first run"


def test_the_history_answers_what_the_runs_used_together():
    history()
    test = runs_page()
    assert test.title[0].value == r"2 runs used 1,695 tokens, ≥ \$0.00036"
    assert any("1 run with calls that are not priced" in one.value for one in test.markdown)
    assert listed(test) == ["Autumn launch", "Brand check"]  # the newest first
    assert list(test.dataframe[0].value["source"]) == ["crew_metrics, verified", "tracker"]
    assert len(test.get("plotly_chart")) == 1


def test_filters_narrow_the_table_and_the_sums_alike():
    history()
    test = runs_page()
    test.text_input(key="q").set_value("brand").run()
    assert listed(test) == ["Brand check"]
    assert test.title[0].value == "1 run used 420 tokens, unpriced"
    test.text_input(key="q").set_value("nothing like it").run()
    assert "No run matches" in test.info[0].value


def test_a_filtered_history_can_be_linked():
    history()
    assert listed(runs_page(state="failed")) == ["Brand check"]


def test_one_run_is_opened_by_its_link_and_closed_again():
    history()
    test = runs_page(run="a")
    assert test.header[0].value.startswith("Done in 38 s: 1,275 tokens")
    test.button(key="back").click().run()
    assert not test.exception
    assert listed(test) == ["Autumn launch", "Brand check"]
    assert "run" not in test.query_params


def test_a_running_run_is_watched():
    now = datetime.now(UTC)
    keep(run(RunState.RUNNING, created_at=now, started_at=now, heartbeat_at=now + timedelta(minutes=5)))
    assert runs_page(run="run").subheader[0].value.startswith("Running")


def test_a_link_to_a_run_of_another_ledger_says_so():
    test = runs_page(run="elsewhere")
    assert "There is no run elsewhere in this ledger" in test.warning[0].value


def test_a_history_of_thousands_takes_three_queries(monkeypatch):
    """Runs, their totals, and how many there are: never one per run."""
    import sqlalchemy as sa

    for number in range(30):
        keep(run(run_id=f"r{number}"), [call(0, run_id=f"r{number}")])
    runs_page()
    asked = []
    from tracking.ui import state

    engine = state.ledger().engine
    sa.event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    runs_page()
    about_calls = [statement for statement in asked if "FROM calls" in statement]
    assert len(about_calls) == 1


def many(count):
    """As many runs, of which every tenth failed; each with a call."""
    with Ledger.open(Settings().ledger_url) as ledger:
        book = RunBook(ledger)
        for number in range(count):
            state = RunState.FAILED if number % 10 == 0 else RunState.COMPLETED
            at = BEGAN + timedelta(hours=number)
            book.add(run(state, run_id=f"r{number}", name=f"Run {number}", created_at=at))
        ledger.append_all(
            call(0, run_id=f"r{number}", started_at=BEGAN + timedelta(hours=number))
            for number in range(count)
        )


def test_only_the_newest_of_many_runs_are_shown_and_the_title_is_of_all():
    many(230)
    test = runs_page()
    assert test.title[0].value == r"230 runs used 96,600 tokens, \$0.0276"  # 230 x 420, and x $0.00012
    assert listed(test)[:2] == ["Run 229", "Run 228"]
    assert len(listed(test)) == 200
    assert any("The newest 200 of 230." in one.value for one in test.caption)
    test.button(key="more").click().run()
    assert len(listed(test)) == 230
    assert test.query_params["show"] == "400"


def test_a_search_is_made_over_all_runs():
    many(230)
    test = runs_page()
    test.text_input(key="q").set_value("r5").run()
    assert listed(test) == [*(f"Run {number}" for number in range(59, 49, -1)), "Run 5"]
    test.text_input(key="q").set_value("completed").run()
    title = r"207 runs match; the newest 200 used 84,000 tokens, \$0.024"
    assert test.title[0].value == title


@pytest.mark.parametrize("show", ["", "nonsense", "-5", "0"])
def test_a_link_that_asks_for_no_sensible_number_shows_the_usual_one(show):
    history()
    assert len(listed(runs_page(show=show))) == 2


def test_the_data_of_the_days_is_one_click_away():
    history()
    test = runs_page()
    test.session_state["day_data"] = True
    assert list(test.run().dataframe[0].value["Day"]) == ["21 Nov 2026", "19 Nov 2026"]
