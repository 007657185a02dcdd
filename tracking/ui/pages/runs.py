"""Runs: the history as a table, one run in full at `?run=<id>`. Streamlit executes this file as a page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.domain.run import Run, RunState
from tracking.errors import ConfigError
from tracking.ui import state
from tracking.ui.calls import selected_row
from tracking.ui.format import when, zone
from tracking.ui.history import Entry, add_up, by_day, entries, history_frame, matching, sums_note, sums_title
from tracking.ui.progress import live_progress
from tracking.ui.prose import plain

_NEWEST: Final = 1_000  # runs in the table: further back, the filters of the database are the better tool
_TABLE: Final = "runs_table"


def runs_page() -> None:
    run_id = st.query_params.get(state.RUN)
    if run_id:
        _one(run_id)
    else:
        _all()


def _one(run_id: str) -> None:
    st.button("Back to all runs", icon=":material/arrow_back:", type="tertiary", on_click=_close, key="back")
    run = state.ledger().run(run_id)
    if run is None:
        st.warning(
            f"There is no run {plain(run_id)} in this ledger. Another ledger may hold it.",
            icon=":material/search_off:",
        )
        return
    st.caption(plain(_described(run)))
    if run.state_at(datetime.now(UTC)).is_final:
        from tracking.ui.results import results_section  # noqa: PLC0415  # brings plotly, needed only here

        results_section(run_id)
    else:
        live_progress(run_id)


def _described(run: Run) -> str:
    title = _titles().get(run.preset or "", run.preset)
    preset = f" · {title}" if title and title != run.name else ""
    return f"{run.name}{preset} · {when(run.created_at, st.context.timezone)} · run {run.run_id}"


def _titles() -> Mapping[str, str]:
    """The presets' titles by name; a history must not depend on a config that can't be read."""
    try:
        return {name: preset.title for name, preset in state.catalog().presets.items()}
    except ConfigError:
        return {}


def _close() -> None:
    st.query_params.pop(state.RUN, None)
    st.session_state[state.RUN] = None


def _all() -> None:
    runs = state.ledger().runs(limit=_NEWEST)
    if not runs:
        _empty()
        return
    used = state.ledger().totals(by="run_id", run_id=tuple(run.run_id for run in runs))
    found = entries(runs, used, datetime.now(UTC))
    title = st.container()
    shown = _filtered(found)
    with title:
        sums = add_up(shown)
        st.title(plain(sums_title(sums)), anchor=False)
        if note := sums_note(sums):
            st.markdown(f":small[:orange[:material/warning: {plain(note)}]]")
    if not shown:
        st.info(
            "No run matches these filters. Clear one of them to see more.", icon=":material/filter_alt_off:"
        )
        return
    _per_day(shown)
    _table(shown)
    if len(runs) == _NEWEST:
        st.caption(f"These are the newest {_NEWEST:,} runs.")


def _empty() -> None:
    st.title("No runs yet", anchor=False)
    with st.container(border=True):
        st.markdown(
            "A run appears here as soon as it is started, and stays: with its calls, its cost and its report."
        )
        st.page_link(
            "tracking/ui/pages/analyze.py", label="Configure the first run", icon=":material/play_arrow:"
        )


def _filtered(found: Sequence[Entry]) -> list[Entry]:
    """The filters live in the URL, so that a filtered history can be linked."""
    present = {entry.state for entry in found}
    titles = _titles()
    presets = sorted({entry.run.preset for entry in found if entry.run.preset})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search", key="q", bind="query-params", placeholder="Name, id, model or agent", width=260
        )
        preset = st.selectbox(
            "Preset",
            presets,
            index=None,
            format_func=lambda name: titles.get(name, name),
            key="preset",
            bind="query-params",
            placeholder="Every preset",
            width=220,
        )
        states = st.pills(
            "State",
            [str(state) for state in RunState if state in present],
            selection_mode="multi",
            key="state",
            bind="query-params",
        )
    return matching(found, states=states, preset=preset, text=text or "")


def _per_day(shown: Sequence[Entry]) -> None:
    from tracking.ui.charts import day_chart  # noqa: PLC0415  # brings plotly, needed only when there are days

    days = by_day(shown, st.context.timezone)
    spent = any(sums.cost for _, sums in days)
    if len(days) < 2 or not any(sums.tokens for _, sums in days):
        return
    unit = "Tokens"
    if spent:
        unit = st.segmented_control(
            "Per day",
            ["Spend", "Tokens"],
            default="Spend",
            required=True,
            key="per_day",
            label_visibility="collapsed",
        )
    st.plotly_chart(day_chart(days, spend=unit == "Spend"), key="day_chart", alt=f"{unit} per day")


def _table(shown: Sequence[Entry]) -> None:
    frame = history_frame(shown, _titles())
    st.dataframe(
        frame,
        hide_index=True,
        height=min(640, 38 + 35 * len(shown)),
        column_config=_columns(float(frame["share"].max())),
        key=_TABLE,
        on_select=lambda: _open(shown),
        selection_mode=("single-row", "single-cell"),
        alt="Runs, newest first",
    )
    st.caption("Select a run to open it.")


def _open(shown: Sequence[Entry]) -> None:
    row = selected_row(st.session_state[_TABLE])
    if row is not None and row < len(shown):
        st.query_params[state.RUN] = shown[row].run.run_id


def _columns(largest_share: float) -> dict[str, ColumnConfig]:
    column, tz = st.column_config, st.context.timezone
    seen_in = tz if zone(tz) else "UTC"
    return {
        "when": column.DatetimeColumn(
            "When", format="D MMM YYYY, HH:mm", timezone=seen_in, help=f"Time zone: {seen_in}"
        ),
        "name": column.TextColumn("Name"),
        "state": column.TextColumn("State"),
        "tokens": column.TextColumn("Tokens", alignment="right", width=95),
        "share": column.ProgressColumn(
            "Share",
            format="%.1f %%",
            min_value=0,
            max_value=largest_share or 100,
            width=100,
            help="Of these runs' tokens",
        ),
        "cost": column.TextColumn("Cost", alignment="right", width=105),
        "calls": column.TextColumn("Calls", alignment="right", width=85),
        "duration": column.TextColumn("Duration", alignment="right", width=105),
        "source": column.TextColumn("Data source", width=160),
        "preset": column.TextColumn("Preset"),
    }


runs_page()
