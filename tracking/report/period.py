"""The periods that spending is told for: whole days of the viewer's, and what each is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

ALL: Final = "all"
MONTH: Final = "month"
_DAYS: Final = {"7": 7, "30": 30, "90": 90, "365": 365}
# As they are chosen from: what stands in the URL, and what it is called.
CHOICES: Final[Mapping[str, str]] = {
    **{name: f"{days} days" for name, days in _DAYS.items()},
    MONTH: "This month",
    ALL: "All",
}
_QUARTER: Final = 15  # minutes: sums are kept for each, so that no single call has to be read


@dataclass(frozen=True, slots=True)
class Period:
    """A range of days, and the one before it that it is compared with.

    Attributes:
        words: `in 30 days`, `this month`; empty for all that there is.
        since: inclusive; None: from the beginning.
        until: exclusive; None: open.
        before: as much time as has passed of the period, just before it; None: there is nothing before.
        before_words: `the 30 days before`.
    """

    words: str
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, datetime] | None = None
    before_words: str = ""

    @property
    def filters(self) -> dict[str, Any]:
        """As the ledger is asked for it."""
        bounds = {"since": self.since, "until": self.until}
        return {name: time for name, time in bounds.items() if time is not None}


def period(choice: str, now: datetime, zone: tzinfo) -> Period:
    """The period of that name, today included.

    The last day of it is not over; so the one before is cut at the same time of day, to a quarter of an hour.
    """
    local = now.astimezone(zone)
    today = local.date()
    until = midnight(today + timedelta(days=1), zone)
    if choice == MONTH:
        first = today.replace(day=1)
        earlier = (first - timedelta(days=1)).replace(day=1)
        words, before_words = "this month", f"as much of {earlier:%B}"
    elif choice in _DAYS:
        days = _DAYS[choice]
        first = today - timedelta(days=days - 1)
        earlier = first - timedelta(days=days)
        words, before_words = f"in {days} days", f"the {days} days before"
    else:
        return Period("")
    since = midnight(first, zone)
    cut = local.replace(minute=local.minute // _QUARTER * _QUARTER, second=0, microsecond=0)
    end = datetime.combine(earlier + (today - first), cut.time(), tzinfo=zone)
    before = (midnight(earlier, zone), min(end, since))
    return Period(words, since, until, before if before[0] < before[1] else None, before_words)


def midnight(day: date, zone: tzinfo) -> datetime:
    """When a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)
