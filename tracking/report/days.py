"""What each day used: of some runs, or of a whole ledger by its sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from tracking.domain.cost import CostState, state_of_sum
from tracking.domain.money import usd as dollars
from tracking.ledger.database import moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.rollups.measures import cost_measure
from tracking.report.format import counted, token_total, usd, zone
from tracking.report.history import Entry, add_up, sums_note, sums_title
from tracking.report.period import midnight

NEWEST_DAYS: Final = 90
_COST_STATES: Final = {
    cost_measure(state): state for state in (CostState.UNPRICED, CostState.PARTIAL, CostState.ESTIMATED)
}
_MEASURES: Final = (
    "requests",
    "input_tokens",
    "output_tokens",
    "cost_nano_usd",
    "unknown_requests",
    "estimated_requests",
    *_COST_STATES,
)


@dataclass(frozen=True, slots=True)
class Day:
    """What was used on a day of the viewer's calendar. `words` say it with what it lacks, line by line."""

    day: date
    tokens: int
    cost: Decimal
    words: tuple[str, ...]


def by_day(found: Iterable[Entry], tz: str | None) -> list[Day]:
    """The runs added up per day, oldest first."""
    days: dict[date, list[Entry]] = {}
    for entry in found:
        days.setdefault(entry.run.created_at.astimezone(zone(tz) or UTC).date(), []).append(entry)
    sums = [(day, add_up(days[day])) for day in sorted(days)]
    return [
        Day(day, each.tokens, each.cost or Decimal(0), (sums_title(each), sums_note(each)))
        for day, each in sums
    ]


def days_of_all(ledger: Ledger, tz: str | None) -> list[Day]:
    """All calls added up per day, of the 90 days up to the newest one, oldest first."""
    days = zone(tz) or UTC
    [newest] = ledger.sums("last_at")["last_at"]
    if newest is None:
        return []
    until = moment(newest).astimezone(days).date() + timedelta(days=1)
    since = midnight(until - timedelta(days=NEWEST_DAYS), days)
    columns = ledger.daily(days, *_MEASURES, since=since, until=midnight(until, days))
    rows = range(len(columns["day"]))
    return [_day(columns["day"][row], {name: columns[name][row] or 0 for name in _MEASURES}) for row in rows]


def days_frame(days: Sequence[Day]) -> pd.DataFrame:
    """Newest first; exact, with what each lacks."""
    return pd.DataFrame(
        [
            {
                "Day": f"{each.day.day} {each.day:%b %Y}",
                "Used": each.words[0],
                "Lacks": ", ".join(filter(None, each.words[1:])),
            }
            for each in reversed(days)
        ]
    )


def _day(day: date, sums: dict[str, Any]) -> Day:
    tokens, cost = sums["input_tokens"] + sums["output_tokens"], dollars(sums["cost_nano_usd"])
    unpriced = sums["unpriced_requests"]
    used = token_total(tokens, unknown=sums["unknown_requests"], estimated=sums["estimated_requests"])
    states = {state for name, state in _COST_STATES.items() if sums[name]}
    spent = usd(cost, state_of_sum(states or {CostState.KNOWN}))
    words = [f"{counted(sums['requests'], 'call')}, {used} tokens, {spent}"]
    if unpriced:
        words.append(f"{counted(unpriced, 'call')} unpriced")
    return Day(day, tokens, cost, tuple(words))
