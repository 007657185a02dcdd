"""What recorded calls would have cost otherwise: on another model, in another tier, with more of a cache.

A replay changes nothing: it prices the counts that were recorded. Another model would have counted its tokens
otherwise and answered otherwise; neither that nor the answers' quality is modelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np

from tracking.domain.cost import CostState
from tracking.domain.money import usd
from tracking.domain.usage import COUNTS
from tracking.pricing.book import PriceBook
from tracking.pricing.bulk import STATES, price_table
from tracking.pricing.columns import CallTable, Flags, Integers, call_table

OWN: Final = ""  # the service tier of each call itself
COLUMNS: Final = (
    "provider_name", "request_model", "response_model", "service_tier", "started_at", "operation_name",
    "cost_nano_usd", "cost_state", *COUNTS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is to be different.

    Attributes:
        model, provider: another model; None: each call's own.
        service_tier: `flex`, `batch` ...; None: the standard one; `OWN`: each call's own.
        cached_share: how much of every input is read from a cache, 0 to 1; None: as it was.
        at: the prices of another time; None: of each call's own.
    """

    model: str | None = None
    provider: str | None = None
    service_tier: str | None = OWN
    cached_share: Fraction | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Billed calls as they were: in columns, with what each cost (-1: not known)."""

    table: CallTable
    cost_nano_usd: Integers
    is_chat: Flags

    def __len__(self) -> int:
        return len(self.table)


@dataclass(frozen=True, slots=True)
class Replay:
    """A scenario's outcome, of the calls that could be replayed and whose own cost is known.

    Attributes:
        calls: all that were recorded; `replayed`: how many of them are in the amounts.
        was_nano_usd, would_be_nano_usd: what the replayed ones cost, and would have.
        lower_bounds: how many of the replayed would cost at least what is in the sum.
        left_out: why the others are not, in words, with how many each.
    """

    calls: int
    replayed: int
    was_nano_usd: int
    would_be_nano_usd: int
    lower_bounds: int
    left_out: Mapping[str, int]

    @property
    def saving(self) -> Decimal:
        """US dollars; negative: it would cost more."""
        return usd(self.was_nano_usd - self.would_be_nano_usd)


def recorded(found: Mapping[str, Sequence[Any]]) -> Recorded:
    """Billed calls, from `Ledger.columns(*COLUMNS, billed=1, ...)`."""
    models = [
        served or asked for served, asked in zip(found["response_model"], found["request_model"], strict=True)
    ]
    counts = {name: np.array([np.nan if n is None else n for n in found[name]], float) for name in COUNTS}
    started_at = np.array(found["started_at"], np.int64)
    table = call_table(found["provider_name"], models, found["service_tier"], started_at, counts)
    costs = np.array([-1 if cost is None else cost for cost in found["cost_nano_usd"]], np.int64)
    is_chat = np.array([name == "chat" for name in found["operation_name"]], bool)
    return Recorded(table, costs[table.order], is_chat[table.order])


def replay(book: PriceBook, calls: Recorded, scenario: Scenario) -> Replay:
    """Price recorded calls under a scenario."""
    table = calls.table
    left_out: dict[str, Flags] = {
        "its token usage is not known": table.unknown,
        "what it cost itself is not known": calls.cost_nano_usd < 0,
    }
    if scenario.model is not None:
        left_out |= _cannot(book, calls, scenario)
    if scenario.cached_share is not None:
        table = _cached(table, scenario.cached_share)
    priced = price_table(
        book,
        table,
        at=scenario.at,
        model=scenario.model,
        provider=scenario.provider,
        service_tier=scenario.service_tier,
    )
    left_out["there is no price for it"] = priced.unpriced
    in_it, reasons = np.ones(len(calls), bool), {}
    for reason, flags in left_out.items():  # each call is left out for one reason, the plainest first
        if count := int((flags & in_it).sum()):
            reasons[reason] = count
        in_it &= ~flags
    partial = priced.states == STATES.index(CostState.PARTIAL)
    return Replay(
        calls=len(calls),
        replayed=int(in_it.sum()),
        was_nano_usd=int(calls.cost_nano_usd[in_it].sum()),
        would_be_nano_usd=int(priced.nano_usd[in_it].sum()),
        lower_bounds=int((partial & in_it).sum()),
        left_out=reasons,
    )


def _cannot(book: PriceBook, calls: Recorded, scenario: Scenario) -> dict[str, Flags]:
    """Calls that the other model could not have taken."""
    assert scenario.model is not None
    counts, nothing = calls.table.counts, np.zeros(len(calls), np.int64)
    cannot: dict[str, Flags] = {"it was no chat": ~calls.is_chat}
    window = book.context_window(scenario.model, provider=scenario.provider)
    if window is not None:
        cannot[f"its input is larger than the {window:,} tokens the model takes"] = (
            counts.get("input_tokens", nothing) > window
        )
    heard = counts.get("input_audio_tokens", nothing) + counts.get("output_audio_tokens", nothing)
    cards = book.cards(scenario.model, provider=scenario.provider)
    if not any("input_audio_tokens" in card.rates for card in cards):
        cannot["it has audio, for which the model has no price"] = heard > 0
    return cannot


def _cached(table: CallTable, share: Fraction) -> CallTable:
    """The same calls with that share of their input, rounded down, read from a cache, and none written."""
    tokens = table.counts["input_tokens"]
    changed = {
        **table.counts,
        "cache_read_input_tokens": tokens * share.numerator // share.denominator,
        **{name: np.zeros_like(tokens) for name in COUNTS if name.startswith("cache_creation")},
    }
    return replace(table, counts=changed, odd={})
