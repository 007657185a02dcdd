"""How long is waited, altogether, before somebody is given up."""

from datetime import timedelta
from random import Random

from tracking.alerts.retry import MOST_ATTEMPTS, wait_after


class Even(Random):
    def uniform(self, a, b):
        return 1.0


def test_each_wait_is_twice_the_last_up_to_four_hours():
    waits = [wait_after(attempts, Even()) for attempts in range(1, MOST_ATTEMPTS)]
    assert waits[:3] == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]
    assert waits[8:] == [timedelta(seconds=7680)] + [timedelta(hours=4)] * 5
    assert sum(waits, timedelta()) == timedelta(hours=24, minutes=15, seconds=30)  # 30 × 511 s, and 20 h


def test_waits_differ_by_chance_by_a_fifth_at_most():
    waits = [wait_after(1, Random(seed)).total_seconds() for seed in range(200)]
    assert 24 <= min(waits) < 25
    assert 35 < max(waits) <= 36
