"""All that is known of one model's prices, from first to last: our dated history, then the public list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from tracking.pricing import listed
from tracking.pricing.card import Card
from tracking.pricing.history import Alias, History, ServiceTier
from tracking.pricing.names import Reference, bare, canonical, without_region

# Where one provider sells another's models at that one's prices.
_SOLD_BY: Final = {"azure": ("openai",), "google": ("anthropic",)}
# Providers whose dated snapshots cost what the name without the date does; others list every snapshot.
_DATED_ALIKE: Final = frozenset({"anthropic", "aws", "google"})


def timeline(history: History, wanted: Reference) -> list[Card] | str:
    """A model's cards, oldest first and without overlaps, or in words why there is none."""
    provider = canonical(wanted.provider) if wanted.provider else _provider_of(history, wanted.model)
    if provider is None:
        named = wanted.provider
        return f"no price list covers {named}" if named else f"{wanted.model} is in no price list"
    cards = _named(history, provider, wanted.model)
    if not cards:
        return f"{wanted.model} is in no price list"
    return [part for card in cards for part in _with_services(card, history.services.get(provider, ()))]


def _provider_of(history: History, model: str) -> str | None:
    for provider, name in (*history.cards, *history.aliases):
        if name == model:
            return provider
    return listed.provider_of(model)


def _named(history: History, provider: str, name: str) -> list[Card]:
    """What the name meant at each time, then what is known of the name itself."""
    moved = [
        card
        for alias in history.aliases.get((provider, name), ())
        for card in _within(_known(history, provider, alias.target), alias)
    ]
    return _filled(moved, _known(history, provider, name))


def _known(history: History, provider: str, name: str) -> list[Card]:
    return _filled(_dated(history, provider, name), listed.cards(provider, name))


def _dated(history: History, provider: str, name: str) -> list[Card]:
    names = [name]
    if provider == "aws":
        names.append(without_region(name))
    if provider in _DATED_ALIKE:
        names += [bare(each) for each in names]
    for seller in (provider, *_SOLD_BY.get(provider, ())):
        for each in names:
            if cards := history.cards.get((seller, each)):
                return list(cards)
    return []


def _filled(cards: Sequence[Card], others: Iterable[Card]) -> list[Card]:
    """`cards`, with others where they leave a gap. Before the first of them the model had no price."""
    if not cards:
        return list(others)
    filled = list(cards)
    for gap, end in zip(cards, [*(card.since for card in cards[1:]), None], strict=True):
        if gap.until is not None and gap.until != end:
            filled += [part for other in others if (part := _clipped(other, gap.until, end))]
    return sorted(filled, key=lambda card: card.since.timestamp() if card.since else float("-inf"))


def _within(cards: Iterable[Card], period: Alias) -> Iterator[Card]:
    for card in cards:
        if part := _clipped(card, period.since, period.until):
            yield part


def _clipped(card: Card, since: datetime | None, until: datetime | None) -> Card | None:
    starts = max(filter(None, (card.since, since)), default=None)
    ends = min(filter(None, (card.until, until)), default=None)
    if starts is not None and ends is not None and starts >= ends:
        return None
    return replace(card, since=starts, until=ends)


def _with_services(card: Card, tiers: Iterable[ServiceTier]) -> list[Card]:
    """The card with the service tiers of its provider, cut in two where one began in its time."""
    cards = [card]
    for tier in tiers:
        if tier.name not in card.services and tier.models.search(card.model):
            cards = [part for each in cards for part in _with_service(each, tier)]
    return cards


def _with_service(card: Card, tier: ServiceTier) -> Iterator[Card]:
    if tier.since is not None and (before := _clipped(card, None, tier.since)):
        yield before
    if since := _clipped(card, tier.since, None):
        yield replace(since, services={**card.services, tier.name: tier.change})
