"""What a price would change, worked out on the ledger's own calls before it is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from tracking.analysis.today import Repriced, repriced_in_bulk
from tracking.analysis.what_if import COLUMNS
from tracking.domain.call import totals
from tracking.ledger.ledger import Ledger
from tracking.pricing.book import PriceBook
from tracking.pricing.card import Card
from tracking.pricing.history import parse
from tracking.report.format import counted, exact, usd
from tracking.ui import state
from tracking.ui.prices.models import Group, billed
from tracking.ui.prose import plain
from tracking.ui.receipt import date


@dataclass(frozen=True, slots=True)
class Effect:
    """One model's calls in the price's period, as recorded and at the price."""

    name: str
    repriced: Repriced


def effects(
    ledger: Ledger, groups: Sequence[Group], old: PriceBook, new: PriceBook, card: Card
) -> list[Effect]:
    """The models that the new book prices otherwise, with their calls in the card's period."""
    found: dict[tuple[str, str], list[Group]] = {}
    for group in groups:
        provider, model = billed(group)
        if new.cards(model, provider=provider) != old.cards(model, provider=provider):
            found.setdefault((provider, model), []).append(group)
    return [_effect(ledger, f"{p}/{m}", same, new, card) for (p, m), same in found.items()]


def _effect(ledger: Ledger, name: str, groups: Sequence[Group], new: PriceBook, card: Card) -> Effect:
    bounds = {"since": card.since, "until": card.until}
    period = {key: moment for key, moment in bounds.items() if moment is not None}
    sums, columns = totals(()), dict[str, list[Any]]((column, []) for column in COLUMNS)
    for group in groups:
        filters: dict[str, Any] = {
            **dict(zip(state.MODEL_COLUMNS, group, strict=True)),
            **period,
            "billed": 1,
        }
        sums += ledger.totals(**filters)
        for column, values in ledger.columns(*COLUMNS, **filters).items():
            columns[column] += values
    return Effect(name, repriced_in_bulk(columns, sums, new))


@st.cache_resource(ttl=20, max_entries=16, show_spinner="Pricing the ledger's calls …")
def _effects(text: str, path: Path, stamp: tuple[int, ...], url: str, _card: Card) -> list[Effect]:  # noqa: ARG001
    """The first four are the cache's key: the calls of a ledger priced by a file with this text."""
    new = PriceBook.with_own(parse(text, path))
    return effects(state.ledger(), list(state.model_sums().sums), state.price_book(), new, _card)


def preview(cards: Sequence[Card], text: str, at: datetime) -> None:
    """The calls so far at the last of these prices; and in words, for which calls it counts."""
    path, url, card = state.settings().own_prices, state.settings().ledger_url, cards[-1]
    found = _effects(text, path, state.price_stamp(), url, card)
    st.markdown("**What it changes**")
    st.markdown(plain(in_words(card, at, kept_until_then=len(cards) > 1)))
    if not found:
        st.info(
            plain(
                f"No call in the ledger is billed as {card.model} by {card.provider}: the price is for calls "
                "to come. Is the name as the table of models has it?"
            ),
            icon=":material/info:",
        )
        return
    st.caption("What the calls of its period would have cost, which changes nothing:")
    st.table(
        effects_frame(found), border="horizontal", hide_index=True, width="content", alt="Calls at this price"
    )
    unpriced = sum(effect.repriced.unpriced_now for effect in found)
    if unpriced:
        st.caption(
            f":orange[:material/warning: {counted(unpriced, 'call')} would have no price even so: the usage "
            "is not known, or the service tier that answered has no price here.]"
        )


def in_words(card: Card, at: datetime, *, kept_until_then: bool) -> str:
    """For which calls a price counts, and that it changes none of the past."""
    past = "What is in the ledger keeps the cost it was recorded with."
    if card.until is not None and card.until <= at:
        return f"Its period is over: it counts for no call to come. {past}"
    said = ["Runs that begin after you save it are priced by it."]
    if card.since is not None and card.since > at:
        until_then = (
            "the price in force now is copied into your file"
            if kept_until_then
            else "the one before it counts"
        )
        said = [f"It counts from {date(card.since)} on; until then {until_then}."]
    if card.until is not None:
        said.append(f"From {date(card.until)} on the model has no price, unless you state another.")
    return " ".join([*said, past])


def effects_frame(found: Sequence[Effect]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Model": [plain(effect.name) for effect in found],
            "Calls in its period": [f"{effect.repriced.calls:,}" for effect in found],
            "As recorded": [plain(_cost(effect, "recorded")) for effect in found],
            "At this price": [plain(_cost(effect, "now")) for effect in found],
            "Difference": [plain(_difference(effect.repriced)) for effect in found],
        }
    )


def _cost(effect: Effect, which: str) -> str:
    cost = getattr(effect.repriced, which)
    return "none" if not effect.repriced.calls else usd(cost.amount, cost.state)


def _difference(both: Repriced) -> str:
    before, after = both.recorded.amount, both.now.amount
    if before is None or after is None or not both.calls:
        return ""
    change: Decimal = after - before
    return "none" if not change else f"{'+' if change > 0 else ''}{exact(change)}"
