"""Batches on the pages: a file that is checked before it runs, and a batch in each of its states."""

import csv
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from app.preview import text_shown
from run_support import BEGAN, SPEC, agreeing, call, keep, outputs, run, three_calls

from tracking.crew import queue
from tracking.domain.batch import Batch, BatchItem
from tracking.domain.run import RunState
from tracking.domain.spec import RunSpec
from tracking.domain.variation import vary
from tracking.errors import QueueError
from tracking.export.batches import as_csv
from tracking.ledger.batches import BatchBook
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore
from tracking.report.history import entries
from tracking.settings import Settings
from tracking.ui.batch.launch import _run
from tracking.ui.ticket import Ticket

RUNS = "tracking/ui/pages/runs.py"
UPLOAD = "batch.upload.0"
AUDIENCES = ("Families", "Pilots", "Students")


@pytest.fixture
def enqueued(monkeypatch):
    """The ids that were handed over, to nobody: no worker is wanted."""
    ids = []
    monkeypatch.setattr(queue, "enqueue", lambda _, run_id: ids.append(run_id))
    return ids


def with_file(at, text, name="spring.csv"):
    at.file_uploader(key=UPLOAD).upload(name, text.encode(), "text/csv").run()
    assert not at.exception
    return at


def run_button(at):
    return next(button for button in at.button if button.key == "batch.run")


def add(states, *, batch_id="b", size=None, **changes):
    """A batch whose runs are in these states, each for another audience."""
    with Ledger.open(Settings().ledger_url) as ledger:
        batch = Batch(
            batch_id=batch_id, name="Spring", created_at=BEGAN, source="spring.csv", size=len(states)
        )
        runs = [
            run(
                state,
                run_id=f"{batch_id}{n}",
                name=f"Spring, {n + 1} of {len(states)}",
                spec=vary(SPEC, {"campaign.target_audience": AUDIENCES[n]}).to_json(),
                batch_id=batch_id,
                batch_position=n,
                **({"started_at": None if state is RunState.QUEUED else BEGAN} | changes.get(str(n), {})),
            )
            for n, state in enumerate(states)
        ]
        BatchBook(ledger).add(batch, runs)
    return runs


def batch_shown(page, batch_id="b"):
    at = page()
    at.switch_page(RUNS)
    at.query_params["batch"] = batch_id
    at.run()
    assert not at.exception
    return at


def alive(**more):
    now = datetime.now(UTC)
    return {"started_at": now, "heartbeat_at": now + timedelta(minutes=5), **more}


class TestInputs:
    def test_there_is_a_template_to_begin_with(self, page):
        assert "Template with this page's values" in [b.proto.label for b in page().get("download_button")]

    def test_what_each_row_asks_for_is_shown_with_count_and_estimate(self, page):
        at = with_file(page(), "name,target_audience\nA,Pilots\nB,\n")
        frame = at.dataframe[-2].value
        assert list(frame["row"]) == [2, 3]
        assert list(frame["campaign.target_audience"]) == ["Pilots", "Young adults in cities"]
        assert "problem" not in frame
        assert any(m.value.startswith("**2 runs · about ") and "free" in m.value for m in at.markdown)
        assert not run_button(at).disabled

    def test_problems_are_named_with_their_places_and_nothing_can_be_run(self, page):
        at = with_file(page(), "target_audience,budget_usd\nPilots,a lot\nFamilies,5\n")
        [error] = at.error
        assert (
            "spring.csv, row 2, column 'budget_usd': found 'a lot', which isn't a whole number" in error.value
        )
        assert list(at.dataframe[-2].value["problem"].astype(bool)) == [True, False]
        assert run_button(at).disabled

    def test_a_file_that_is_no_table_says_why(self, page):
        at = with_file(page(), "target_audience\n")
        assert "spring.csv has a header but no rows below it" in at.error[0].value

    def test_a_model_that_thinks_first_is_cautioned_where_a_row_asks_for_it(self, page, with_key):
        at = with_file(page(), "model\nopenai\nopenai-mini\n")
        assert "may be empty, in 1 run here" in text_shown(at)

    def test_a_click_makes_the_batch_and_goes_to_it(self, page, enqueued, ledger):
        at = with_file(page(), "target_audience\nPilots\nFamilies\n")
        at.text_input(key="batch.name").set_value("Launch").run()
        run_button(at).click().run()
        assert not at.exception
        [batch] = BatchBook(ledger).batches()
        assert (batch.name, batch.source, batch.size) == ("Launch", "spring.csv", 2)
        runs = BatchBook(ledger).runs(batch.batch_id)
        assert enqueued == [one.run_id for one in runs]
        assert [RunSpec.from_json(one.spec).campaign.target_audience for one in runs] == [
            "Pilots",
            "Families",
        ]
        assert at.query_params["batch"] == batch.batch_id
        assert at.title[0].value == "2 runs waiting to begin"

    def test_a_batch_without_a_name_has_its_files(self, page, enqueued, ledger):
        run_button(with_file(page(), "target_audience\nPilots\n")).click().run()
        [batch] = BatchBook(ledger).batches()
        assert batch.name == "spring"

    def test_two_clicks_at_once_make_one_batch(self, dashboard_home, ledger, enqueued):
        ticket = Ticket()
        with ThreadPoolExecutor(8) as clicks:
            list(clicks.map(lambda _: _run(ticket, (BatchItem(SPEC),), "spring", "spring.csv"), range(8)))
        assert len(enqueued) == 1
        assert [batch.batch_id for batch in BatchBook(ledger).batches()] == [ticket.made]

    def test_a_batch_that_could_not_be_handed_over_is_explained(self, page, monkeypatch):
        def refuse(*_):
            raise QueueError("gone")

        monkeypatch.setattr(queue, "enqueue", refuse)
        at = with_file(page(), "target_audience\nPilots\n")
        run_button(at).click().run()
        assert any("The batch could not be started: no worker's queue" in e.value for e in at.error)


class TestBatch:
    def test_a_batch_that_waits_says_so(self, page, dashboard_home):
        add([RunState.QUEUED] * 3)
        at = batch_shown(page)
        assert at.title[0].value == "3 runs waiting to begin"
        assert "nothing will start the runs that wait" in at.warning[0].value

    def test_while_it_runs_the_title_counts_and_it_can_be_stopped(self, page, dashboard_home, ledger):
        add([RunState.COMPLETED, RunState.RUNNING, RunState.QUEUED], **{"1": alive()})
        for run_id in ("b0", "b1"):
            ledger.append(call(0, run_id=run_id))
        at = batch_shown(page)
        assert at.title[0].value == r"1 of 3 done, 1 running, 1 waiting: 840 tokens, \$0.00024 so far"
        at.button(key="stop_batch").click().run()
        assert BatchBook(ledger).runs("b")[2].state is RunState.STOPPED
        assert at.button(key="stop_batch").label == "Stopping"

    def test_when_it_is_done_its_title_is_the_answer(self, page, dashboard_home, ledger):
        calls = three_calls("b0")
        metrics = {"metrics": agreeing(calls).to_json()}
        add(
            [RunState.COMPLETED, RunState.FAILED, RunState.COMPLETED],
            **{
                "0": {"readings": metrics},
                "1": {"error": {"type": "Timeout", "message": "too slow", "traceback": ""}},
            },
        )
        for each in (*calls, call(0, run_id="b1"), call(0, run_id="b2", nano=None)):
            ledger.append(each)
        at = batch_shown(page)
        assert at.title[0].value == r"2 of 3 done, 1 failed: 2,115 tokens, ≥ \$0.00048"
        assert any("1 run with calls that are not priced" in one.value for one in at.markdown)
        frame = at.dataframe[0].value
        assert list(frame["position"]) == [1, 2, 3]
        assert list(frame["campaign.target_audience"]) == list(AUDIENCES)
        assert list(frame["tokens"]) == ["1,275", "420", "420"]
        assert list(frame["cost"]) == ["$0.00036", "$0.00012", "unpriced"]
        assert list(frame["why"]) == ["", "Timeout: too slow", ""]
        assert "stop_batch" not in [button.key for button in at.button]

    def test_what_failed_is_run_again_as_another_batch_by_a_button_only(
        self, page, dashboard_home, ledger, enqueued
    ):
        add([RunState.FAILED, RunState.COMPLETED, RunState.LOST])
        at = batch_shown(page)
        assert enqueued == []
        button = at.button(key="run_again")
        assert button.label == "Run the 2 that failed or were lost again"
        button.click().run()
        assert not at.exception
        assert at.title[0].value == "2 runs waiting to begin"
        newest = BatchBook(ledger).batches()[0]
        assert (newest.name, newest.size, len(enqueued)) == ("Spring (again)", 2, 2)
        at.switch_page(RUNS)
        at.query_params["batch"] = "b"
        at.run()
        assert at.button(key="run_again").label.startswith("Run the 2")

    def test_a_link_to_a_batch_of_another_ledger_says_so(self, page, dashboard_home):
        at = batch_shown(page, "elsewhere")
        assert "There is no batch elsewhere in this ledger" in at.warning[0].value
        at.button(key="back").click().run()
        assert "batch" not in at.query_params

    def test_a_run_leads_back_to_its_batch(self, page, dashboard_home):
        add([RunState.COMPLETED])
        at = batch_shown(page)
        at.query_params["run"] = "b0"
        at.run()
        assert at.button(key="back").label == "Back to the batch"
        at.button(key="back").click().run()
        assert at.title[0].value.startswith("1 of 1 done")

    def test_the_history_says_which_batch_a_run_is_of_and_opens_it(self, page, dashboard_home):
        keep(run(run_id="alone"))
        add([RunState.COMPLETED, RunState.FAILED])
        at = page()
        at.switch_page(RUNS).run()
        assert sorted(at.dataframe[0].value["batch"]) == ["", "Spring, 1", "Spring, 2"]
        at.selectbox(key="batch_choice").set_value("b").run()
        assert not at.exception
        assert at.title[0].value.startswith("1 of 2 done, 1 failed")

    def test_a_history_without_batches_has_no_column_for_them(self, page, dashboard_home):
        keep(run(run_id="alone"))
        at = page()
        at.switch_page(RUNS).run()
        assert "batch" not in at.dataframe[0].value
        assert "batch_choice" not in [box.key for box in at.selectbox]

    def test_a_run_opened_by_itself_names_the_way_to_its_batch(self, page, dashboard_home):
        add([RunState.COMPLETED])
        at = page()
        at.switch_page(RUNS)
        at.query_params["run"] = "b0"
        at.run()
        at.button(key="its_batch").click().run()
        assert at.title[0].value.startswith("1 of 1 done")


def test_the_results_of_a_batch_are_a_csv_with_a_row_per_run(dashboard_home, ledger):
    add(
        [RunState.COMPLETED, RunState.STOPPED, RunState.FAILED],
        **{"1": {"started_at": None, "stop_reason": "=stopped"}},
    )
    ledger.append(call(0, run_id="b0"))
    ledger.append(call(0, run_id="b2", tokens=None))
    used = ledger.totals(by="run_id", run_id=("b0", "b2"))
    found = entries(BatchBook(ledger).runs("b"), used, BEGAN)
    rows = list(csv.DictReader(as_csv(found, {"b0": "Buy.", "b2": "half a thought"}).splitlines()))
    assert [row["campaign.target_audience"] for row in rows] == list(AUDIENCES)
    assert [row["state"] for row in rows] == ["completed", "stopped", "failed"]
    assert [row["total_tokens"] for row in rows] == ["420", "0", ""]  # not known is not 0
    assert [row["cost_usd"] for row in rows] == ["0.00012", "0", ""]
    assert [row["cost_state"] for row in rows] == ["known", "known", "unpriced"]
    assert [row["report"] for row in rows] == ["Buy.", "", ""]  # what a failed run said last is no result
    assert rows[1]["reason"] == "'=stopped"  # no formula


def test_the_last_answer_of_each_run_is_its_report(dashboard_home):
    store = OutputStore.open(Settings().outputs_url)
    for output in outputs():
        store.put("b0", output)
    assert store.last(["b0", "b1"]) == {"b0": outputs()[-1].text}
    store.close()
