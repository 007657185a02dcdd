"""Bounding what is read call by call: how far back the newest so many calls of a ledger reach."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from tracking.ledger.ledger import Ledger

_STEP: Final = timedelta(minutes=15)  # sums are kept for each: the question costs the same at any size


def billed_since(ledger: Ledger, since: datetime | None, until: datetime | None = None) -> int:
    """How many calls that began in a range were billed; `since` inclusive, `until` exclusive."""
    bounds: dict[str, Any] = {"since": since, "until": until}
    given = {name: time for name, time in bounds.items() if time is not None}
    return sum(ledger.sums("requests", **given)["requests"])


def reaching_back(ledger: Ledger, since: datetime, until: datetime, most: int) -> datetime:
    """From when on at most so many calls were billed: `since`, or a later time, to a quarter of an hour.

    `until`, when even the last quarter of an hour has more.
    """
    steps = -(-(until - since) // _STEP)  # rounded up
    low, high = 0, steps  # the answer is among them
    while low < high:
        middle = (low + high) // 2
        if billed_since(ledger, since + middle * _STEP) <= most:
            high = middle
        else:
            low = middle + 1
    return min(since + low * _STEP, until)
