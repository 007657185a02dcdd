"""Runs are found in the database, on both engines alike."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tracking import Ledger
from tracking.domain.run import Run, RunState
from tracking.ledger.runs import RunBook
from tracking.ledger.search import RunSearch, Wanted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def ledger(database_url):
    with Ledger.open(database_url) as opened:
        book = RunBook(opened)
        for number in range(60):
            book.add(
                Run(
                    run_id=f"id{number:02}",
                    name=("Über den Sommer", "Brand 100%_check", "Cola")[number % 3],
                    preset=("comprehensive", "brand", None)[number % 3],
                    state=(RunState.COMPLETED, RunState.FAILED)[number % 5 == 0],
                    created_at=NOW + timedelta(minutes=number),
                    spec={"model": "gpt-4o", "agents": ["data_analyst"]} if number % 2 else {},
                )
            )
        silent, living = NOW - timedelta(seconds=21), NOW - timedelta(seconds=19)
        for run_id, beat in (("silent", silent), ("living", living)):
            run = Run(
                run_id=run_id, name="R", state=RunState.RUNNING, created_at=NOW, started_at=NOW,
                heartbeat_at=beat,
            )  # fmt: skip
            book.add(run)
        yield opened


def found(ledger, limit=100, **wanted):
    return [run.run_id for run in RunSearch(ledger, NOW).newest(Wanted(**wanted), limit)]


def count(ledger, **wanted):
    return RunSearch(ledger, NOW).count(Wanted(**wanted))


def test_without_a_wish_all_runs_are_found_newest_first(ledger):
    assert found(ledger, limit=3) == ["id59", "id58", "id57"]
    assert count(ledger) == 62


def test_every_word_must_occur_somewhere_in_whatever_letters(ledger):
    assert count(ledger, text="ÜBER sommer") == 20
    assert count(ledger, text="über GPT-4o") == 10
    assert count(ledger, text="data_analyst cola") == 10
    assert found(ledger, text="id07") == ["id07"]
    assert count(ledger, text="brand failed") == 4  # of 1, 4, 7 ... those that five divides
    assert count(ledger, text="nothing like it") == 0


def test_signs_that_mean_something_to_a_database_mean_themselves(ledger):
    assert count(ledger, text="100%_check") == 20
    assert count(ledger, text="100__check") == 0
    assert count(ledger, text="'") == 0


def test_presets_and_states_narrow_together(ledger):
    assert count(ledger, preset="brand") == 20
    assert count(ledger, preset="brand", states=(RunState.FAILED,)) == 4
    assert found(ledger, limit=2, preset="brand", states=(RunState.FAILED,)) == ["id55", "id40"]


def test_a_silent_run_is_lost_and_not_running_before_anybody_buries_it(ledger):
    assert found(ledger, states=(RunState.LOST,)) == ["silent"]
    assert found(ledger, states=(RunState.RUNNING,)) == ["living"]
    assert count(ledger, states=(RunState.LOST, RunState.RUNNING)) == 2
    states = [RunState.RUNNING, RunState.COMPLETED, RunState.FAILED, RunState.LOST]
    assert RunSearch(ledger, NOW).states() == states


def test_the_presets_are_those_that_occur(ledger):
    assert RunSearch(ledger, NOW).presets() == ["brand", "comprehensive"]


def test_an_empty_ledger_has_no_states_and_no_presets(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'empty.sqlite'}") as empty:
        search = RunSearch(empty, NOW)
        assert (search.states(), search.presets(), search.count(Wanted(text="a"))) == ([], [], 0)


def test_a_search_reads_no_row_of_a_run_that_does_not_match(tmp_path):
    """All that it asks for is in one index, for the rows are long and there may be 250,000."""
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        asked = []
        sa.event.listen(ledger.engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        search = RunSearch(ledger, NOW)
        wanted = Wanted("brand", "comprehensive", (RunState.FAILED,))
        search.count(wanted)
        search.newest(wanted, 200)
        searches = [each for each in asked if "searched" in each[0]]
        with ledger.engine.connect() as connection:
            plans = [
                " ".join(map(str, connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)))
                for text, values in searches
            ]
    assert len(plans) == 2
    assert all("COVERING INDEX runs_by_time" in plan for plan in plans)
