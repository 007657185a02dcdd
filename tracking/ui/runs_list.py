"""All runs as a table: found in the database by what a person looks for, the newest of them shown."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.domain.batch import Batch
from tracking.domain.run import RunState
from tracking.ledger.search import RunSearch, Wanted
from tracking.report.days import NEWEST_DAYS, Day, by_day, days_frame, days_of_all
from tracking.report.format import when, zone
from tracking.report.history import (
    Entry,
    add_up,
    entries,
    every_note,
    every_title,
    history_frame,
    some_title,
    sums_note,
    sums_title,
)
from tracking.ui import state
from tracking.ui.calls import selected_row
from tracking.ui.presets import preset_titles
from tracking.ui.prose import plain

_STEP: Final = 200  # runs that are shown, and as many more each time that is asked for
_MOST: Final = 2_000  # a page with more would be slow: the filters are the better tool
_SHOW: Final = "show"  # in the URL: how many runs
_NEWEST_BATCHES: Final = 100
_TABLE: Final = "runs_table"
_BATCH_CHOICE: Final = "batch_choice"


def runs_list() -> None:
    search = RunSearch(state.ledger(), state.now())
    if not state.ledger().run_count():
        _empty()
        return
    title = st.container()
    batches = {batch.batch_id: batch for batch in state.batch_book().batches(_NEWEST_BATCHES)}
    wanted = _filters(search, batches)
    count, runs = search.count(wanted), search.newest(wanted, _shown())
    used = state.ledger().totals(by="run_id", run_id=tuple(run.run_id for run in runs)) if runs else {}
    found = entries(runs, used, state.now())
    with title:
        _title(wanted, count, found)
    if not found:
        st.info(
            "No run matches these filters. Clear one of them to see more.", icon=":material/filter_alt_off:"
        )
        return
    _per_day(wanted, count, found)
    _table(found, batches)
    _more(count, len(found))


def _shown() -> int:
    asked = st.query_params.get(_SHOW, "")
    return min(max(int(asked), _STEP), _MOST) if asked.isdecimal() else _STEP


def _title(wanted: Wanted, count: int, found: Sequence[Entry]) -> None:
    """What they used together: exact where all are shown or nothing is filtered, else of those shown."""
    sums = add_up(found)
    if count <= len(found):
        words, note = sums_title(sums), sums_note(sums)
    elif wanted.is_every:
        calls = state.ledger().totals()
        words, note = every_title(count, calls), every_note(calls)
    else:
        words, note = some_title(count, sums), sums_note(sums)
    st.title(plain(words), anchor=False)
    if note:
        st.markdown(f":small[:orange[:material/warning: {plain(note)}]]")


def _empty() -> None:
    st.title("No runs yet", anchor=False)
    with st.container(border=True):
        st.markdown(
            "A run appears here as soon as it is started, and stays: with its calls, its cost and its report."
        )
        st.page_link(
            "tracking/ui/pages/analyze.py", label="Configure the first run", icon=":material/play_arrow:"
        )


def _filters(search: RunSearch, batches: Mapping[str, Batch]) -> Wanted:
    """The filters live in the URL, so that a filtered history can be linked."""
    titles = preset_titles()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search", key="q", bind="query-params", placeholder="Name, id, model or agent", width=210
        )
        preset = st.selectbox(
            "Preset",
            search.presets(),
            index=None,
            format_func=lambda name: titles.get(name, name),
            key="preset",
            bind="query-params",
            placeholder="Every preset",
            width=180,
        )
        states = st.pills(
            "State",
            [str(state) for state in search.states()],
            selection_mode="multi",
            key="state",
            bind="query-params",
        )
        if batches:
            _batch_choice(batches)
    return Wanted(text or "", preset, tuple(map(RunState, states)))


def _batch_choice(batches: Mapping[str, Batch]) -> None:
    tz = st.context.timezone
    st.selectbox(
        "Batch",
        list(batches),
        index=None,
        format_func=lambda batch_id: f"{batches[batch_id].name}, {when(batches[batch_id].created_at, tz)}",
        key=_BATCH_CHOICE,
        on_change=_open_chosen_batch,
        placeholder="Open a batch",
        width=180,
    )


def _open_chosen_batch() -> None:
    if (batch_id := st.session_state.get(_BATCH_CHOICE)) is not None:
        st.query_params.pop(state.RUN, None)
        st.query_params[state.BATCH] = batch_id


def _per_day(wanted: Wanted, count: int, found: Sequence[Entry]) -> None:
    """Of the runs in the table; of all calls where there are more runs and no filter is set."""
    tz, every = st.context.timezone, count > len(found) and wanted.is_every
    days = days_of_all(state.ledger(), tz) if every else by_day(found, tz)
    if len(days) < 2 or not any(each.tokens for each in days):
        return
    _chart(days)
    if every:
        st.caption(f"All calls of the newest {NEWEST_DAYS} days.")
    elif count > len(found):
        st.caption(f"The newest {len(found):,} of the runs that match.")


def _chart(days: Sequence[Day]) -> None:
    from tracking.ui.charts import day_chart  # noqa: PLC0415  # brings plotly, needed only when there are days

    unit = "Tokens"
    if any(each.cost for each in days):
        unit = st.segmented_control(
            "Per day",
            ["Spend", "Tokens"],
            default="Spend",
            required=True,
            key="per_day",
            label_visibility="collapsed",
        )
    st.plotly_chart(day_chart(days, spend=unit == "Spend"), key="day_chart", alt=f"{unit} per day")
    with st.expander("Data behind this chart", key="day_data", on_change="rerun") as shown:
        if shown.open:
            st.dataframe(days_frame(days), hide_index=True, alt="Tokens and cost per day, newest first")


def _table(found: Sequence[Entry], batches: Mapping[str, Batch]) -> None:
    names = {batch_id: batch.name for batch_id, batch in batches.items()}
    frame = history_frame(found, preset_titles(), names)
    # Of other runs it is another table: a browser may miss the first click on one whose rows were replaced.
    key = f"{_TABLE}.{zlib.crc32(' '.join(entry.run.run_id for entry in found).encode())}"
    st.dataframe(
        frame,
        hide_index=True,
        height=min(640, 38 + 35 * len(found)),
        column_config=_columns(float(frame["share"].max())),
        key=key,
        on_select=lambda: _open(found, key),
        selection_mode=("single-row", "single-cell"),
        alt="Runs, newest first",
    )


def _more(count: int, shown: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if count <= shown:
            st.caption("Select a run to open it.", width="content")
            return
        st.caption(f"The newest {shown:,} of {count:,}. Select a run to open it.", width="content")
        if shown < _MOST:
            more = min(_STEP, count - shown)
            st.button(f"Show {more:,} more", key="more", on_click=_show, args=(shown + _STEP,))
        else:
            st.caption("Filter them to see older ones.", width="content")


def _show(number: int) -> None:
    st.query_params[_SHOW] = str(number)


def _open(found: Sequence[Entry], key: str) -> None:
    row = selected_row(st.session_state[key])
    if row is not None and row < len(found):
        st.query_params[state.RUN] = found[row].run.run_id


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
        "batch": column.TextColumn("Batch", help="The batch that a run is one of, and its place there"),
    }
