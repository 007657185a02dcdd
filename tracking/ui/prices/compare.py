"""Two to four price cards side by side."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from tracking.domain.cost import CostState
from tracking.domain.usage import TokenUsage
from tracking.pricing.book import PriceBook
from tracking.report.format import usd
from tracking.ui.prices.models import Standing, standing, taken_apart
from tracking.ui.prices.words import rates_frame, terms
from tracking.ui.prose import plain
from tracking.ui.receipt import period, source_link

_EXAMPLE = TokenUsage(input_tokens=10_000, output_tokens=1_000)


def comparison(names: Sequence[str], book: PriceBook, at: datetime) -> None:
    """The cards in force now, a column each; what one of them lacks is said below."""
    found = {name: standing(book, *taken_apart(name), at) for name in names}
    with st.container(border=True):
        st.subheader(plain(_answer(names, book, at)), anchor=False)
        cards = {plain(name): one.card for name, one in found.items() if one.card is not None}
        if cards:
            st.table(rates_frame(cards), border="horizontal", alt="Rates side by side, the lowest in bold")
        for name, one in found.items():
            st.markdown(f"**{plain(name)}** · {_described(one)}")


def _answer(names: Sequence[str], book: PriceBook, at: datetime) -> str:
    """Which is the cheapest for a call of the usual shape, at the plain rates in force now."""
    costs = {}
    for name in names:
        provider, model = taken_apart(name)
        cost = book.price(model, _EXAMPLE, provider=provider, at=at)
        if cost.amount is not None and cost.state in {CostState.KNOWN, CostState.FREE}:
            costs[name] = cost
    if len(costs) < 2:
        return f"{len(costs) or 'None'} of these {len(names)} has a price"
    low, high = (pick(costs, key=lambda name: costs[name].nano_usd or 0) for pick in (min, max))
    if costs[low].nano_usd == costs[high].nano_usd:
        return "10,000 tokens in and 1,000 out cost the same"
    said = [f"{usd(costs[name].amount, costs[name].state)} with {name}" for name in (low, high)]
    return f"10,000 tokens in and 1,000 out: {said[0]}, {said[1]}"


def _described(one: Standing) -> str:
    if one.card is None:
        return "free" if one.is_free else plain(f"no price: {one.why}")
    said = [plain(f"in force {period(one.card.since, one.card.until)}"), source_link(one.card.source)]
    return " · ".join([*said, *map(plain, terms(one.card))])
