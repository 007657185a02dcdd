from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracking.report.period import CHOICES, period

NOW = datetime(2026, 11, 22, 7, 21, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def test_thirty_days_are_thirty_whole_days_of_the_viewer_today_included():
    found = period("30", NOW, BERLIN)
    assert found.since == datetime(2026, 10, 24, tzinfo=BERLIN)
    assert found.until == datetime(2026, 11, 23, tzinfo=BERLIN)
    assert (found.words, found.before_words) == ("in 30 days", "the 30 days before")


def test_what_it_is_compared_with_ends_at_the_same_time_of_day():
    since, until = period("30", NOW, BERLIN).before
    assert since == datetime(2026, 9, 24, tzinfo=BERLIN)
    assert until == datetime(2026, 10, 23, 8, 15, tzinfo=BERLIN)  # 07:21 UTC is 08:21 there


def test_this_month_is_compared_with_as_much_of_the_one_before():
    found = period("month", NOW, UTC)
    assert found.since == datetime(2026, 11, 1, tzinfo=UTC)
    assert found.before == (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 22, 7, 15, tzinfo=UTC))
    assert found.before_words == "as much of October"


def test_a_month_that_is_longer_than_the_one_before_is_compared_with_all_of_that():
    last = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert period("month", last, UTC).before == (
        datetime(2026, 2, 1, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
    )


def test_all_history_has_no_bounds_and_nothing_before_it():
    found = period("all", NOW, UTC)
    assert (found.filters, found.before) == ({}, None)


@pytest.mark.parametrize("choice", [name for name in CHOICES if name != "all"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"])
def test_no_period_overlaps_the_one_before_and_each_begins_at_a_quarter_of_an_hour(choice, zone):
    found = period(choice, NOW, ZoneInfo(zone))
    assert found.before[0] < found.before[1] <= found.since < NOW < found.until
    for time in (*found.before, found.since, found.until):
        assert time.astimezone(UTC).minute % 15 == 0
        assert time.second == 0
    assert found.until - NOW <= timedelta(days=1)
