"""A batch in words and rows."""

from datetime import timedelta

from run_support import BEGAN, SPEC, run

from tracking.domain.batch import Batch
from tracking.domain.call import totals
from tracking.domain.run import RunState
from tracking.domain.variation import vary
from tracking.report.batch import batch_frame, batch_title, heading, spanned, why_ended
from tracking.report.history import add_up, entries

NOW = BEGAN + timedelta(hours=1)
BATCH = Batch(batch_id="b", name="Spring", created_at=BEGAN, source="spring.csv", size=3)


def found(*states, **changes):
    runs = [
        run(
            state,
            run_id=str(n),
            batch_position=n,
            spec=vary(SPEC, {"campaign.budget_usd": 1_000 * n}).to_json(),
            heartbeat_at=NOW,
            **{
                "name": BATCH.name_of(n),
                "started_at": None if state is RunState.QUEUED else BEGAN,
                **changes,
            },
        )
        for n, state in enumerate(states)
    ]
    return entries(runs, {"0": totals([])}, NOW)


def title(*states):
    shown = found(*states)
    return batch_title(shown, add_up(shown))


def test_the_title_counts_every_state_that_there_is():
    assert title(RunState.QUEUED, RunState.QUEUED) == "2 runs waiting to begin"
    assert title(RunState.QUEUED) == "1 run waiting to begin"
    counted, _, used = title(*RunState).partition(": ")
    assert counted == "1 of 6 done, 1 running, 1 waiting, 1 failed, 1 lost, 1 stopped"
    assert used.endswith(" so far")
    assert title(RunState.STOPPED, RunState.FAILED).partition(":")[0] == "0 of 2 done, 1 failed, 1 stopped"


def test_only_what_varies_has_a_column_and_names_only_where_somebody_gave_them():
    done = (RunState.COMPLETED,) * 3
    frame = batch_frame(BATCH, found(*done))
    assert list(frame) == ["position", "state", "campaign.budget_usd", "tokens", "cost", "duration"]
    assert list(frame["campaign.budget_usd"]) == ["0", "1,000", "2,000"]
    assert list(batch_frame(BATCH, found(*done, name="Mine"))["name"]) == ["Mine"] * 3


def test_a_run_without_a_result_says_why():
    [stopped] = found(RunState.STOPPED, stop_reason="stopped by you")
    [failed] = found(RunState.FAILED, error={"type": "Timeout", "message": "slow\nvery", "traceback": ""})
    [quoted] = found(RunState.FAILED, error={"type": "Timeout", "message": "", "traceback": ""})
    assert [why_ended(each) for each in (stopped, failed, quoted)] == [
        "stopped by you",
        "Timeout: slow",
        "Timeout",
    ]


def test_a_batch_took_from_its_first_beginning_to_its_last_end():
    assert spanned(found(RunState.QUEUED)) is None
    assert spanned(found(RunState.COMPLETED, RunState.QUEUED)) == timedelta(seconds=38)
    assert spanned(found(RunState.COMPLETED, RunState.RUNNING)) == timedelta(hours=1)


def test_a_field_is_headed_in_words():
    assert heading("campaign.target_audience") == "Target audience"
    assert heading("campaign.budget_usd") == "Budget (US$)"
    assert heading("model") == "Model"
