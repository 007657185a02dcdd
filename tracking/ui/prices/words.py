"""A price card in words and tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pandas as pd

from tracking.domain.cost import REQUESTS, per
from tracking.domain.usage import COUNTS, wholes
from tracking.pricing.card import Card, Change, Rates
from tracking.pricing.origin import origin_of
from tracking.report.format import exact
from tracking.ui.receipt import date, name_of

RATED: Final = (*COUNTS, REQUESTS)  # everything that may have a rate, in the order of reading
_WEEK: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def unit(name: str) -> str:
    return "per million" if per(name) == 1_000_000 else "per thousand"


def rate_text(rates: Rates, name: str) -> str:
    """`$0.15`; for a part without a rate of its own, of which larger count it is charged as."""
    if name in rates:
        return exact(rates[name])
    whole = next((each for each in wholes(name) if each in rates), None)
    return "" if whole is None else f"as {name_of(whole).lower()}"


def rates_frame(cards: Mapping[str, Card]) -> pd.DataFrame:
    """Rates side by side, a column per card; rows that no card states are left out. The lowest is bold."""
    stated = [name for name in RATED if any(name in card.rates for card in cards.values())]
    rows = {
        f"{name_of(name)}, {unit(name)}": [_shown(cards, card, name) for card in cards.values()]
        for name in stated
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(cards))


def _shown(cards: Mapping[str, Card], card: Card, name: str) -> str:
    text = rate_text(card.rates, name).replace("$", "\\$")
    known = [each.rates[name] for each in cards.values() if name in each.rates]
    lowest = len(known) > 1 and name in card.rates and card.rates[name] == min(known) < max(known)
    return f"**{text}**" if lowest else text


def terms(card: Card) -> list[str]:
    """What besides the plain rates a card says: steps, service tiers, hours. Each as a sentence's part."""
    said = [f"more than {tier.above:,} input tokens: {_rates(tier.rates)}" for tier in card.tiers]
    said += [f"service tier {name}: {_change(change)}" for name, change in card.services.items()]
    for window in card.windows:
        days = "" if len(window.days) == 7 else f", {', '.join(_WEEK[day] for day in sorted(window.days))}"
        said.append(f"{window.start:%H:%M} to {window.end:%H:%M} UTC{days}: {_change(window.change)}")
    return said


def _change(change: Change) -> str:
    factor = [] if change.factor == 1 else [f"{change.factor.normalize():f} × every token rate"]
    steps = [f"above {tier.above:,}: {_rates(tier.rates)}" for tier in change.tiers]
    return "; ".join([*factor, *([_rates(change.rates)] if change.rates else []), *steps]) or "the same rates"


def _rates(rates: Rates) -> str:
    return ", ".join(f"{name_of(name).lower()} {exact(rates[name])}" for name in RATED if name in rates)


def history_frame(cards: Sequence[Card], at: datetime) -> pd.DataFrame:
    """One row per card in the given order; only the columns that at least one card states."""
    stated = [name for name in RATED if any(name in card.rates for card in cards)]
    return pd.DataFrame(
        {
            "in force": ["now" if card.covers(at) else "" for card in cards],
            "from": ["" if card.since is None else date(card.since) for card in cards],
            "until": ["" if card.until is None else date(card.until) for card in cards],
            **{name: [rate_text(card.rates, name) for card in cards] for name in stated},
            "other terms": ["; ".join(terms(card)) for card in cards],
            "from where": [str(origin_of(card.source)) for card in cards],
            "source": [card.source for card in cards],
            "note": [card.note or "" for card in cards],
            "card": [card.fingerprint() for card in cards],
        }
    )
