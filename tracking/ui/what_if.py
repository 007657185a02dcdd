"""What if: recorded calls priced on other models, in another tier, with more of a cache. Changes nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import pandas as pd
import streamlit as st

from tracking.analysis.what_if import COLUMNS, OWN, Recorded, Replay, Scenario, recorded, replay
from tracking.domain.cost import CostState
from tracking.domain.money import usd as dollars
from tracking.ledger.database import moment
from tracking.ledger.newest import billed_since, reaching_back
from tracking.pricing.names import FREE_PROVIDERS
from tracking.report.format import counted, usd, when
from tracking.ui import state
from tracking.ui.prose import plain

_ALL: Final = "all history"
_PERIODS: Final = {"the last 7 days": 7, "the last 30 days": 30, "the last 90 days": 90, _ALL: None}
_TIERS: Final = {
    "as they were": OWN,
    "standard": None,
    "flex": "flex",
    "batch": "batch",
    "priority": "priority",
}
_UNCHANGED: Final = "the models that answered"
_MOST: Final = 200_000  # calls that are read and priced one by one: a second


@dataclass(frozen=True, slots=True)
class _Found:
    """Calls, how many there are in all, and from when on; None: all of them."""

    columns: dict[str, list[Any]]
    all_calls: int
    since: datetime | None


def what_if_section() -> None:
    """Choose calls and what is to be different; see what they would have cost."""
    with st.container(horizontal=True, gap="small"):
        period = st.selectbox("Calls of", list(_PERIODS), index=1, key="what_if.period", width=180)
        tier = st.selectbox("Service tier", list(_TIERS), key="what_if.tier", width=180)
        cached = st.slider(
            "Input read from a cache",
            0,
            100,
            value=50,
            step=5,
            format="%d %%",
            key="what_if.cached",
            width=260,
            help="Of every call's input.",
        ) if st.toggle("Assume a cache", key="what_if.assume") else None  # fmt: skip
        today = st.toggle("At today's prices", key="what_if.today")
    found = _found(state.settings().ledger_url, period)
    if note := _bounded(found, period):
        st.warning(plain(note), icon=":material/content_cut:")
    calls = recorded(found.columns)
    if not len(calls):
        if not note:
            st.info(f"No billed call is on record for {period}. Run an analysis, or choose a longer period.")
        return
    if note:
        period = f"those of {period} that are replayed"
    base = Scenario(
        service_tier=_TIERS[tier],
        cached_share=None if cached is None else Fraction(cached, 100),
        at=datetime.now(UTC) if today else None,
    )
    outcomes = {_UNCHANGED: _replay(calls, base)} | {
        label: _replay(calls, Scenario(model, provider, base.service_tier, base.cached_share, base.at))
        for label, provider, model in _candidates()
    }
    _answer(outcomes, period)


def _answer(outcomes: dict[str, Replay], period: str) -> None:
    cheapest = max(
        (label for label in outcomes if outcomes[label].replayed),
        key=lambda label: outcomes[label].saving,
        default=None,
    )
    if cheapest is None:
        st.warning("None of these calls can be replayed: see why below.")
    else:
        st.markdown(f"**{plain(_in_words(cheapest, outcomes[cheapest], period))}**")
    st.dataframe(
        pd.DataFrame([_row(label, outcome) for label, outcome in outcomes.items()]),
        hide_index=True,
        width="stretch",
        column_config={
            "Saving": st.column_config.TextColumn(alignment="right"),
            "They cost": st.column_config.TextColumn(alignment="right"),
            "Would have cost": st.column_config.TextColumn(alignment="right"),
        },
    )
    st.caption(
        "The recorded token counts at other prices. Another model counts and answers otherwise: how much it "
        "would have written, and how well, is not modelled. Nothing on record is changed."
    )


def _row(label: str, outcome: Replay) -> dict[str, object]:
    bound = CostState.PARTIAL if outcome.lower_bounds else CostState.KNOWN
    left_out = [f"{count:,}: {reason}" for reason, count in outcome.left_out.items()]
    nothing = not outcome.replayed
    return {
        "On": label,
        "Calls": f"{outcome.replayed:,} of {outcome.calls:,}",
        "They cost": "" if nothing else usd(dollars(outcome.was_nano_usd), CostState.KNOWN),
        "Would have cost": "" if nothing else usd(dollars(outcome.would_be_nano_usd), bound),
        "Saving": "" if nothing else _signed(outcome),
        "Left out": "; ".join(left_out),
    }


def _signed(outcome: Replay) -> str:
    amount = usd(abs(outcome.saving), CostState.KNOWN)
    return amount if outcome.saving >= 0 else f"-{amount}"


def _in_words(label: str, outcome: Replay, period: str) -> str:
    was = usd(dollars(outcome.was_nano_usd), CostState.KNOWN)
    would_be = usd(dollars(outcome.would_be_nano_usd), CostState.KNOWN)
    calls = counted(outcome.replayed, "call")
    where = "with what you chose" if label == _UNCHANGED else f"on {label}"
    if outcome.saving == 0:
        return (
            f"{calls} of {period} would have cost the same {was} {where}, and nothing configured is cheaper"
        )
    return f"{calls} of {period} would have cost {would_be} instead of {was} {where}"


def _candidates() -> list[tuple[str, str, str]]:
    """The configured models that somebody bills, by label."""
    models = state.catalog().models.values()
    return [(m.label, m.provider, m.model) for m in models if m.model and m.provider not in FREE_PROVIDERS]


def _bounded(found: _Found, period: str) -> str:
    """That not all calls of a period are replayed; empty where they are."""
    if found.since is None:
        return ""
    tz = st.context.timezone
    return (
        f"There are {found.all_calls:,} billed calls in {period}, of which at most {_MOST:,} are replayed: "
        f"the newest, from {when(found.since, tz)} on."
    )


@st.cache_data(max_entries=8, ttl=20, show_spinner="Reading the calls …")
def _found(url: str, period: str) -> _Found:  # noqa: ARG001  # the ledger's address is the cache's key
    """The calls of a period, or the newest of them; how many there are is known from sums."""
    ledger, now, days = state.ledger(), datetime.now(UTC), _PERIODS[period]
    since = None if days is None else now - timedelta(days=days)
    count, cut = billed_since(ledger, since), None
    if count > _MOST:
        [first] = ledger.sums("first_at")["first_at"]
        since = cut = reaching_back(ledger, since or moment(first), now, _MOST)
    bounds = {} if since is None else {"since": since}
    return _Found(ledger.columns(*COLUMNS, billed=1, **bounds), count, cut)


def _replay(calls: Recorded, scenario: Scenario) -> Replay:
    return replay(state.price_book(), calls, scenario)
