from datetime import UTC, datetime, timedelta

from tracking.domain.run import LOST_AFTER, Run, RunState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def run(**changes):
    return Run(run_id="r", name="Comprehensive", created_at=NOW, **changes)


def test_a_run_that_beats_is_running_and_one_that_fell_silent_is_lost():
    beating = run(state=RunState.RUNNING, heartbeat_at=NOW)
    assert beating.state_at(NOW + LOST_AFTER) is RunState.RUNNING
    assert beating.state_at(NOW + LOST_AFTER + timedelta(microseconds=1)) is RunState.LOST


def test_a_finished_run_is_never_lost():
    done = run(state=RunState.COMPLETED, heartbeat_at=NOW)
    assert done.state_at(NOW + timedelta(days=1)) is RunState.COMPLETED


def test_elapsed_time_stops_at_the_end():
    begun = run(started_at=NOW)
    assert run().elapsed(NOW) is None
    assert begun.elapsed(NOW + timedelta(seconds=5)) == timedelta(seconds=5)
    ended = run(started_at=NOW, finished_at=NOW + timedelta(seconds=3))
    assert ended.elapsed(NOW + timedelta(days=1)) == timedelta(seconds=3)
