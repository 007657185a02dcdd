"""How long a call has waited, and for what."""

from __future__ import annotations

import time
from typing import Final

from tracking.domain.standing import Refusal

_RECLAIM_SECONDS: Final = 1.0  # between looks for dead processes while a call waits for what they hold
_SHORTEST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.5
_LEDGER_PATIENCE_SECONDS: Final = 30.0
_SILENT_SECONDS: Final = 5.0  # most calls end sooner: only a longer wait for them is worth telling


class Wait:
    """Of one call.

    Attributes:
        told: what somebody was told that it waits for; None: nothing yet.
    """

    def __init__(self) -> None:
        self.told: Refusal | None = None
        self._pause = _SHORTEST_PAUSE
        self._began = time.monotonic()
        self._refused_at: float | None = None
        self._looked = float("-inf")
        self._no_ledger_since: float | None = None

    @property
    def is_long(self) -> bool:
        return time.monotonic() - self._began > _SILENT_SECONDS

    def has_no_ledger(self) -> bool:
        """Whether the database has been away for too long."""
        if self._no_ledger_since is None:
            self._no_ledger_since = time.monotonic()
        return time.monotonic() - self._no_ledger_since > _LEDGER_PATIENCE_SECONDS

    def looks_for_the_dead(self) -> bool:
        """Whether it is time to; the database has answered, or nothing could be looked for."""
        self._no_ledger_since = None
        if (now := time.monotonic()) - self._looked < _RECLAIM_SECONDS:
            return False
        self._looked = now
        return True

    def is_over(self, seconds: float) -> bool:
        """Whether nobody raised the limit in time, counted from when this was first asked."""
        if self._refused_at is None:
            self._refused_at = time.monotonic()
        return time.monotonic() - self._refused_at >= seconds

    def pause(self) -> float:
        """Seconds until the next try: few at first, for most calls are short."""
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return pause
