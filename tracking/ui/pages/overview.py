"""Overview: what was spent, on what, and whether it goes up. Streamlit executes this file."""

from datetime import UTC
from typing import Final

import streamlit as st

from tracking.report.format import zone
from tracking.report.overview import Overview, load_overview
from tracking.report.period import CHOICES, period
from tracking.report.trend import title, trend_note, trend_tiles
from tracking.ui import state
from tracking.ui.overview.spending import spending_section
from tracking.ui.overview.tables import empty_note, latency_section, runs_section, where_section
from tracking.ui.overview.tiles import trend_tiles_row
from tracking.ui.prose import plain

_USUAL: Final = "30"


def overview_page() -> None:
    ledger = state.ledger()
    if not any(sum(counts) for counts in ledger.sums("requests", "failed_requests").values()):
        _nothing_yet()
        return
    head = st.container()
    choice = st.segmented_control(
        "Period",
        list(CHOICES),
        default=_USUAL,
        required=True,
        format_func=CHOICES.__getitem__,
        key="period",
        bind="query-params",
        label_visibility="collapsed",
    )
    days = zone(st.context.timezone) or UTC
    found = load_overview(ledger, period(choice, state.now(), days), days)
    with head:
        st.title(plain(title(found)), anchor=False)
        if note := trend_note(found):
            st.caption(plain(note))
    if found.is_empty:
        st.info(empty_note(found), icon=":material/event_busy:")
        return
    _figures(found)


def _figures(found: Overview) -> None:
    trend_tiles_row(trend_tiles(found), found.period)
    spending_section(found)
    where_section(found)
    runs, answers = st.columns(2)
    with runs:
        runs_section(found)
    with answers:
        latency_section(found)


def _nothing_yet() -> None:
    st.title("Nothing has been spent yet", anchor=False)
    with st.container(border=True):
        st.markdown(
            "Every call of every run is added up here: what it cost per day and model, which agents and "
            "tasks it went to, and whether it goes up."
        )
        st.page_link(
            "tracking/ui/pages/analyze.py", label="Configure the first run", icon=":material/play_arrow:"
        )


overview_page()
