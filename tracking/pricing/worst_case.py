"""The most that a call can cost, before it is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from tracking.domain.cost import Cost, CostState
from tracking.domain.usage import TokenUsage
from tracking.pricing.book import PriceBook

_PRICED: Final = (CostState.KNOWN, CostState.FREE)


def dearest(
    book: PriceBook,
    model: str,
    *,
    provider: str,
    input_tokens: int,
    output_tokens: int,
    at: datetime,
    service_tier: str | None = None,
    writes_cache: bool = False,
) -> Cost:
    """The cost of a call that uses all it may: no input comes from a cache, all output is written.

    Where it asks for its input to be kept in a cache, writing that there may cost more than reading it does:
    the dearest of the ways in which it may be billed is taken.
    """
    usages = [TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens)]
    if writes_cache:
        kept = replace(usages[0], cache_creation_input_tokens=input_tokens)
        usages += [kept, replace(kept, cache_creation_1h_input_tokens=input_tokens)]
    costs = [
        book.price(model, usage, provider=provider, at=at, service_tier=service_tier) for usage in usages
    ]
    priced = [cost for cost in costs if cost.state in _PRICED]
    return max(priced, key=lambda cost: cost.nano_usd or 0) if priced else costs[0]
