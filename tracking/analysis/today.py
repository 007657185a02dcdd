"""What calls would cost at the prices in force now: a view, never an edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from tracking.analysis.what_if import recorded
from tracking.domain.call import CallTotals, LlmCall
from tracking.domain.cost import Cost, CostState, state_of_sum, total
from tracking.domain.usage import UsageState
from tracking.pricing.book import PriceBook
from tracking.pricing.bulk import STATES, price_table


@dataclass(frozen=True, slots=True)
class Repriced:
    """The same calls twice.

    Attributes:
        recorded: as they were priced when they were made; nothing changes that.
        now: by the prices of another time.
        unpriced_then, unpriced_now: how many of them have no cost in each.
    """

    calls: int
    recorded: Cost
    now: Cost
    unpriced_then: int
    unpriced_now: int

    @property
    def differs(self) -> bool:
        return (self.recorded.nano_usd, self.recorded.state) != (self.now.nano_usd, self.now.state)


def repriced(calls: Iterable[LlmCall], book: PriceBook, as_of: datetime) -> Repriced:
    """The billed ones among `calls` by the prices in force at `as_of`; the hour that counts is their own."""
    billed = [call for call in calls if call.billed]
    now = [_cost(call, book, as_of) for call in billed]
    return Repriced(
        len(billed),
        total(call.cost for call in billed),
        total(now),
        sum(call.cost.nano_usd is None for call in billed),
        sum(cost.nano_usd is None for cost in now),
    )


def repriced_in_bulk(found: Mapping[str, Sequence[Any]], sums: CallTotals, book: PriceBook) -> Repriced:
    """Any number of billed calls by another book, each at its own time.

    `found` are their columns, from `Ledger.columns(*COLUMNS, billed=1, ...)` with the columns of `what_if`;
    `sums` are the same calls added up, from `Ledger.totals`.
    """
    priced = price_table(book, recorded(found).table)
    states = {STATES[number] for number in np.unique(priced.states)}
    if sums.estimated_requests and CostState.KNOWN in states:
        states.add(CostState.ESTIMATED)
    unpriced = int(priced.unpriced.sum())
    now = Cost.unpriced() if unpriced else Cost(0, CostState.KNOWN)
    if unpriced < len(priced.states):
        now = Cost(int(priced.nano_usd.sum()), state_of_sum(states))
    return Repriced(sums.requests, sums.cost, now, sums.unpriced_requests, unpriced)


def _cost(call: LlmCall, book: PriceBook, as_of: datetime) -> Cost:
    cost = book.price(
        call.billed_model,
        call.usage,
        provider=call.provider_name,
        at=call.started_at,
        service_tier=call.service_tier,
        as_of=as_of,
    )
    if call.usage_state is UsageState.ESTIMATED and cost.state is CostState.KNOWN:
        return Cost(cost.nano_usd, CostState.ESTIMATED, cost.receipt)
    return cost
