"""What programs that ask no budget spent under one all the same: read from the ledger they record in."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any, Final

from tracking.domain.budget import NOTHING, Amounts, Budget, Per, Span
from tracking.ledger.accounts import Accounts, Share
from tracking.ledger.ledger import Ledger

_FRESH: Final = timedelta(seconds=30)  # calls of other programs count at most so late
_LONGEST_RUN: Final = timedelta(days=1)  # a run that began before a period may call within it
_BY: Final = ("provider_name", "request_model", "response_model")


class Others:
    """Looks at most every half minute for each budget, whoever asks."""

    def __init__(self, ledger: Ledger, accounts: Accounts) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._looked: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def look(self, share: Share) -> None:
        """Bring what others spent up to date, where nobody did lately."""
        if share.budget.per is Per.RUN:  # a run's calls all ask
            return
        with (
            self._lock
        ):  # whoever comes meanwhile waits: nothing may pass an account that was never looked at
            now = time.monotonic()
            if now - self._looked.get(share.place, float("-inf")) < _FRESH.total_seconds():
                return
            if self._accounts.is_stale(share, _FRESH):
                self._accounts.count_others(share, self._in_ledger(share.budget, share.span))
            self._looked[share.place] = now

    def _in_ledger(self, budget: Budget, span: Span) -> Amounts:
        """What the ledger's calls took that count under a budget."""
        filters: dict[str, Any] = {"since": span.since, "until": span.until}
        if budget.preset is not None:
            runs = self._ledger.runs(since=None if span.since is None else span.since - _LONGEST_RUN)
            meant = [run.run_id for run in runs if budget.covers_preset(run.preset)]
            if not meant:
                return NOTHING
            filters["run_id"] = tuple(meant)
        by = (*_BY, "agent_name") if budget.agent is not None else _BY
        found = self._ledger.totals(by=by, **{key: value for key, value in filters.items() if value})
        total = NOTHING
        for key, sums in found.items():
            names = dict(zip(by, key, strict=True))
            models = tuple(filter(None, (names["request_model"], names["response_model"])))
            if budget.covers_call(str(names["provider_name"]), models, names.get("agent_name")):
                total += Amounts(sums.cost.nano_usd or 0, sums.usage.total_tokens or 0, sums.requests)
        return total
