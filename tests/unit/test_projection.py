from datetime import UTC, datetime, timedelta

import pytest

from tracking.analysis.projection import PastRun, Range, Standing, Used, project, range_of

BEGAN = datetime(2026, 11, 21, 20, tzinfo=UTC)


def seconds(number):
    return timedelta(seconds=number)


def past(first, second, *, tokens=(100, 200), nano=(1_000, 3_000), outside=0):
    """A run of two tasks, one after the other, that took so many seconds each."""
    return PastRun(
        seconds(first + second),
        {"one": seconds(first), "two": seconds(first + second)},
        {"one": Used(tokens[0], nano[0]), "two": Used(tokens[1], nano[1])},
        Used(sum(tokens) + outside, sum(nano)),
    )


def standing(*done, at=0, of_done=(0, 0), whole=(0, 0)):
    return Standing(BEGAN, done, BEGAN + seconds(at), Used(*of_done), Used(*whole))


def test_before_anything_is_done_a_run_is_expected_to_be_like_its_forerunners():
    found = project([past(10, 20), past(10, 30), past(20, 40)], standing(), BEGAN + seconds(5))
    assert found.end == Range(BEGAN + seconds(30), BEGAN + seconds(40), BEGAN + seconds(60))
    assert found.tokens == Range(300, 300, 300)
    assert found.nano_usd == Range(4_000, 4_000, 4_000)


def test_what_is_done_is_taken_as_it_was_and_the_rest_as_it_used_to_be():
    runs = [past(10, 20), past(10, 30), past(20, 40)]
    now = standing("one", at=50, of_done=(500, 9_000), whole=(540, 9_100))
    found = project(runs, now, BEGAN + seconds(55))
    assert found.end == Range(BEGAN + seconds(70), BEGAN + seconds(80), BEGAN + seconds(90))
    assert found.tokens == Range(700, 700, 700)  # 500 + 200; the 40 of the task under way are of the 200
    assert found.nano_usd == Range(12_000, 12_000, 12_000)


def test_a_run_that_outgrew_its_forerunners_ends_at_any_moment_at_what_it_has_used():
    now = standing("one", at=10, of_done=(100, 1_000), whole=(900, 8_000))
    found = project([past(10, 20)] * 3, now, BEGAN + seconds(500))
    assert found.end.low == found.end.high == BEGAN + seconds(500)
    assert found.tokens == Range(900, 900, 900)
    assert found.nano_usd == Range(8_000, 8_000, 8_000)


def test_what_could_not_be_assigned_to_a_task_is_still_expected():
    found = project([past(10, 20, outside=50)] * 3, standing(), BEGAN)
    assert found.tokens.middle == 350


def test_tasks_at_the_same_time_are_not_added_up():
    both = PastRun(seconds(30), {"one": seconds(28), "two": seconds(30)}, {}, Used(0, 0))
    found = project([both] * 3, standing("one", at=28), BEGAN + seconds(28))
    assert found.end.middle == BEGAN + seconds(30)


@pytest.mark.parametrize("runs", [0, 1, 2])
def test_too_few_forerunners_say_nothing(runs):
    found = project([past(10, 20)] * runs, standing(), BEGAN)
    assert (found.runs, found.end, found.tokens, found.nano_usd) == (runs, None, None, None)


def test_what_is_not_known_is_not_projected():
    unpriced = past(10, 20)
    unpriced = PastRun(unpriced.duration, unpriced.ended, {"one": Used(100, None)}, Used(300, None))
    found = project([unpriced] * 3, standing(), BEGAN)
    assert (found.tokens, found.nano_usd) == (Range(300, 300, 300), None)
    unknown = project([past(10, 20)] * 3, standing(whole=(None, None)), BEGAN)
    assert unknown.end is not None
    assert (unknown.tokens, unknown.nano_usd) == (None, None)


def test_a_range_leaves_out_the_extremes_of_many_answers():
    assert range_of(list(range(1, 21))) == Range(2, 10, 18)
    assert range_of([3, 1, 2]) == Range(1, 2, 3)
