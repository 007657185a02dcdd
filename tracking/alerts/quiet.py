"""Hours of the day at which nobody wants to be told anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

_CLOCK: Final = r"([01]\d|2[0-3]):([0-5]\d)"
_HOURS: Final = re.compile(rf"{_CLOCK}\s*-\s*{_CLOCK}")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` (inclusive) to `end` (exclusive) by the wall clock of `zone`, also over midnight."""

    start: time
    end: time
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError(f"quiet hours that end when they begin ({self.start:%H:%M}) are none")

    @classmethod
    def of(cls, text: str, zone: ZoneInfo) -> Self:
        """Read `22:00-07:00`. Raises ValueError."""
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"must be hours like 22:00-07:00, found {text!r}")
        start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
        return cls(time(start_hour, start_minute), time(end_hour, end_minute), zone)

    def until(self, now: datetime) -> datetime | None:
        """When the quiet ends, in UTC, if it is quiet now; else None."""
        local = now.astimezone(self.zone)
        clock = local.time()
        over_midnight = self.end < self.start
        quiet = clock >= self.start or clock < self.end if over_midnight else self.start <= clock < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1) if over_midnight and clock >= self.start else local.date()
        end = datetime.combine(day, self.end, self.zone).astimezone(UTC)
        # In the hour that a clock shows twice, the first such end may be over.
        return (
            end if end > now else datetime.combine(day, self.end.replace(fold=1), self.zone).astimezone(UTC)
        )

    def __str__(self) -> str:
        return f"from {self.start:%H:%M} to {self.end:%H:%M} ({self.zone.key})"
