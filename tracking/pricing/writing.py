"""A card as an entry of a price file: what `entries` reads, the other way round."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal

from tracking.pricing.card import Card, Change, Rates, Tier
from tracking.pricing.entries import DAYS, RATES


def entry(card: Card, aliases: Iterable[str] = ()) -> str:
    """One [[price]] with everything the card says, as text that ends with a line break."""
    return "\n".join([*_price(card, tuple(aliases)), ""])


def _price(card: Card, aliases: tuple[str, ...]) -> Iterator[str]:
    yield "[[price]]"
    yield f"provider = {_text(card.provider)}"
    yield f"model = {_text(card.model)}"
    if aliases:
        yield f"aliases = [{', '.join(map(_text, aliases))}]"
    if card.since is not None:
        yield f"from = {day(card.since)}"
    if card.until is not None:
        yield f"until = {day(card.until)}"
    yield f"source = {_text(card.source)}"
    if card.note is not None:
        yield f"note = {_text(card.note)}"
    yield from _rates(card.rates)
    yield from _tiers("price", card.tiers)
    for name, service in card.services.items():
        yield from _change(f"price.service.{_text(name)}", service, ("[", "]"))
    for window in card.windows:
        yield "[[price.window]]"
        yield f"start = {_clock(window.start)}"
        yield f"end = {_clock(window.end)}"
        yield f"days = [{', '.join(_text(DAYS[day]) for day in sorted(window.days))}]"
        yield from _change("price.window", window.change)


def _change(table: str, change: Change, brackets: tuple[str, str] | None = None) -> Iterator[str]:
    if brackets is not None:
        yield f"{brackets[0]}{table}{brackets[1]}"
    if change.factor != 1:
        yield f"factor = {_number(change.factor)}"
    yield from _rates(change.rates)
    yield from _tiers(table, change.tiers)


def _tiers(table: str, tiers: Iterable[Tier]) -> Iterator[str]:
    for tier in tiers:
        yield f"[[{table}.tier]]"
        yield f"above = {tier.above}"
        yield from _rates(tier.rates)


def _rates(rates: Rates) -> Iterator[str]:
    for key, (name, times) in RATES.items():
        if name in rates:
            yield f"{key} = {_number(rates[name] / times)}"


def day(moment: datetime) -> str:
    """A day where it is the day's first moment, in UTC."""
    utc = moment.astimezone(UTC)
    return utc.date().isoformat() if utc.time() == time() else utc.isoformat()


def _clock(moment: time) -> str:
    return moment.isoformat("seconds")


def _number(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _text(text: str) -> str:
    """TOML's basic strings are JSON's, but for one character that JSON lets stand."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
