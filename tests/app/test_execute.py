"""Execute Analysis: the line that is always true, one click one run, and the run in the URL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from app.preview import text_shown

from tracking.crew import queue
from tracking.domain.run import RunState
from tracking.domain.spec import RunSpec
from tracking.errors import QueueError
from tracking.ledger.runs import RunBook
from tracking.ui.execute import Ticket, _run

TABS = ["Task Configuration", "Execute Analysis", "Results & Visualization"]
RUN = "execute.run"


def test_the_tabs_are_named_as_announced(page):
    assert [tab.label for tab in page().tabs][:3] == TABS


def test_the_run_is_summed_up_in_one_line(page):
    assert "3 agents · 3 tasks · local demo model · about " in text_shown(page())


def test_the_line_follows_the_form(page, with_key):
    at = page()
    at.multiselect(key="form.agents").set_value(["data_analyst"]).run()
    assert "1 agent · 1 task · OpenAI GPT-4o mini · about " in text_shown(at)


def test_the_table_names_each_task_with_its_model_and_estimate(page):
    frame = page().dataframe[-1].value
    assert list(frame["Agent"]) == ["Market Research Analyst", "Data Analyst", "Report Writer"]
    assert list(frame["Task"]) == ["1. Market research", "2. Data analysis", "3. Report"]
    assert set(frame["Model"]) == {"local demo model"}
    assert set(frame["Cost"]) == {"free"}
    assert (frame["Tokens"] > 100).all()


def test_what_it_will_take_stands_where_no_width_of_the_window_hides_it(page):
    assert list(page().dataframe[-1].value.columns)[:3] == ["Task", "Tokens", "Cost"]


def test_a_click_hands_over_the_run_as_previewed_and_puts_it_in_the_url(page, submitted, ledger):
    at = page()
    at.text_input(key="execute.name").set_value("Spring").run()
    at.button(key=RUN).click().run()
    assert not at.exception
    assert len(submitted) == 1
    assert at.query_params["run"] == "run1"
    assert ledger.run("run1").name == "Spring"
    assert ledger.run("run1").state is RunState.QUEUED


def test_while_a_run_lives_there_is_no_second_button(page, submitted):
    at = page()
    at.button(key=RUN).click().run()
    assert RUN not in [button.key for button in at.button]
    assert "Stop" in [button.label for button in at.button]


def test_a_late_second_click_is_ignored(page, submitted):
    at = page()
    button = at.button(key=RUN)
    button.click().run()
    button.click()
    at.run()
    assert len(submitted) == 1


def test_two_clicks_at_once_make_one_run(dashboard_home, ledger, monkeypatch):
    """Streamlit runs the second click's script beside the first's: both hold the same ticket."""
    handed: list[str] = []

    def slow_submit(*_, name: str, **__):
        handed.append(name)
        return f"run{len(handed)}"

    monkeypatch.setattr(queue, "submit", slow_submit)
    ticket = Ticket()
    spec = RunSpec(preset="custom", agents=("data_analyst",), model="embedded")
    with ThreadPoolExecutor(8) as clicks:
        list(clicks.map(lambda _: _run(ticket, spec, "Custom"), range(8)))
    assert handed == ["Custom"]
    assert ticket.made == "run1"


def test_a_run_that_could_not_be_handed_over_is_explained_and_can_be_tried_again(
    page, monkeypatch, submitted
):
    def refuse(*_, **__):
        raise QueueError("no worker's queue could be reached")

    works = queue.submit
    monkeypatch.setattr(queue, "submit", refuse)
    at = page()
    at.button(key=RUN).click().run()
    assert any("no worker's queue could be reached" in error.value for error in at.error)
    monkeypatch.setattr(queue, "submit", works)
    at.button(key=RUN).click().run()
    assert len(submitted) == 1


def test_a_new_session_finds_the_running_run_through_its_url(page, submitted):
    page().button(key=RUN).click().run()
    at = page(run="run1")
    assert "Stop" in [button.label for button in at.button]
    assert at.session_state["tab"] == "Execute Analysis"


def test_a_run_stays_current_when_another_page_is_visited(page, submitted):
    at = page()
    at.button(key=RUN).click().run()
    at.switch_page("tracking/ui/pages/runs.py").run()
    at.switch_page("tracking/ui/pages/analyze.py").run()
    assert at.query_params["run"] == "run1"


def test_a_finished_run_points_to_its_results(page, submitted, ledger):
    at = page()
    at.button(key=RUN).click().run()
    RunBook(ledger).start("run1", pid=1)
    RunBook(ledger).finish("run1", RunState.COMPLETED)
    at.run()
    next(button for button in at.button if button.label == "Show the results").click().run()
    assert not at.exception
    assert at.session_state["tab"] == "Results & Visualization"


def test_a_run_whose_process_went_silent_does_not_block_the_next_one(page, submitted, ledger):
    at = page()
    at.button(key=RUN).click().run()
    long_ago = datetime(2026, 1, 5, 9, 1, tzinfo=UTC)
    RunBook(ledger).change(
        "run1", only={RunState.QUEUED}, state=RunState.RUNNING, started_at=long_ago, heartbeat_at=long_ago
    )
    at.run()
    assert not at.button(key=RUN).disabled


def test_another_run_can_be_set_up_while_one_lives(page, submitted):
    at = page()
    at.button(key=RUN).click().run()
    next(button for button in at.button if button.label == "Set up another run").click().run()
    assert "run" not in at.query_params
    at.button(key=RUN).click().run()
    assert at.query_params["run"] == "run2"


def test_an_unknown_run_in_the_url_is_named_and_nothing_breaks(page):
    at = page(run="nosuchrun")
    assert not at.exception
    assert any("no run nosuchrun" in warning.value for warning in at.warning)


def test_without_a_run_the_results_tab_says_what_to_do(page):
    at = page()
    assert "No results yet" in [heading.value for heading in at.subheader]
    next(button for button in at.button if button.label == "Go to Execute Analysis").click().run()
    assert at.session_state["tab"] == "Execute Analysis"
