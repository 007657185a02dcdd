"""The Overview page, driven through the dashboard as a person does."""

from datetime import UTC, datetime, timedelta

import pytest
from history_support import keep_weeks
from run_support import call, keep, run
from streamlit.testing.v1 import AppTest

from tracking.errors import LedgerError
from tracking.ledger.ledger import Ledger
from tracking.settings import REPOSITORY

PAGE = "tracking/ui/pages/overview.py"


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


def overview(**query):
    test = AppTest.from_file(REPOSITORY / "dashboard.py", default_timeout=60).run()
    test.switch_page(PAGE)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def spent():
    """$0.0004 of late, and $0.0001 forty days ago; a call of each kind that leaves a gap in between."""
    now = datetime.now(UTC)
    late, early = now - timedelta(hours=1), now - timedelta(days=40)
    calls = [
        call(0, nano=300_000, started_at=late),
        call(1, "Report Writer", "report", nano=100_000, request_model="gpt-4o", started_at=late),
        call(2, nano=100_000, started_at=early, run_id="early"),
    ]
    keep(run(name="Autumn launch"), calls)
    return late


def text(test):
    kinds = (test.title, test.subheader, test.markdown, test.caption, test.info, test.error)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def test_without_any_call_it_says_what_will_be_here_and_what_to_do():
    test = overview()
    assert test.title[0].value == "Nothing has been spent yet"
    assert test.get("page_link")[0].label == "Configure the first run"
    assert not test.metric


def test_it_answers_what_was_spent_on_what_and_whether_it_goes_up():
    spent()
    test = overview()
    assert test.title[0].value == r"\$0.0004 in 30 days, 75 % of it by Data Analyst"
    assert r"4 times as much as in the 30 days before (\$0.0001)." in text(test)
    assert [(one.label, one.value) for one in test.metric] == [
        ("Cost", r"\$0.0004"),
        ("Calls", "2"),
        ("Tokens", "840"),
        ("Failed calls", "0"),
        ("From cache", "not known"),
    ]
    assert len(test.get("plotly_chart")) == 1
    where, runs, answers = (one.value for one in test.dataframe)
    assert where[["name", "cost", "share"]].to_numpy().tolist() == [
        ["Data Analyst", "$0.0003", 75.0],
        ["Report Writer", "$0.0001", 25.0],
    ]
    assert list(runs["name"]) == ["Autumn launch"]
    assert set(answers["model"]) == {"gpt-4o-mini", "gpt-4o"}


def test_a_period_and_a_way_to_tell_it_can_be_linked():
    spent()
    test = overview(period="365 days", by="By task")
    assert test.title[0].value == r"\$0.0005 in 365 days, 80 % of it by Data Analyst"
    assert list(test.dataframe[0].value["name"]) == ["Data analysis", "Report"]
    test.segmented_control(key="by").set_value("model").run()
    assert list(test.dataframe[0].value["name"]) == ["gpt-4o-mini", "gpt-4o"]


def test_all_history_needs_no_bounds():
    late = spent()
    first = late - timedelta(days=40)
    title = overview(period="All").title[0].value
    assert title.startswith(r"\$0.0005 since ")
    assert str(first.year) in title


def test_a_period_without_calls_says_so_and_offers_a_longer_one():
    keep(run(), [call(0, started_at=datetime.now(UTC) - timedelta(days=50))])
    test = overview()
    assert test.title[0].value == "Nothing was called in 30 days"
    assert "Choose a longer period" in test.info[0].value


def test_what_is_not_known_stands_beside_the_totals():
    late = spent()
    keep(
        run(run_id="b"),
        [call(0, run_id="b", nano=None, started_at=late), call(1, run_id="b", tokens=None, started_at=late)],
    )
    test = overview()
    assert test.title[0].value == r"≥ \$0.0004 in 30 days, 75 % of what is known by Data Analyst"
    assert "2 calls unpriced" in text(test)
    assert "1 call reported no usage" in text(test)
    assert list(test.dataframe[0].value["unpriced"]) == [2, 0]


def test_the_data_of_the_chart_is_one_click_away():
    spent()
    test = overview()
    test.session_state["spend_data"] = True
    frame = test.run().dataframe[0].value
    assert list(frame.columns) == ["Day", "gpt-4o-mini", "gpt-4o", "Together"]
    assert frame.iloc[:2]["Together"].tolist().count("$0.0004") == 1


def test_a_ledger_that_cannot_be_read_is_explained(monkeypatch):
    spent()

    def broken(*_, **__):
        raise LedgerError("the database sqlite:///x failed: disk I/O error")

    monkeypatch.setattr(Ledger, "sums", broken)
    test = overview()
    assert "disk I/O error" in test.error[0].value
    assert "then reload this page" in test.error[0].value


def test_the_questions_are_as_few_at_any_number_of_calls(monkeypatch):
    """Of calls only those that have not been added up are read, and never one question per run or day."""
    import sqlalchemy as sa

    from tracking.ui import state

    def asked():
        overview()
        found = []
        engine = state.ledger().engine
        listener = lambda *a: found.append(a[2])  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listener)
        overview()
        sa.event.remove(engine, "before_cursor_execute", listener)
        return found

    keep_weeks(30)
    few = asked()
    keep_weeks(300, seed=6, runs=False)
    many = asked()
    assert abs(len(many) - len(few)) <= 2  # looking for how much is to be added up happens now and then
    assert len(many) < 40
