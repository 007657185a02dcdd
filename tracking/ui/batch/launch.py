"""Run for many inputs, on the Execute Analysis tab: a file, what it asks for, and one button."""

from pathlib import PurePath
from typing import Final

import pandas as pd
import streamlit as st

from tracking.crew import batches
from tracking.crew.batch_inputs import MOST_ROWS, BatchInputs
from tracking.domain.batch import BatchItem
from tracking.domain.variation import NAME, cell_of
from tracking.errors import DatasetError
from tracking.report.batch import heading
from tracking.report.format import counted
from tracking.ui import state
from tracking.ui.batch.inputs import TEMPLATE_NAME, Reading, read, template
from tracking.ui.configure.draft import Draft
from tracking.ui.configure.summary import estimate_in_words
from tracking.ui.prose import plain
from tracking.ui.ticket import Ticket

RUNS_PAGE: Final = "tracking/ui/pages/runs.py"
BATCH_NAME: Final = "batch.name"
_TICKET: Final = "batch.ticket"
_LEFT: Final = "batch.left"  # the batch that the page was left for, so that it is left once
_ROUND: Final = "batch.round"  # a new number makes a new, empty uploader
_MOST_MB: Final = 5  # five hundred rows of long texts are a tenth of it
_PROBLEMS_SHOWN: Final = 5  # the table has all of them


def many_section(draft: Draft) -> None:
    """Draw the second way to run, which is quiet until somebody wants it."""
    _go_to_the_new_batch()
    with st.expander("Run for many inputs", icon=":material/table_rows:"):
        if (made := _ticket().made) is not None:
            _handed_over(made)
            return
        st.markdown(
            "One run per row of a CSV. A column is headed by the field that it changes, such as "
            "`campaign.target_audience`, `market.regions`, `model`, or `name` for the run's own name. An "
            "empty cell keeps what this page says; several values in a cell are separated by `;`."
        )
        if draft.ready:
            st.download_button(
                "Template with this page's values",
                template(draft),
                TEMPLATE_NAME,
                "text/csv",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
        uploaded = st.file_uploader(
            f"Inputs, up to {MOST_ROWS:,} rows",
            type=["csv", "tsv", "txt"],
            key=f"batch.upload.{st.session_state.get(_ROUND, 0)}",
            max_upload_size=_MOST_MB,
        )
        if not draft.ready:
            st.caption("Once the problems above are solved, a file can be read against this page.")
        elif uploaded is not None:
            _uploaded(draft, uploaded.getvalue(), uploaded.name)


def _ticket() -> Ticket:
    if _TICKET not in st.session_state:
        st.session_state[_TICKET] = Ticket()
    ticket: Ticket = st.session_state[_TICKET]
    return ticket


def _go_to_the_new_batch() -> None:
    made = _ticket().looked_up()
    if made is not None and st.session_state.get(_LEFT) != made:
        st.session_state[_LEFT] = made
        st.switch_page(RUNS_PAGE, query_params={state.BATCH: made})


def _handed_over(batch_id: str) -> None:
    st.success("The batch was handed to the workers.", icon=":material/check_circle:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            RUNS_PAGE,
            label="Open the batch",
            icon=":material/table_rows:",
            query_params={state.BATCH: batch_id},
        )
        st.button("Set up another batch", icon=":material/add:", type="tertiary", on_click=_forget)


def _forget() -> None:
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.session_state[_TICKET] = Ticket()


def _uploaded(draft: Draft, data: bytes, name: str) -> None:
    with st.spinner(f"Reading {name} …"):
        found = read(draft, data, name)
    if isinstance(found, DatasetError):
        st.error(plain(str(found)), icon=":material/error:")
        return
    _problems(found.inputs)
    _preview(found.inputs)
    _launch(found)


def _problems(inputs: BatchInputs) -> None:
    problems = inputs.problems
    if not problems:
        return
    shown = [f"- {plain(problem.told(inputs.source))}" for problem in problems[:_PROBLEMS_SHOWN]]
    if more := len(problems) - len(shown):
        shown.append(f"- and {more:,} more")
    st.error("\n".join(["**Nothing is run until this is corrected**", *shown]), icon=":material/block:")


def _preview(inputs: BatchInputs) -> None:
    frame = preview_frame(inputs)
    column = st.column_config
    st.dataframe(
        frame,
        hide_index=True,
        height=min(360, 38 + 35 * len(frame)),
        column_config={
            "row": column.NumberColumn("Row", width=50, help="In the file; the header is the first row."),
            "problem": column.TextColumn("Problem", width=360),
            **{field: column.TextColumn(heading(field), help=field) for field in inputs.columns},
        },
        alt="What each row asks for",
    )


def preview_frame(inputs: BatchInputs) -> pd.DataFrame:
    """One row per run: what it has instead of the page's, or what its cells hold where they can't be used."""
    rows = []
    for row in inputs.rows:
        told = "; ".join(problem.text for problem in row.problems)
        record: dict[str, object] = {"row": row.number} | ({"problem": told} if inputs.problems else {})
        for field in inputs.columns:
            usable = row.spec is not None and field != NAME
            record[field] = cell_of(row.spec, field) if usable and row.spec else row.cells[field]
        rows.append(record)
    return pd.DataFrame(rows)


def _launch(found: Reading) -> None:
    inputs, ready = found.inputs, not found.inputs.problems
    runs = counted(len(inputs.rows), "run")
    if ready:
        st.markdown(f"**{plain(f'{runs} · {estimate_in_words(found.estimate)}')}**")
    for caution in found.cautions:
        st.caption(f":material/warning: {plain(caution)}")
    stem = PurePath(inputs.source).stem
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Name of the batch",
            key=BATCH_NAME,
            persist_state="session",
            placeholder=stem,
            max_chars=80,
            width=360,
        )
        st.button(
            f"Run all {len(inputs.rows):,}" if len(inputs.rows) > 1 else "Run it",
            key="batch.run",
            icon=":material/play_arrow:",
            disabled=not ready,
            help=None if ready else "What is in the way is named above.",
            on_click=_run,
            args=(_ticket(), inputs.items, stem, inputs.source),
        )
    if refusal := _ticket().problem:
        st.error(plain(refusal), icon=":material/error:")


def _run(ticket: Ticket, items: tuple[BatchItem, ...], stem: str, source: str) -> None:
    """Hand the batch to the workers, once per ticket."""
    name = (st.session_state.get(BATCH_NAME) or "").strip() or stem
    settings, ledger = state.settings(), state.ledger()
    ticket.spend(lambda: batches.submit_batch(settings, ledger, items, name=name, source=source), "The batch")
