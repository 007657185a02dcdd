"""What a worker does for the ledger beside its runs.

It gives back what dead processes had set aside, adds up new calls, and moves old ones out.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import Final

from tracking.ledger.accounts import Accounts
from tracking.ledger.ledger import Ledger
from tracking.ledger.retention import Retention
from tracking.settings import Settings

logger = logging.getLogger(__name__)

_CATCH_UP_SECONDS: Final = 10.0
_MOVE_OUT_SECONDS: Final = 3_600.0
_LEAVE_SECONDS: Final = 2.0


class Housekeeping:
    """A thread of its own, so that nothing waits for it."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._accounts = Accounts(ledger)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End soon. Each step is a transaction: one that takes too long is given up."""
        self._ended.set()
        self._ledger.upkeep.stop()
        if self._thread.ident is not None:
            self._thread.join(_LEAVE_SECONDS)

    def _work(self) -> None:
        move_out_at = time.monotonic()
        while not self._ended.wait(_CATCH_UP_SECONDS):
            try:
                self._accounts.reclaim()
                # Answers are right without it: for a few calls nobody has to wait for the database.
                if self._ledger.upkeep.has_much_to_do():
                    self._ledger.upkeep.catch_up()
                if time.monotonic() >= move_out_at:
                    move_out_at = time.monotonic() + _MOVE_OUT_SECONDS
                    tidy(self._settings, self._ledger)
            except Exception:  # a ledger that is away for a moment must not end the worker
                logger.exception("the ledger could not be tidied up")


def tidy(settings: Settings, ledger: Ledger) -> int:
    """Have the calls leave that stayed long enough, by the settings. Returns how many.

    Raises:
        LedgerError: the ledger or its archive can't be read or written.
    """
    if settings.keep_calls_days is None:
        return 0
    retention, moved = Retention(ledger), 0
    for month in retention.due(settings.keep_calls_days, datetime.now(UTC)):
        moved += retention.move_out(month, keep=settings.archive_calls)
        logger.info("the calls of %s left the database", f"{month:%B %Y}")
    return moved
