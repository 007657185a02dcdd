from datetime import timedelta
from decimal import Decimal

from run_support import BEGAN, call, estimated, refused, three_calls

from tracking.report.live import burn_words, pace, rates, speed_words


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def test_a_young_runs_rates_are_over_its_whole_life():
    found = rates(three_calls(), BEGAN, at(40))  # all ended by 34.5 s
    assert found.window == timedelta(seconds=40)
    assert found.tokens_per_second == 1275 / 40
    assert found.usd_per_minute == Decimal("0.00036") * 60 / 40
    assert (speed_words(found), burn_words(found)) == ("32 tok/s", "$0.00054/min")
    assert pace(found) == "32 tok/s and $0.00054/min, of what ended in the last 40 s."


def test_a_call_counts_at_its_end_and_no_longer_than_the_window():
    calls = three_calls()  # they end at 10.5, 22.5 and 34.5 s
    assert rates(calls, BEGAN, at(82)).sums.requests == 2
    assert rates(calls, BEGAN, at(82.5)).sums.requests == 1  # the second ended 60 s ago: no longer within
    assert rates(calls, BEGAN, at(82)).tokens_per_second == (425 + 470) / 60
    assert rates(calls, BEGAN, at(32), timedelta(seconds=10)).sums.requests == 2  # what ends later is in it


def test_where_nothing_ended_no_rate_is_known():
    found = rates(three_calls(), BEGAN, at(600))
    assert (found.tokens_per_second, found.usd_per_minute) == (None, None)
    assert pace(found) == "Speed and burn rate: not known, for nothing ended in the last 1 min."


def test_a_first_moment_is_no_flood():
    assert rates([call(0, duration=0.0, started_at=BEGAN)], BEGAN, at(0.001)).tokens_per_second == 420.0


def test_rates_say_what_is_missing_from_them():
    unknown = rates([call(0), call(1, tokens=None)], BEGAN, at(30))
    assert (speed_words(unknown), burn_words(unknown)) == ("≥ 14 tok/s", "≥ $0.00024/min")
    assert speed_words(rates([estimated(0)], BEGAN, at(60))) == "≈ 4.0 tok/s"
    assert burn_words(rates([call(0, nano=None)], BEGAN, at(30))) == "unpriced"
    assert burn_words(rates([refused(0)], BEGAN, at(30))) == "not known"
