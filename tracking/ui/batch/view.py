"""One batch: how far it is, each of its runs, their total; and what can be done with it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.crew import batches
from tracking.domain.batch import Batch
from tracking.domain.run import Run, RunState
from tracking.export.batches import as_csv
from tracking.export.files import slug
from tracking.report.batch import (
    batch_frame,
    batch_title,
    differences,
    heading,
    is_live,
    spanned,
)
from tracking.report.format import counted, duration, when
from tracking.report.history import Entry, add_up, entries, sums_note
from tracking.ui import state
from tracking.ui.calls import selected_row
from tracking.ui.prose import plain
from tracking.ui.ticket import Ticket

_EVERY: Final = 2.0  # seconds; it reads all of a batch's runs, and they take longer than that
_AGAIN: Final = "batch.again"
_TABLE: Final = "batch_runs"


def batch_page(batch_id: str) -> None:
    """Draw the batch of that id, live until its last run has ended."""
    batch_id = _followed(batch_id)
    st.button("Back to all runs", icon=":material/arrow_back:", type="tertiary", on_click=_close, key="back")
    batch = state.batch_book().batch(batch_id)
    if batch is None:
        st.warning(
            f"There is no batch {plain(batch_id)} in this ledger. Another ledger may hold it.",
            icon=":material/search_off:",
        )
        return
    if is_live(_entries(batch_id)):
        _watch(batch)
    else:
        _shown(batch, _entries(batch_id))


def _followed(batch_id: str) -> str:
    """The batch that another try of this one made, if somebody has just asked for that."""
    made = _ticket(batch_id).looked_up()
    if made is None:
        return batch_id
    st.query_params[state.BATCH] = made
    st.session_state[_AGAIN] = {}
    return made


def _ticket(batch_id: str) -> Ticket:
    tickets: dict[str, Ticket] = st.session_state.setdefault(_AGAIN, {})
    return tickets.setdefault(batch_id, Ticket())


def _entries(batch_id: str) -> list[Entry]:
    runs = state.batch_book().runs(batch_id)
    used = state.ledger().totals(by="run_id", run_id=tuple(run.run_id for run in runs))
    return entries(runs, used, datetime.now(UTC))


@st.fragment(run_every=_EVERY)
def _watch(batch: Batch) -> None:
    found = _entries(batch.batch_id)
    if not is_live(found) or state.RUN in st.query_params:  # it has ended, or one of its runs was opened
        # The page is made anew without this fragment, so this happens once.
        st.rerun()
    _shown(batch, found)


def _shown(batch: Batch, found: Sequence[Entry]) -> None:
    sums = add_up(found)
    st.title(plain(batch_title(found, sums)), anchor=False)
    if note := sums_note(sums):
        st.markdown(f":small[:orange[:material/warning: {plain(note)}]]")
    st.caption(plain(_described(batch, found)))
    if is_live(found):
        _progress(found)
    _actions(batch, found)
    _table(batch, found)


def _described(batch: Batch, found: Sequence[Entry]) -> str:
    parts = [batch.name, f"from {batch.source}", when(batch.created_at, st.context.timezone)]
    if (span := spanned(found)) is not None:
        parts.append(f"{'under way for' if is_live(found) else 'took'} {duration(span)}")
    return " · ".join([*parts, f"batch {batch.batch_id}"])


def _progress(found: Sequence[Entry]) -> None:
    ended = sum(entry.state.is_final for entry in found)
    st.progress(ended / len(found), text=f"{ended:,} of {counted(len(found), 'run')} ended")
    if not state.workers():
        st.warning(
            "No worker is running, so nothing will start the runs that wait. "
            "Start the dashboard with `python run_dashboard.py`, which keeps one.",
            icon=":material/warning:",
        )


def _actions(batch: Batch, found: Sequence[Entry]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_live(found):
            _stop_button(batch, found)
        else:
            _again_button(batch, found)
        if any(entry.state.is_final for entry in found):
            _download(batch, found)
    if refusal := _ticket(batch.batch_id).problem:
        st.error(plain(refusal), icon=":material/error:")


def _stop_button(batch: Batch, found: Sequence[Entry]) -> None:
    live = [entry.run for entry in found if not entry.state.is_final]
    asked = all(run.stop_requested_at is not None for run in live)
    st.button(
        "Stopping" if asked else "Stop the batch",
        icon=":material/stop_circle:",
        disabled=asked,
        help="Runs that wait end at once, running ones within a second or so. What they did is kept; an open "
        "call may be billed.",
        on_click=_stop,
        args=(batch.batch_id,),
        key="stop_batch",
    )


def _stop(batch_id: str) -> None:
    batches.request_stop(state.ledger(), batch_id)


def _again_button(batch: Batch, found: Sequence[Entry]) -> None:
    failed = [entry.run for entry in found if entry.state in batches.FAILED_STATES]
    if not failed:
        return
    lost = any(entry.state is RunState.LOST for entry in found)
    st.button(
        f"Run the {len(failed):,} that failed{' or were lost' if lost else ''} again",
        icon=":material/replay:",
        help="As they were asked for, as a batch of its own. This one stays as it is.",
        on_click=_run_again,
        args=(_ticket(batch.batch_id), batch, failed),
        key="run_again",
    )


def _run_again(ticket: Ticket, batch: Batch, runs: Sequence[Run]) -> None:
    """Make another batch of these runs, once per ticket; the page then goes on with that one."""
    settings, ledger = state.settings(), state.ledger()
    ticket.spend(lambda: batches.run_again(settings, ledger, batch, runs), "The batch")


def _download(batch: Batch, found: Sequence[Entry]) -> None:
    outputs = state.outputs()
    ids = [entry.run.run_id for entry in found]
    st.download_button(
        "Inputs and results (CSV)",
        lambda: as_csv(found, outputs.last(ids)).encode("utf-8-sig"),  # read when somebody wants it
        f"{slug(batch.name, 'batch')}-{batch.created_at:%Y-%m-%d-%H-%M}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="batch_csv",
    )


def _table(batch: Batch, found: Sequence[Entry]) -> None:
    frame = batch_frame(batch, found)
    st.dataframe(
        frame,
        hide_index=True,
        height=min(640, 38 + 35 * len(frame)),
        column_config=_columns(differences([entry.run for entry in found])),
        key=_TABLE,
        on_select=lambda: _open(found),
        selection_mode=("single-row", "single-cell"),
        alt="The runs of the batch, in the order of the file",
    )
    st.caption("Select a run to open it.")


def _open(found: Sequence[Entry]) -> None:
    row = selected_row(st.session_state[_TABLE])
    if row is not None and row < len(found):
        st.query_params[state.RUN] = found[row].run.run_id


def _columns(fields: Sequence[str]) -> dict[str, ColumnConfig]:
    column = st.column_config
    return {
        "position": column.NumberColumn("#", width=45),
        "name": column.TextColumn("Name"),
        "state": column.TextColumn("State", width=90),
        **{field: column.TextColumn(heading(field), help=field) for field in fields},
        "tokens": column.TextColumn("Tokens", alignment="right", width=95),
        "cost": column.TextColumn("Cost", alignment="right", width=105),
        "duration": column.TextColumn("Duration", alignment="right", width=105),
        "why": column.TextColumn("Why it has no result", width=320),
    }


def _close() -> None:
    st.query_params.pop(state.BATCH, None)
