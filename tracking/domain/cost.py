"""What a call cost, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tracking.domain.money import usd


class CostState(StrEnum):
    """How a cost is to be read."""

    KNOWN = "known"
    FREE = "free"  # a price of 0 is known
    ESTIMATED = "estimated"  # priced from estimated tokens
    PARTIAL = "partial"  # a lower bound: some of it could not be priced
    UNPRICED = "unpriced"  # no price is known: the amount is None, never 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an amount was computed. Holds no content.

    Attributes:
        provider: whose price list was used.
        model: the model's canonical name in that list.
        source: the list and its version.
        rates: what applied at the call's time, by the name of the count: US dollars per million tokens, or
            per thousand for `web_search_requests` and `requests`. A count with a rate of its own is not
            charged again as part of a larger one (`TokenUsage.apart`).
        note: what had to be assumed, in a sentence.
    """

    provider: str
    model: str
    source: str
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount in nano-dollars (None when unpriced), its state, and its receipt for a single call."""

    nano_usd: int | None
    state: CostState
    receipt: Receipt | None = None

    def __post_init__(self) -> None:
        if (self.nano_usd is None) != (self.state is CostState.UNPRICED):
            raise ValueError(f"a cost that is {self.state} cannot have the amount {self.nano_usd}")
        if self.state is CostState.FREE and self.nano_usd != 0:
            raise ValueError(f"a free call cannot cost {self.nano_usd} nano-dollars")

    @property
    def amount(self) -> Decimal | None:
        """US dollars, exact; None when unpriced."""
        return None if self.nano_usd is None else usd(self.nano_usd)

    @classmethod
    def unpriced(cls, receipt: Receipt | None = None) -> Cost:
        return cls(None, CostState.UNPRICED, receipt)


def total(costs: Iterable[Cost]) -> Cost:
    """Add costs up. One unpriced among priced ones makes the sum `partial`: at least this much."""
    amounts: list[int] = []
    states: set[CostState] = set()
    for cost in costs:
        states.add(cost.state)
        if cost.nano_usd is not None:
            amounts.append(cost.nano_usd)
    if not amounts:
        return Cost.unpriced() if states else Cost(0, CostState.KNOWN)
    return Cost(sum(amounts), state_of_sum(states))


def state_of_sum(states: set[CostState]) -> CostState:
    """The state of a sum whose parts are in these states. No parts at all are exactly nothing: known."""
    if states & {CostState.UNPRICED, CostState.PARTIAL}:
        return CostState.PARTIAL
    for state in (CostState.ESTIMATED, CostState.KNOWN):
        if state in states:
            return state
    return CostState.FREE if states else CostState.KNOWN
