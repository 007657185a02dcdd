from datetime import timedelta
from decimal import Decimal

from run_support import BEGAN, call, refused, three_calls

from tracking.report.cumulative import MOST_STEPS, Step, cost_at, steps


def test_each_call_adds_to_the_sum_when_it_ends():
    found = steps(three_calls(), BEGAN)
    assert found == (
        Step(timedelta(seconds=10.5), 1, 380, 120_000, 0, 0),
        Step(timedelta(seconds=22.5), 2, 805, 240_000, 0, 0),
        Step(timedelta(seconds=34.5), 3, 1275, 360_000, 0, 0),
    )
    assert cost_at(found[-1]) == Decimal("0.00036")


def test_the_order_is_that_of_the_ends():
    slow = call(0, duration=100.0)
    assert [step.tokens for step in steps([slow, call(1, tokens=(1, 1))], BEGAN)] == [2, 422]


def test_what_is_not_known_is_counted_beside_the_sum_and_what_was_refused_is_not_in_it():
    [_, last] = steps([call(0), call(1, tokens=None), refused(2)], BEGAN)
    assert (last.calls, last.tokens, last.nano_usd, last.unknown, last.unpriced) == (2, 420, 120_000, 1, 1)


def test_of_many_some_are_left_out_and_what_remains_is_exact():
    calls = [call(n, started_at=BEGAN + timedelta(seconds=n), tokens=(n, 1)) for n in range(5_000)]
    found = steps(calls, BEGAN)
    assert len(found) == MOST_STEPS
    assert (found[-1].calls, found[-1].tokens) == (5_000, sum(range(5_000)) + 5_000)
    assert found[0].calls == 1
    for step in found:
        assert step.tokens == sum(range(step.calls)) + step.calls
