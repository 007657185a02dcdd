"""What a price file says that can't be, and what is possible but looks like a slip."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from tracking.domain.cost import per
from tracking.pricing.card import Card, Rates
from tracking.pricing.history import Alias, PriceFile
from tracking.pricing.listed import PriceList
from tracking.pricing.names import is_provider_name, reference
from tracking.pricing.timeline import offered

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
_JUMP: Final = 10  # a price that changes by more is a slip more often than a change
_LEAST: Final = Decimal(
    "0.001"
)  # dollars per million tokens: what the cheapest models cost is ten times that
_DEAREST_FEE: Final = Decimal(1_000)  # dollars per thousand


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something to look at in a price file, on a line that counts from 1."""

    line: int
    what: str
    impossible: bool = False


def check(text: str, prices: PriceList | None = None) -> list[Finding]:
    """Everything there is to find, by line. A file that says something impossible is not used at all."""
    try:
        file = PriceFile(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        return [Finding(int(line[1]) if line else text.count("\n") + 1, str(error), impossible=True)]
    found = {Finding(lines[-1], _with_others(lines, what), impossible=True) for lines, what in file.problems}
    return sorted(found | set(_slips(file, prices or PriceList())))


def _with_others(lines: tuple[int, ...], what: str) -> str:
    return f"{what} (the other one: line {lines[0]})" if len(lines) > 1 else what


def _slips(file: PriceFile, prices: PriceList) -> Iterator[Finding]:
    history = file.history
    for (provider, name), cards in history.cards.items():
        aliases = history.aliases.get((provider, name), [])
        for card in cards:
            said = (*_unfound(provider, name, prices), *_no_url(card.source), *_odd_rates(card))
            yield from (Finding(file.line_of(card), what) for what in said)
        for earlier, later in pairwise(cards):
            said = (*_gap(earlier, later, aliases), *_jumps(earlier, later))
            yield from (Finding(file.line_of(later), what) for what in said)
    for (provider, name), aliases in history.aliases.items():
        for alias in aliases:
            covered = offered(history, prices, provider, alias.target)
            said = (*_unfound(provider, name, prices), *_leads_nowhere(name, alias, covered))
            yield from (Finding(file.line_of(alias), what) for what in said)


def _unfound(provider: str, name: str, prices: PriceList) -> Iterator[str]:
    if not prices.has_provider(provider) and not is_provider_name(provider):
        yield f"unknown provider {provider!r}"
    elif (looked_up := reference(provider, name).model) != name:
        yield f"{name!r} is never found: it is looked up as {looked_up!r}"


def _no_url(source: str) -> Iterator[str]:
    if not re.match(r"https?://[^\s/]+\.[^\s/]+", source):
        yield f"the source {source!r} is no URL"


def _odd_rates(card: Card) -> Iterator[str]:
    """Rates in units of their own, in any situation. One finding a rate."""
    for situation in card.situations():
        rates = card.rates_in(situation)
        for name, rate in rates.items():
            if per(name) == 1_000 and rate > _DEAREST_FEE:
                yield f"{name} at ${rate / 1_000:f} each looks like a price per thousand"
            elif per(name) > 1_000 and 0 < rate < _LEAST:
                yield f"{name} at ${rate:f} per million looks like a price per token or per thousand"
        yield from _odd_pairs(rates)


def _odd_pairs(rates: Rates) -> Iterator[str]:
    whole, output = rates.get("input_tokens"), rates.get("output_tokens")
    if whole and output and output * 100 < whole:
        yield f"output at ${output:f} is cheaper than a hundredth of the input at ${whole:f}"
    cached = rates.get("cache_read_input_tokens")
    if whole is not None and cached is not None and cached > whole:
        yield f"reading a cache at ${cached:f} is dearer than the input at ${whole:f}"


def _jumps(earlier: Card, later: Card) -> Iterator[str]:
    for name in earlier.rates.keys() & later.rates.keys():
        before, after = earlier.rates[name], later.rates[name]
        if before and after and max(before, after) / min(before, after) > _JUMP:
            yield f"{name} of {later.model} went from ${before:f} to ${after:f}: more than {_JUMP} times"


def _gap(earlier: Card, later: Card, aliases: Sequence[Alias]) -> Iterator[str]:
    for span in _uncovered(earlier.until, later.since, aliases):
        yield f"{later.model} has no price {span}"


def _leads_nowhere(name: str, alias: Alias, cards: Sequence[Card]) -> Iterator[str]:
    if not cards:
        yield f"{name} means {alias.target}, which has no price"
    for span in _uncovered(alias.since, alias.until, cards) if cards else ():
        yield f"{name} means {alias.target}, which has no price {span}"


def _uncovered(
    since: datetime | None, until: datetime | None, periods: Sequence[Card | Alias]
) -> Iterator[str]:
    """In words, what the periods leave open from `since` to `until`. An open beginning asks for nothing."""
    at, end = since, until or _END
    for period in sorted(periods, key=lambda each: each.since or _BEGINNING):
        if at is not None and at < min(period.since or _BEGINNING, end):
            yield _span(at, min(period.since or _BEGINNING, end))
        at = max(filter(None, (at, period.until or _END)))
    if at is not None and at < end:
        yield _span(at, end)


def _span(since: datetime, until: datetime) -> str:
    return f"from {since:%Y-%m-%d %H:%M} " + ("on" if until == _END else f"to {until:%Y-%m-%d %H:%M}")
