"""What calls would cost at the prices in force now: a view, never an edit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tracking.domain.call import LlmCall
from tracking.domain.cost import Cost, CostState, total
from tracking.domain.usage import UsageState
from tracking.pricing.book import PriceBook


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


def repriced(calls: Iterable[LlmCall], book: PriceBook, as_of: datetime | None = None) -> Repriced:
    """The billed ones among `calls` by the prices in force at `as_of`; their own hour still decides on peak.

    `as_of` None: at each call's own time, by another book than theirs.
    """
    billed = [call for call in calls if call.billed]
    now = [_cost(call, book, as_of) for call in billed]
    return Repriced(
        len(billed),
        total(call.cost for call in billed),
        total(now),
        sum(call.cost.nano_usd is None for call in billed),
        sum(cost.nano_usd is None for cost in now),
    )


def _cost(call: LlmCall, book: PriceBook, as_of: datetime | None) -> Cost:
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
