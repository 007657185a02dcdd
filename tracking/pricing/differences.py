"""What differs between two histories of one model's price, rate by rate and period by period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise, product
from typing import Final

from tracking.pricing.card import Card, Rates, Situation, Window

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
NOTHING: Final = "—"

Said = tuple[str, str, str]  # what differs, what one side says, what the other says


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is `before` on one side and `after` on the other, within a period (None: open)."""

    what: str
    before: str
    after: str
    since: datetime | None = None
    until: datetime | None = None


def differences(before: Sequence[Card], after: Sequence[Card]) -> list[Difference]:
    """All that differs, oldest first. What goes on through several periods is one."""
    found: list[Difference] = []
    going_on: dict[Said, int] = {}
    bounds = {bound for card in (*before, *after) for bound in (card.since, card.until)} - {None}
    for since, until in pairwise([None, *sorted(filter(None, bounds)), None]):
        here: dict[Said, int] = {}
        for said in _compared(_in_force(before, since), _in_force(after, since)):
            here[said] = going_on.get(said, len(found))
            if said in going_on:
                found[here[said]] = replace(found[here[said]], until=until)
            else:
                found.append(Difference(*said, since, until))
        going_on = here
    return found


def differences_at(moment: datetime, before: Sequence[Card], after: Sequence[Card]) -> list[Difference]:
    """What differs at that moment."""
    return [Difference(*said) for said in _compared(_in_force(before, moment), _in_force(after, moment))]


def rate_text(rate: Decimal | None) -> str:
    return NOTHING if rate is None else f"{rate.normalize():f}"


def rate_name(name: str) -> str:
    """`cache_read_input_tokens` as a table has it."""
    return name.removesuffix("_tokens").replace("_", " ")


def situation_name(card: Card, situation: Situation) -> str:
    above, service, window = situation
    parts = [
        service or "",
        f"above {above:,}" if above >= 0 else "",
        hours(card.windows[window]) if window is not None else "",
    ]
    return ", ".join(filter(None, parts))


def hours(window: Window) -> str:
    days = "" if len(window.days) == len(DAYS) else " " + " ".join(DAYS[day] for day in sorted(window.days))
    return f"{window.start:%H:%M} to {window.end:%H:%M}{days}"


DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _in_force(cards: Sequence[Card], moment: datetime | None) -> Card | None:
    return next((card for card in cards if card.covers(moment or _BEGINNING)), None)


def _compared(before: Card | None, after: Card | None) -> Iterator[Said]:
    if before is None or after is None:
        rates = (before or after or Card("", "", {}, "")).rates
        for name, rate in rates.items():
            sides = (rate_text(rate), NOTHING) if after is None else (NOTHING, rate_text(rate))
            yield rate_name(name), *sides
        return
    tiers = [", ".join(sorted(card.services)) or NOTHING for card in (before, after)]
    if tiers[0] != tiers[1]:
        yield "service tiers", tiers[0], tiers[1]
    one, other = (", ".join(map(hours, card.windows)) or NOTHING for card in (before, after))
    if one != other:
        yield "times of day", one, other
    windows = (None, *range(len(before.windows))) if one == other else (None,)
    services = (None, *sorted(before.services.keys() & after.services.keys()))
    steps = sorted({situation.above for card in (before, after) for situation in card.situations()})
    said: set[Said] = set()  # what holds for every call is not said again for those of a tier
    for service, window, above in product(services, windows, steps):
        situation = Situation(above, service, window)
        here = set(_rates_apart(before.rates_in(situation), after.rates_in(situation)))
        where = situation_name(before, situation)
        for name, says, says_other in sorted(here - said):
            yield f"{name}, {where}" if where else name, says, says_other
        said |= here


def _rates_apart(before: Rates, after: Rates) -> Iterator[Said]:
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            yield rate_name(name), rate_text(before.get(name)), rate_text(after.get(name))
