"""Models & prices: what every model costs, where that is from, and one's own prices. Streamlit's page."""

from datetime import UTC, datetime
from typing import Final

import streamlit as st

from tracking.errors import ConfigError
from tracking.pricing.book import PriceBook
from tracking.ui import state
from tracking.ui.prices.ages import ages
from tracking.ui.prices.compare import comparison
from tracking.ui.prices.form import correct, own_prices
from tracking.ui.prices.listing import chosen, listing
from tracking.ui.prices.models import ModelLine, hidden_note, model_lines, title
from tracking.ui.prices.one import one_model
from tracking.ui.prose import plain
from tracking.ui.what_if import what_if_section

TABS: Final = ("Models", "Your own prices", "What if")
_TAB: Final = "prices_tab"


def prices_page() -> None:
    at, book = datetime.now(UTC), state.price_book()
    with st.spinner("Adding up the calls, reading the prices …"):
        lines = _lines(book, at)
    st.title(plain(title(lines)), anchor=False)
    if note := hidden_note(lines):
        st.markdown(f":small[:orange[:material/warning: {plain(note)}]]")
    st.caption(plain(ages(book, at)))
    problem = st.container()
    models, own, what_if = st.tabs(TABS, key=_TAB, on_change="rerun")
    if book.problem and not own.open:  # there it is said with what to do
        problem.error(
            f"**Prices are left out: {plain(book.problem)}.** See {TABS[1]}.", icon=":material/error:"
        )
    with models:
        _models(lines, book, at)
    if own.open:
        with own:
            own_prices(book, at)
    if what_if.open:
        with what_if:
            what_if_section()


def _lines(book: PriceBook, at: datetime) -> list[ModelLine]:
    found = state.model_sums()
    try:
        entries = state.catalog().models.values()
        configured = [(model.provider, model.model, model.label) for model in entries if model.model]
    except ConfigError:
        configured = []  # the page that needs the catalog says what is wrong with it
    return model_lines(found.sums, found.hidden, found.latest, configured, book, at)


def _models(lines: list[ModelLine], book: PriceBook, at: datetime) -> None:
    if not any(line.is_seen for line in lines):
        with st.container(border=True):
            st.markdown(
                "Every model that a run calls appears here with what it used and cost. Until then: the ones "
                "that can be chosen, and their prices."
            )
            st.page_link(
                "tracking/ui/pages/analyze.py", label="Configure the first run", icon=":material/play_arrow:"
            )
    listing(lines)
    names = chosen()
    if len(names) == 1:
        line = next((line for line in lines if line.name == names[0]), None)
        one_model(names[0], line, book, at, _correct)
    elif names:
        comparison(names, book, at)


def _correct(name: str) -> None:
    correct(name, datetime.now(UTC))
    st.session_state[_TAB] = TABS[1]


prices_page()
