"""When a message that could not be sent is tried again, and when that ends."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Final

_FIRST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(hours=4)
# The waits add up to about a day: nine that double come to 4 h 15 min, five of 4 h follow.
MOST_ATTEMPTS: Final = 15


def wait_after(attempts: int, chance: Random) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, give or take a fifth.

    By chance, so that many who failed together don't come back together.
    """
    doubled = _FIRST * (1 << min(attempts - 1, 20))
    return min(doubled, _LONGEST) * chance.uniform(0.8, 1.2)
