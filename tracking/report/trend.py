"""A period in words: the answer in a line, what changed since the one before, what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from tracking.domain.call import CallTotals
from tracking.domain.cost import CostState
from tracking.report.account import Tile, tokens_of_sums
from tracking.report.breakdown import UNATTRIBUTED
from tracking.report.format import NOT_KNOWN, counted, share, usd
from tracking.report.overview import Overview, Part
from tracking.report.stretches import Stretch

_ALIKE: Final = Fraction(1, 200)  # a change that would be written as 0 %
_MANIFOLD: Final = 3  # from here on it is said how many times as much
_SOUND: Final = frozenset({CostState.KNOWN, CostState.FREE})


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs from that of the period before. `direction`: 1, 0 or -1."""

    words: str
    direction: int = 0


@dataclass(frozen=True, slots=True)
class TrendTile:
    """A figure with its change, and a number per day, week or month."""

    tile: Tile
    change: Change | None
    course: tuple[float, ...] = field(default=())


def change(now: Fraction | int, before: Fraction | int) -> Change:
    """In words that never say that something changed by 0 %."""
    if not before:
        return Change("none before", 1) if now else Change("none before either")
    if not now:
        return Change("all less", -1)
    ratio = Fraction(now) / Fraction(before)
    if abs(ratio - 1) < _ALIKE:
        return Change("the same" if ratio == 1 else "about the same")
    if ratio >= _MANIFOLD:
        return Change(f"{_times(ratio)} times as much", 1)
    words = share(float(abs(ratio - 1)))
    return Change(f"{words} more", 1) if ratio > 1 else Change(f"{words} less", -1)


def _times(ratio: Fraction) -> str:
    return f"{float(ratio):.1f}".removesuffix(".0") if ratio < 10 else f"{round(ratio):,}"


def title(found: Overview) -> str:
    """The page's answer: `$1,240.12 in 30 days, 62 % of it by Data Analyst`."""
    whole, when = found.whole, _when(found)
    if found.is_empty:
        return f"Nothing was called {when}".rstrip()
    if not whole.requests:
        return f"Nothing was billed {when}".rstrip() + f": {counted(whole.failed_requests, 'call')} failed"
    costs = bool(whole.cost.nano_usd)
    spent = usd(whole.cost.amount, whole.cost.state) if costs else f"{tokens_of_sums(whole)} tokens"
    return f"{spent} {when}".rstrip() + _mostly(found, costs=costs)


def _when(found: Overview) -> str:
    if found.period.words or not found.stretches:
        return found.period.words
    first = found.first
    return "" if first is None else f"since {first.day} {first:%b %Y}"


def _mostly(found: Overview, *, costs: bool) -> str:
    if not found.agents or found.agents[0].share is None:
        return ""
    largest = found.agents[0]
    sound = found.whole.cost.state in _SOUND if costs else not found.whole.unknown_requests
    of = ("of it" if costs else "of them") if sound else "of what is known"
    part = "all" if largest.share == 1 else share(largest.share)
    by = UNATTRIBUTED if largest.name is None else f"by {largest.label}"
    return f", {part} {of} {by}"


def trend_note(found: Overview) -> str:
    """Whether it goes up, in a sentence; empty where there is nothing to compare with."""
    if found.before is None or found.is_empty:
        return ""
    now, before, than = found.whole, found.before, found.period.before_words
    if not before.requests and not before.failed_requests:
        return f"Nothing was called in {than}."
    if {now.cost.state, before.cost.state} <= _SOUND and (now.cost.nano_usd or before.cost.nano_usd):
        changed = change(now.cost.nano_usd or 0, before.cost.nano_usd or 0)
        return f"{_compared(changed, than)} ({usd(before.cost.amount, before.cost.state)})."
    changed = change(now.requests, before.requests)
    lacks = "" if {now.cost.state, before.cost.state} <= _SOUND else "Not every call has a price. "
    return f"{lacks}By calls: {_compared(changed, than)} ({counted(before.requests, 'call')})."


def _compared(changed: Change, than: str) -> str:
    if changed.words.endswith(("the same", "as much")):
        return f"{changed.words} as in {than}".capitalize()
    if changed.words.startswith("none"):
        return f"{changed.words}, in {than}".capitalize()
    return f"{changed.words} than in {than}".capitalize()


def trend_tiles(found: Overview) -> tuple[TrendTile, ...]:
    """Cost, calls, tokens, failed calls, cache share."""
    whole, before = found.whole, found.before
    if before is not None and not before.requests and not before.failed_requests:
        before = None  # that nothing was called is said once, in `trend_note`
    return (
        TrendTile(_cost(whole), _of_cost(whole, before), _course(found, lambda s: s["cost_nano_usd"] / 1e9)),
        TrendTile(
            Tile("Calls", f"{whole.requests:,}", "billed"),
            None if before is None else change(whole.requests, before.requests),
            _course(found, lambda s: float(s["requests"])),
        ),
        TrendTile(_tokens(whole), _of_tokens(whole, before), _course(found, _used)),
        TrendTile(
            _failed(whole),
            None if before is None else change(whole.failed_requests, before.failed_requests),
            _course(found, lambda s: float(s["failed_requests"])),
        ),
        TrendTile(_cached(whole), _of_cache(whole, before), _course(found, _cache_share_of)),
    )


def _course(found: Overview, number: Callable[[dict[str, int]], float]) -> tuple[float, ...]:
    return tuple(number(dict(stretch.sums)) for stretch in found.stretches)


def _used(sums: dict[str, int]) -> float:
    return float(sums["input_tokens"] + sums["output_tokens"])


def _cache_share_of(sums: dict[str, int]) -> float:
    taken = sums["input_tokens"]
    return 100 * sums["cache_read_input_tokens"] / taken if taken else 0.0


def _cost(whole: CallTotals) -> Tile:
    note, state = "priced call by call", whole.cost.state
    if not whole.requests:
        note = "nothing was billed"
    elif whole.unpriced_requests:
        note = f"{counted(whole.unpriced_requests, 'call')} unpriced"
    elif state is CostState.PARTIAL:
        note = "part of a call has no known rate"
    elif state is CostState.ESTIMATED:
        note = "priced from estimated tokens"
    elif state is CostState.FREE:
        note = "a price of 0 is known"
    return Tile("Cost", usd(whole.cost.amount, state), note, warns=state not in _SOUND)


def _of_cost(whole: CallTotals, before: CallTotals | None) -> Change | None:
    """Two amounts of which one is only a lower bound can't be compared."""
    if before is None or not {whole.cost.state, before.cost.state} <= _SOUND:
        return None
    return change(whole.cost.nano_usd or 0, before.cost.nano_usd or 0)


def _tokens(whole: CallTotals) -> Tile:
    notes = []
    if whole.unknown_requests:
        notes.append(f"{counted(whole.unknown_requests, 'call')} reported no usage")
    if whole.estimated_requests:
        notes.append(f"{counted(whole.estimated_requests, 'call')} estimated")
    note = ", ".join(notes) or "input and output"
    return Tile("Tokens", tokens_of_sums(whole), note, warns=bool(notes))


def _of_tokens(whole: CallTotals, before: CallTotals | None) -> Change | None:
    if before is None or whole.unknown_requests or before.unknown_requests:
        return None
    return change(whole.usage.total_tokens or 0, before.usage.total_tokens or 0)


def _failed(whole: CallTotals) -> Tile:
    sent = whole.requests + whole.failed_requests
    note = f"{share(whole.failed_requests / sent)} of all sent" if whole.failed_requests else "not billed"
    return Tile("Failed calls", f"{whole.failed_requests:,}", note)


def _cached(whole: CallTotals) -> Tile:
    read = _cache_share(whole)
    if read is None:
        return Tile("From cache", NOT_KNOWN, "no call reported it")
    return Tile("From cache", share(float(read)), "of input tokens")


def _cache_share(sums: CallTotals) -> Fraction | None:
    read, taken = sums.usage.cache_read_input_tokens, sums.usage.input_tokens
    return Fraction(read, taken) if read is not None and taken else None


def _of_cache(whole: CallTotals, before: CallTotals | None) -> Change | None:
    """In points of a hundred: a share of a share would be misread."""
    if before is None:
        return None
    now, then = _cache_share(whole), _cache_share(before)
    if now is None or then is None:
        return None
    points = round((now - then) * 100)
    if not points:
        return Change("about the same")
    return Change(f"{abs(points)} points {'more' if points > 0 else 'less'}", 1 if points > 0 else -1)


def top_models(found: Overview, most: int) -> tuple[list[Part], list[Part]]:
    """Those that are drawn by themselves, and those that are drawn together; one alone is no rest."""
    models = [part for part in found.models if part.totals.requests]
    return (models, []) if len(models) <= most + 1 else (models[:most], models[most:])


def spell(stretch: Stretch, unit: str) -> str:
    """A day, week or month as it is said."""
    start = stretch.start
    if unit == "month":
        return f"{start:%B %Y}"
    return f"{'week from ' if unit == 'week' else ''}{start.day} {start:%b %Y}"
