"""The most that a call can take of a budget: its input counted, and all the output it may have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracking.capture.bounds import Bounds
from tracking.capture.gate import Asking
from tracking.domain.budget import Amounts, Budget, OnUnpriced, Unit
from tracking.domain.cost import CostState
from tracking.pricing.book import PriceBook
from tracking.pricing.worst_case import dearest

_NO_LIMIT: Final = (
    "the request names no limit for its answer (max_tokens), and the model's context window is not known"
)


@dataclass(frozen=True, slots=True)
class Most:
    """What a call takes at most. None: nobody can tell, and `why` says what is in the way."""

    nano_usd: int | None
    tokens: int | None
    why: str = ""

    def share_of(self, budget: Budget) -> Amounts | None:
        """What is set aside for it in a budget; None: the budget lets no such call pass."""
        limits = budget.limits
        unknown = (Unit.NANO_USD in limits and self.nano_usd is None) or (
            Unit.TOKENS in limits and self.tokens is None
        )
        if unknown and budget.on_unpriced is OnUnpriced.BLOCK:
            return None
        if budget.on_unpriced is OnUnpriced.COUNT_TOKENS and self.tokens is None:
            return None
        return Amounts(self.nano_usd or 0, self.tokens or 0, 1)


def most(asking: Asking, found: Bounds, book: PriceBook, at: datetime) -> Most:
    """What a request takes at most by the prices of a time."""
    tokens, why = _tokens(asking, found, book)
    # A model that is free stays so however much is said to it.
    read, written = (0, 0) if tokens is None else tokens
    cost = dearest(
        book,
        asking.model,
        provider=asking.provider_name,
        input_tokens=read,
        output_tokens=written,
        at=at,
        service_tier=found.service_tier,
        writes_cache=found.writes_cache,
    )
    total = None if tokens is None else sum(tokens)
    if cost.state is CostState.FREE and (total is not None or not cost.nano_usd):
        return Most(0, total, why)
    if tokens is None:
        return Most(None, None, why)
    if cost.state is CostState.KNOWN:
        return Most(cost.nano_usd, total)
    reason = cost.receipt.note if cost.receipt is not None and cost.receipt.note else "no list has its price"
    return Most(None, total, f"{asking.model}: {reason}")


def _tokens(asking: Asking, found: Bounds, book: PriceBook) -> tuple[tuple[int, int] | None, str]:
    """Input and output at most; or None, and why."""
    if found.input_tokens is None:
        return None, f"{asking.model}: {found.gap}"
    if found.output_tokens is not None:
        return (found.input_tokens, found.output_tokens * found.answers), ""
    window = book.context_window(asking.model, provider=asking.provider_name)
    if window is None:
        return None, f"{asking.model}: {_NO_LIMIT}"
    # The whole window: of some models it is the input's alone.
    return (found.input_tokens, window * found.answers), ""
