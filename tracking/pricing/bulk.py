"""Many calls priced at once, each to the nano-dollar what it would cost alone.

Calls under one card lie side by side in the table: their cost is a few multiplications of whole columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from math import gcd
from typing import Final

import numpy as np
import numpy.typing as npt

from tracking.domain.cost import Cost, CostState
from tracking.domain.usage import COUNTS
from tracking.pricing.book import STANDARD_TIERS, PriceBook
from tracking.pricing.card import Card, Situation
from tracking.pricing.columns import CallTable, Flags, Group, Integers
from tracking.pricing.offer import Offer
from tracking.pricing.quote import PER_NANO, Quote

STATES: Final = tuple(CostState)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400_000_000  # microseconds
_THURSDAY: Final = 3  # the weekday of 1 January 1970
_MOST: Final = 2.0**62  # what a column of sums may reach without running over


@dataclass(slots=True)
class PricedTable:
    """Costs in the table's order: nano-dollars, 0 where unpriced, and the states' numbers in `STATES`."""

    nano_usd: Integers
    states: npt.NDArray[np.int8]

    @property
    def unpriced(self) -> Flags:
        flags: Flags = self.states == STATES.index(CostState.UNPRICED)
        return flags


def price_table(
    book: PriceBook,
    table: CallTable,
    *,
    at: datetime | None = None,
    model: str | None = None,
    provider: str | None = None,
    service_tier: str | None = "",
) -> PricedTable:
    """Price every call of the table, each at its own time, or all of them `at` another.

    Args:
        book: whose prices.
        table: the calls.
        at: None: each call's own time.
        model: price them as calls of this model; None: of their own.
        provider: whose model that is.
        service_tier: price them in this tier, None being the standard one; "": in their own.
    """
    rows = len(table)
    states = np.full(rows, STATES.index(CostState.UNPRICED), np.int8)
    priced = PricedTable(np.zeros(rows, np.int64), states)
    for group in table.groups:
        billed = group._replace(service_tier=group.service_tier if service_tier == "" else service_tier)
        if model is not None:
            billed = billed._replace(provider=provider, model=model)
        _price_group(book, table, billed, at, priced)
    return priced


def _price_group(
    book: PriceBook, table: CallTable, group: Group, at: datetime | None, priced: PricedTable
) -> None:
    offers = book.offers(group.model, provider=group.provider)
    if isinstance(offers, Cost):
        priced.states[group.rows] = STATES.index(offers.state)
        return
    service = None if group.service_tier in STANDARD_TIERS else group.service_tier
    for offer in offers:
        rows = _within(offer.card, table, group.rows, at)
        if rows.start < rows.stop and (service is None or service in offer.card.services):
            for part, quote in _situations(offer, table, rows, service, at):
                _charge(quote, table, part, priced)
    for row in (row for row in table.odd if group.rows.start <= row < group.rows.stop):
        cost = book.price(
            group.model,
            table.odd[row],
            provider=group.provider,
            at=at or _EPOCH + timedelta(microseconds=int(table.started_at[row])),
            service_tier=group.service_tier,
        )
        priced.nano_usd[row], priced.states[row] = cost.nano_usd or 0, STATES.index(cost.state)
    unknown = group.rows.start + np.flatnonzero(table.unknown[group.rows])
    priced.nano_usd[unknown], priced.states[unknown] = 0, STATES.index(CostState.UNPRICED)


def _within(card: Card, table: CallTable, rows: slice, at: datetime | None) -> slice:
    """The rows for which the card holds: the rows of a group are in the order of time."""
    if at is not None:
        return rows if card.covers(at) else slice(0, 0)
    times = table.started_at[rows]
    start = 0 if card.since is None else int(np.searchsorted(times, _micros(card.since)))
    stop = len(times) if card.until is None else int(np.searchsorted(times, _micros(card.until)))
    return slice(rows.start + start, rows.start + stop)


def _situations(
    offer: Offer, table: CallTable, rows: slice, service: str | None, at: datetime | None
) -> Iterator[tuple[slice | Integers, Quote]]:
    """The rows apart by what decides among the card's rates."""
    card = offer.card
    steps = sorted({each.above for each in card.situations() if each.service == service and each.above >= 0})
    if not steps and not card.windows:
        yield rows, offer.quote_in(Situation(-1, service))
        return
    level = np.searchsorted(np.array(steps, np.int64), table.counts["input_tokens"][rows])
    window = _windows(card, table.started_at[rows], at)
    for step, number in sorted(set(zip(level.tolist(), window.tolist(), strict=True))):
        above = steps[step - 1] if step else -1
        situation = Situation(above, service, None if number < 0 else number)
        part = rows.start + np.flatnonzero((level == step) & (window == number))
        yield part, offer.quote_in(situation)


def _windows(card: Card, started_at: Integers, at: datetime | None) -> Integers:
    """For every row the number of the window it is in, the last one that covers it; -1: none."""
    found = np.full(len(started_at), -1, np.int64)
    times = started_at if at is None else np.full(len(started_at), _micros(at), np.int64)
    day, moment = np.divmod(times, _DAY)
    for number, window in enumerate(card.windows):
        starts_on = np.isin((day + _THURSDAY) % 7, list(window.days))
        began_before = np.isin((day - 1 + _THURSDAY) % 7, list(window.days))
        start, end = _since_midnight(window.start), _since_midnight(window.end)
        if start < end:
            covered = (moment >= start) & (moment < end) & starts_on
        else:
            covered = ((moment >= start) & starts_on) | ((moment < end) & began_before)
        found[covered] = number
    return found


def _charge(quote: Quote, table: CallTable, rows: slice | Integers, priced: PricedTable) -> None:
    if quote.unpriced:
        return
    weights = {name: weight for name, weight in zip(COUNTS, quote.weights, strict=True) if weight}
    columns = {name: table.counts[name][rows] for name in weights if name in table.counts}
    scale = gcd(PER_NANO, quote.fixed, *weights.values())
    most = sum(float(column.max(initial=0)) * abs(weights[name]) for name, column in columns.items())
    exact = np.int64 if most + quote.fixed < _MOST else object  # Python's integers don't run over
    amount = np.full(len(table.started_at[rows]), quote.fixed // scale, exact)
    for name, column in columns.items():
        amount += column.astype(exact, copy=False) * (weights[name] // scale)
    priced.nano_usd[rows] = _rounded(amount, PER_NANO // scale)
    priced.states[rows] = STATES.index(CostState.FREE if quote.free else CostState.KNOWN)
    for name in quote.unrated:
        if name in table.counts and (gaps := np.flatnonzero(table.counts[name][rows])).size:
            where = gaps + rows.start if isinstance(rows, slice) else rows[gaps]
            priced.states[where] = STATES.index(CostState.PARTIAL)


def _rounded(amount: Integers, divisor: int) -> Integers:
    """Half to even, as `domain.money` does it."""
    if divisor == 1:
        return amount
    whole: Integers = amount // divisor
    rest = 2 * (amount - whole * divisor)
    whole += (rest > divisor) | ((rest == divisor) & (whole % 2 == 1))
    return whole


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _since_midnight(moment: time) -> int:
    return _micros(datetime.combine(_EPOCH, moment, UTC))
