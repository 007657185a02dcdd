"""One model: its card in force now, where that is from, and its whole price history."""

from collections.abc import Callable, Sequence
from datetime import datetime

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.pricing.book import PriceBook
from tracking.pricing.card import Card
from tracking.pricing.origin import Origin, address_in, origin_of
from tracking.report.format import exact, usd
from tracking.ui import state
from tracking.ui.prices.models import ModelLine, Standing, billed, standing, taken_apart
from tracking.ui.prices.words import RATED, history_frame, rates_frame, terms, unit
from tracking.ui.prose import plain
from tracking.ui.receipt import bill_receipt, name_of, period, source_link


def one_model(
    name: str, line: ModelLine | None, book: PriceBook, at: datetime, correct: Callable[[str], None]
) -> None:
    """A model's price now, in words and rates; then how it came to that."""
    provider, model = taken_apart(name)
    found = standing(book, provider, model, at)
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader(plain(name), anchor=False, width="content")
            st.button(
                "Correct this price" if found.card else "Add a price",
                icon=":material/edit:",
                on_click=correct,
                args=(name,),
                key="correct",
            )
        _in_force(found, model)
        cards = sorted(book.cards(model, provider=provider), key=_since)
        if cards:
            _history(cards, model, at)
        if found.card and origin_of(found.card.source) is Origin.OWN:
            _instead_of(name, at)
        if line is not None and line.is_seen:
            _used(line)


def _since(card: Card) -> float:
    return float("-inf") if card.since is None else card.since.timestamp()


def _in_force(found: Standing, model: str) -> None:
    card = found.card
    if card is None:
        why = plain(found.why or "")
        none = f":orange[:material/warning: No price: {why}.] Its calls are unpriced, and never counted as 0."
        st.markdown("Free: it runs on your own machine, and nobody sends a bill." if found.is_free else none)
        return
    # A model may be billed under the card of another name: a snapshot under that of the model.
    named = "In" if card.model.lower() == model.lower() else f"As {card.model}, in"
    said = [plain(f"{named} force {period(card.since, card.until)}"), source_link(card.source)]
    st.markdown(" · ".join([*said, f"card {card.fingerprint()}"]))
    if card.note:
        st.caption(plain(card.note))
    rates, further = st.columns(2)
    with rates:
        frame = rates_frame({"US dollars": card})
        st.table(frame, border="horizontal", width="content", alt="The rates in force now")
    further.caption("\n".join(f"- {plain(term)}" for term in terms(card)))


def _history(cards: Sequence[Card], model: str, at: datetime) -> None:
    from tracking.ui.price_charts import price_steps  # noqa: PLC0415  # brings plotly, needed only here

    if any("input_tokens" in card.rates or "output_tokens" in card.rates for card in cards):
        st.plotly_chart(price_steps(cards, at), key="price_steps", alt=f"The rates of {model} over time")
    frame = history_frame(cards[::-1], at)
    frame["source"] = [address_in(source) or source for source in frame["source"]]
    st.dataframe(
        frame.loc[:, [name for name in frame if (frame[name] != "").any()]],
        hide_index=True,
        height=min(460, 38 + 35 * len(cards)),
        column_config=history_columns(frame),
        alt=f"Every price of {model} that is known, the newest first",
    )


def history_columns(frame: pd.DataFrame) -> dict[str, ColumnConfig]:
    """How the columns of a `history_frame` are headed; sources are links where all are addresses."""
    column = st.column_config
    linked = frame["source"].str.startswith("http").all()
    return {
        "model": column.TextColumn("Model", pinned=True),
        "in force": column.TextColumn("", width=50),
        "from": column.TextColumn("From", help="The day begins at 00:00 UTC"),
        "until": column.TextColumn("Until", help="Not in force on that day any more"),
        **{
            name: column.TextColumn(name_of(name), alignment="right", help=f"US dollars {unit(name)}")
            for name in RATED
        },
        "other terms": column.TextColumn("Other terms"),
        "from where": column.TextColumn("Price from"),
        "source": column.LinkColumn("Source") if linked else column.TextColumn("Source"),
        "note": column.TextColumn("Note"),
        "card": column.TextColumn("Card"),
    }


def _instead_of(name: str, at: datetime) -> None:
    """What the price lists say where a person's own price stands in their place."""
    provider, model = taken_apart(name)
    found = standing(state.shipped_prices(), provider, model, at)
    if found.card is None:
        st.caption("No price list has it: your own price is the only one.")
        return
    said = ", ".join(
        f"{name_of(each).lower()} {exact(found.card.rates[each])}"
        for each in RATED
        if each in found.card.rates
    )
    st.caption(f"Your own price stands in place of {plain(f'{found.origin}, which says: {said}')}.")


def _used(line: ModelLine) -> None:
    """The receipt of all that was spent on it, made by the database."""
    cost = line.sums.cost
    label = f"Receipt of its calls: {plain(usd(cost.amount, cost.state))}"
    with st.expander(label, icon=":material/receipt_long:", key="model_receipt", on_change="rerun") as shown:
        if shown.open:
            groups = [g for g in state.model_sums().sums if billed(g) == (line.provider, line.model)]
            columns = zip(state.MODEL_COLUMNS, zip(*groups, strict=True), strict=True)
            items = [item for item in state.ledger().bill(**dict(columns)) if item.model == line.model]
            bill_receipt(items, cost)
