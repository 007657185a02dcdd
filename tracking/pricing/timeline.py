"""All that is known of one model's prices, from first to last: our dated history, then the public list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from tracking.pricing.card import Card
from tracking.pricing.history import Alias, History
from tracking.pricing.listed import PriceList
from tracking.pricing.names import (
    Reference,
    bare,
    canonical,
    is_for_government,
    snapshot_day,
    with_dashes,
    without_region,
)

# Where one provider sells another's models at that one's prices.
_SOLD_BY: Final = {"azure": ("openai",), "google": ("anthropic",)}
_RESELLERS: Final = frozenset({"azure", "aws", "openrouter"})
# Providers whose dated snapshots cost what the name without the date does; others list every snapshot.
_DATED_ALIKE: Final = frozenset({"anthropic", "aws", "google"})


def timeline(history: History, prices: PriceList, wanted: Reference) -> list[Card] | str:
    """A model's cards, oldest first and without overlaps, or in words why there is none."""
    named = wanted.provider
    # What an endpoint of one's own charges is in no public list, but may be in one's own.
    provider = (canonical(named) or named) if named else _provider_of(history, prices, wanted.model)
    cards = [] if provider is None else _named(history, prices, provider, wanted.model)
    if cards:
        return cards
    if named and canonical(named) is None:
        return f"no price list covers {named}"
    return f"{wanted.model} is in no price list"


def _provider_of(history: History, prices: PriceList, model: str) -> str | None:
    names = {model, without_region(model), with_dashes(model)}
    named = {provider for provider, name in (*history.cards, *history.aliases) if name in names}
    sellers = sorted(named - _RESELLERS) or sorted(named)
    return sellers[0] if len(sellers) == 1 else prices.provider_of(model)


def _named(history: History, prices: PriceList, provider: str, name: str) -> list[Card]:
    """What the name meant at each time, and the name's own cards for the times at which it meant no other."""
    aliases = history.aliases.get((provider, name), [])
    gaps = _gaps(aliases)
    if aliases and not _dated(history, provider, name):
        # The list knows what the name means now, and nothing of what it meant before we last saw it move.
        gaps = [gap for gap in gaps if gap[1] is None]
    own = offered(history, prices, provider, name) if gaps else []
    cards = [part for card in own for gap in gaps if (part := _clipped(card, *gap))]
    for alias in aliases:
        target = offered(history, prices, provider, alias.target)
        cards += [part for card in target if (part := _clipped(card, alias.since, alias.until))]
    return sorted(cards, key=lambda card: card.since.timestamp() if card.since else float("-inf"))


def _gaps(aliases: Sequence[Alias]) -> list[tuple[datetime | None, datetime | None]]:
    """The periods that aliases, in the order of time, leave open."""
    if not aliases:
        return [(None, None)]
    before = [] if aliases[0].since is None else [(None, aliases[0].since)]
    between = [(one.until, other.since) for one, other in pairwise(aliases) if one.until != other.since]
    after = [] if aliases[-1].until is None else [(aliases[-1].until, None)]
    return [*before, *between, *after]


def offered(history: History, prices: PriceList, provider: str, name: str) -> list[Card]:
    """Our history of a name is all of it: where it has no card, the name was not offered."""
    if cards := _dated(history, provider, name):
        return cards
    return [] if is_for_government(name) else prices.cards(provider, name)


def _dated(history: History, provider: str, name: str) -> list[Card]:
    names = [name, with_dashes(name)]
    if provider == "aws":
        names.append(without_region(name))
    for seller in (provider, *_SOLD_BY.get(provider, ())):
        for each in names:
            if cards := history.cards.get((seller, each)):
                return list(cards)
            if provider in _DATED_ALIKE and (cards := history.cards.get((seller, bare(each)))):
                # A snapshot that is not listed: what the undated name costs, from the snapshot's own day on.
                return [part for card in cards if (part := _clipped(card, snapshot_day(each), None))]
    return []


def _clipped(card: Card, since: datetime | None, until: datetime | None) -> Card | None:
    starts = max(filter(None, (card.since, since)), default=None)
    ends = min(filter(None, (card.until, until)), default=None)
    if starts is not None and ends is not None and starts >= ends:
        return None
    return replace(card, since=starts, until=ends)
