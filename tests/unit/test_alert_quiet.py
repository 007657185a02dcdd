"""Quiet hours go by the clock on the wall: over midnight, and where that clock jumps."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from tracking.alerts.quiet import QuietHours

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(time(22), time(7), BERLIN)
NOON = QuietHours.of("12:00 - 13:30", ZoneInfo("UTC"))


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NOON, utc(2026, 11, 22, 11, 59, 59), None),
        (NOON, utc(2026, 11, 22, 12), utc(2026, 11, 22, 13, 30)),
        (NOON, utc(2026, 11, 22, 13, 30), None),
        (NIGHT, utc(2026, 11, 22, 20, 59, 59), None),  # 21:59:59 in Berlin
        (NIGHT, utc(2026, 11, 22, 21), utc(2026, 11, 23, 6)),
        (NIGHT, utc(2026, 11, 23, 3), utc(2026, 11, 23, 6)),
        (NIGHT, utc(2026, 11, 23, 6), None),
        # Clocks go forward in the night of 29 March: 07:00 is an hour earlier.
        (NIGHT, utc(2026, 3, 28, 21), utc(2026, 3, 29, 5)),
        (NIGHT, utc(2026, 3, 29, 5), None),
        # And back in that of 25 October: an hour later.
        (NIGHT, utc(2026, 10, 24, 20), utc(2026, 10, 25, 6)),
        (NIGHT, utc(2026, 10, 25, 5, 30), utc(2026, 10, 25, 6)),
    ],
)
def test_when_the_quiet_ends(hours, now, until):
    assert hours.until(now) == until


def test_an_end_that_the_clock_skips_is_when_it_would_have_been():
    hours = QuietHours.of("22:00-02:30", BERLIN)
    assert hours.until(utc(2026, 3, 28, 23)) == utc(2026, 3, 29, 1, 30)


def test_an_end_that_the_clock_shows_twice_is_never_over_while_it_is_quiet():
    hours = QuietHours.of("22:00-02:30", BERLIN)
    assert hours.until(utc(2026, 10, 25, 0, 10)) == utc(2026, 10, 25, 0, 30)  # 02:10, the first time
    assert hours.until(utc(2026, 10, 25, 0, 40)) is None
    assert hours.until(utc(2026, 10, 25, 1, 10)) == utc(2026, 10, 25, 1, 30)  # 02:10 once more


@pytest.mark.parametrize("text", ["22:00", "24:00-07:00", "22-7", "", "22:00-07:60"])
def test_what_is_no_hours_is_refused(text):
    with pytest.raises(ValueError, match="must be hours like 22:00-07:00"):
        QuietHours.of(text, BERLIN)
