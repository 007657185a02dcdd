"""A period in days, weeks or months: what each model cost and used in each, and what of that is not exact."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from tracking.domain.cost import CostState, state_of_sum
from tracking.domain.money import usd as dollars
from tracking.ledger.rollups.measures import cost_measure
from tracking.report.format import token_total, usd
from tracking.report.period import Period

# What of a sum is not exact, and is said beside it.
_LACKS: Final = (
    cost_measure(CostState.UNPRICED),
    cost_measure(CostState.PARTIAL),
    cost_measure(CostState.ESTIMATED),
    "unknown_requests",
    "estimated_requests",
)
DAILY: Final = (
    "requests",
    "failed_requests",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cost_nano_usd",
    *_LACKS,
)
_MOST_DAYS: Final = 120  # bars that can be told apart; of more, weeks or months are drawn
_MOST_WEEKS_OF_DAYS: Final = 800


@dataclass(frozen=True, slots=True)
class Stretch:
    """A day, week or month: what all models did in it together, and each in nano-dollars and tokens.

    Attributes:
        sums: the measures of `DAILY`.
        lacks: per model, how many calls make its cost or tokens a lower bound or an estimate.
    """

    start: date
    cost: Mapping[str, int]
    tokens: Mapping[str, int]
    sums: Mapping[str, int]
    lacks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def told(self, models: Iterable[str], *, spend: bool) -> str:
        """What some models cost or used, marked where it is not exact; empty: they were not called."""
        there = [name for name in models if name in self.tokens]
        if not there:
            return ""
        lacks = {each: sum(self.lacks.get(name, {}).get(each, 0) for name in there) for each in _LACKS}
        if not spend:
            count = sum(self.tokens[name] for name in there)
            return token_total(
                count, unknown=lacks["unknown_requests"], estimated=lacks["estimated_requests"]
            )
        nano = sum(self.cost[name] for name in there)
        states = {state for state in CostState if lacks.get(cost_measure(state))}
        if not nano and states == {CostState.UNPRICED}:
            return usd(None, CostState.UNPRICED)
        return usd(dollars(nano), state_of_sum(states or {CostState.KNOWN}))


def stretches(daily: Mapping[str, Sequence[Any]], period: Period) -> tuple[str, tuple[Stretch, ...]]:
    """The period in days, or in weeks or months where it has many; with those in which nothing was called."""
    days: Sequence[date] = daily["day"]
    if not days:
        return "day", ()
    # What has not come yet is no day without calls.
    first = days[0] if period.since is None else period.since.date()
    last = days[-1] if period.until is None else (period.until - timedelta(days=1)).date()
    length = (last - first).days + 1
    unit = "day" if length <= _MOST_DAYS else "week" if length <= _MOST_WEEKS_OF_DAYS else "month"
    cost: dict[date, dict[str, int]] = {}
    tokens: dict[date, dict[str, int]] = {}
    sums: dict[date, dict[str, int]] = {}
    lacks: dict[date, dict[str, Counter[str]]] = {}
    for day in (first + timedelta(days=number) for number in range(length)):
        start = _start(day, unit)
        if start not in sums:
            cost[start], tokens[start], sums[start] = {}, {}, dict.fromkeys(DAILY, 0)
            lacks[start] = defaultdict(Counter)
    for row, day in enumerate(days):
        start, name = _start(day, unit), billed(daily["request_model"][row], daily["response_model"][row])
        for measure in DAILY:
            sums[start][measure] += daily[measure][row] or 0
        used = (daily["input_tokens"][row] or 0) + (daily["output_tokens"][row] or 0)
        cost[start][name] = cost[start].get(name, 0) + daily["cost_nano_usd"][row]
        tokens[start][name] = tokens[start].get(name, 0) + used
        lacks[start][name].update({each: daily[each][row] for each in _LACKS})
    return unit, tuple(
        Stretch(start, cost[start], tokens[start], sums[start], lacks[start]) for start in sums
    )


def billed(asked: str | None, answered: str | None) -> str:
    """The model that answered is billed; some do not say."""
    return answered or asked or ""


def _start(day: date, unit: str) -> date:
    if unit == "day":
        return day
    return day - timedelta(days=day.weekday()) if unit == "week" else day.replace(day=1)
