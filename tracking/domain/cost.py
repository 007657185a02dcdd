"""What a call cost, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tracking.domain.money import usd
from tracking.domain.usage import TokenUsage

REQUESTS = "requests"  # the name of a fee on every call, which no usage counts
_BY_THE_THOUSAND = frozenset({REQUESTS, "web_search_requests"})


def per(name: str) -> int:
    """How many of a count its rate is for."""
    return 1_000 if name in _BY_THE_THOUSAND else 1_000_000


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
        since, until: the period of these rates (inclusive, exclusive); None: open, or not said by the source.
        card: a fingerprint of the whole price card that the rates were taken from.
    """

    provider: str
    model: str
    source: str
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    note: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    card: str | None = None

    def lines(self, usage: TokenUsage, requests: int = 1) -> list[Line]:
        """The arithmetic: unrounded, the lines' amounts add up to the cost's.

        `usage` may be the sum of many `requests` at these rates.
        """
        charged = {**usage.apart(self.rates), REQUESTS: requests}
        return [
            Line(name, charged[name], rate, per(name)) for name, rate in self.rates.items() if name in charged
        ]

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it: rates as text, or they would lose digits; times in ISO 8601."""
        return {
            "provider": self.provider,
            "model": self.model,
            "source": self.source,
            "rates": {name: f"{rate:f}" for name, rate in self.rates.items()},
            "note": self.note,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "card": self.card,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """`count` of something at `rate` US dollars per `per` of it."""

    name: str
    count: int
    rate: Decimal
    per: int

    @property
    def amount(self) -> Decimal:
        """US dollars, not rounded."""
        return self.count * self.rate / self.per


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
