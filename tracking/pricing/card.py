"""What a model costs during one period, and which of its rates a single call falls under.

Rates are US dollars per million tokens, and per thousand of what is counted in requests. They are keyed by
the names of the counts they are charged for (`TokenUsage`), and by `requests` for a fee on every call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from hashlib import sha256
from itertools import product
from typing import NamedTuple

from tracking.domain.cost import per

Rates = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Tier:
    """Rates of a request with more input tokens than `above`, cache included, for all its tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Change:
    """What a service tier or a time of day makes of the rates: a factor on tokens, then rates of its own."""

    factor: Decimal = Decimal(1)
    rates: Rates = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()

    def on(self, rates: Rates, above: int) -> dict[str, Decimal]:
        changed = {n: rate * self.factor if per(n) == 1_000_000 else rate for n, rate in rates.items()}
        return _reached(changed | dict(self.rates), self.tiers, above)


@dataclass(frozen=True, slots=True)
class Window:
    """A time of day in UTC, `start` inclusive, `end` exclusive, past midnight where it ends before it starts.

    `days` are the weekdays on which it starts, Monday 0.
    """

    start: time
    end: time
    change: Change
    days: frozenset[int] = frozenset(range(7))

    def covers(self, at: datetime) -> bool:
        at = at.astimezone(UTC)
        moment, day = at.time(), at.weekday()
        if self.start < self.end:
            return self.start <= moment < self.end and day in self.days
        if moment >= self.start:
            return day in self.days
        return moment < self.end and (day - 1) % 7 in self.days


class Situation(NamedTuple):
    """What decides among a card's rates: the tier reached (-1: none), the service tier, the window."""

    above: int = -1
    service: str | None = None
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A model's prices from `since` (inclusive) to `until` (exclusive); None: open.

    Attributes:
        provider, model: canonical names.
        source: the list or page which says so.
        services: by service tier; the standard tier is the card itself.
        windows: the last one that covers a call counts.
    """

    provider: str
    model: str
    rates: Rates
    source: str
    since: datetime | None = None
    until: datetime | None = None
    note: str | None = None
    tiers: tuple[Tier, ...] = ()
    services: Mapping[str, Change] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()

    def covers(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def situation(self, input_tokens: int, service: str | None, at: datetime) -> Situation:
        """Raises: KeyError: the card has no price for that service tier."""
        window = None
        if self.windows:
            covering = [number for number, each in enumerate(self.windows) if each.covers(at)]
            window = covering[-1] if covering else None
        tiers = self._tiers(service, window)
        above = max((tier.above for tier in tiers if input_tokens > tier.above), default=-1)
        return Situation(above, service, window)

    def situations(self) -> Iterator[Situation]:
        """All that may decide among its rates."""
        windows = (None, *range(len(self.windows)))
        for service, window in product((None, *self.services), windows):
            for above in (-1, *(tier.above for tier in self._tiers(service, window))):
                yield Situation(above, service, window)

    def rates_in(self, situation: Situation) -> dict[str, Decimal]:
        above, service, window = situation
        rates = _reached(dict(self.rates), self.tiers, above)
        if service is not None:
            rates = self.services[service].on(rates, above)
        if window is not None:
            rates = self.windows[window].change.on(rates, above)
        return rates

    def _tiers(self, service: str | None, window: int | None) -> tuple[Tier, ...]:
        of_service = () if service is None else self.services[service].tiers
        of_window = () if window is None else self.windows[window].change.tiers
        return (*self.tiers, *of_service, *of_window)

    def fingerprint(self) -> str:
        """Twelve digits that change with anything the card says."""
        return sha256(json.dumps(self, default=_plain, sort_keys=True).encode()).hexdigest()[:12]


def _reached(rates: dict[str, Decimal], tiers: tuple[Tier, ...], above: int) -> dict[str, Decimal]:
    for tier in tiers:
        if tier.above <= above:
            rates |= tier.rates
    return rates


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime | time):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]  # a dataclass of ours
