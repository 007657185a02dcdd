"""Runs: all as a table, one at `?run=<id>`, a batch at `?batch=<id>`. Streamlit executes this file."""

import streamlit as st

from tracking.domain.run import Run
from tracking.report.format import when
from tracking.ui import state
from tracking.ui.presets import preset_titles
from tracking.ui.progress import live_progress
from tracking.ui.prose import plain


def runs_page() -> None:
    run_id, batch_id = st.query_params.get(state.RUN), st.query_params.get(state.BATCH)
    if run_id:
        _one(run_id, batch_id)
    elif batch_id:
        from tracking.ui.batch.view import batch_page  # noqa: PLC0415  # needed only here

        batch_page(batch_id)
    else:
        from tracking.ui.runs_list import runs_list  # noqa: PLC0415  # needed only here

        runs_list()


def _one(run_id: str, batch_id: str | None) -> None:
    back = "Back to the batch" if batch_id else "Back to all runs"
    run = state.ledger().run(run_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(back, icon=":material/arrow_back:", type="tertiary", on_click=_close, key="back")
        if run is not None and run.batch_id is not None and not batch_id:
            st.button(
                "Open its batch",
                icon=":material/table_rows:",
                type="tertiary",
                on_click=_open_batch,
                args=(run.batch_id,),
                key="its_batch",
            )
    if run is None:
        st.warning(
            f"There is no run {plain(run_id)} in this ledger. Another ledger may hold it.",
            icon=":material/search_off:",
        )
        return
    st.caption(plain(_described(run)))
    if run.state_at(state.now()).is_final:
        from tracking.ui.results import results_section  # noqa: PLC0415  # brings plotly, needed only here

        results_section(run_id)
    else:
        live_progress(run_id)


def _described(run: Run) -> str:
    title = preset_titles().get(run.preset or "", run.preset)
    preset = f" · {title}" if title and title != run.name else ""
    return f"{run.name}{preset} · {when(run.created_at, st.context.timezone)} · run {run.run_id}"


def _close() -> None:
    st.query_params.pop(state.RUN, None)
    st.session_state[state.RUN] = None


def _open_batch(batch_id: str) -> None:
    st.query_params.pop(state.RUN, None)
    st.query_params[state.BATCH] = batch_id


runs_page()
