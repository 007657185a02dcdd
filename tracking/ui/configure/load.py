"""Taking over the settings of an earlier run."""

from typing import Final

import streamlit as st

from tracking.domain.run import Run
from tracking.domain.spec import RunSpec
from tracking.errors import ConfigError
from tracking.ui import state
from tracking.ui.configure import form
from tracking.ui.format import when

_CHOSEN: Final = "form.load.run"
_PENDING: Final = "form.load.pending"  # taken over in the page's body, which an interruption only repeats
_OFFERED: Final = 30  # the newest runs


def spec_of(run: Run | None) -> RunSpec | None:
    """What a run was made with; None for a crew of a person's own, or when another version wrote it."""
    if run is None or not run.spec:
        return None
    try:
        return RunSpec.from_json(run.spec)
    except ConfigError:
        return None


def take_over() -> None:
    """Fill the form from the run that was asked for, if one was."""
    run_id = st.session_state.get(_PENDING)
    if run_id is None:
        return
    spec = spec_of(state.ledger().run(run_id))
    if spec is not None:
        form.fill_from(spec)
    st.session_state[_PENDING] = None


def load_from_run() -> None:
    with st.popover("Load from a run", icon=":material/history:", type="tertiary"):
        found = {run.run_id: run for run in state.ledger().runs(limit=_OFFERED) if spec_of(run) is not None}
        if not found:
            st.caption("No runs yet. Once there are some, their settings can be taken over here.")
            return
        tz = st.context.timezone
        st.selectbox(
            "Run",
            list(found),
            format_func=lambda run_id: f"{found[run_id].name}, {when(found[run_id].created_at, tz)}",
            key=_CHOSEN,
            width=320,
        )
        st.button("Use its settings", on_click=_ask, icon=":material/download:")


def _ask() -> None:
    st.session_state[_PENDING] = st.session_state[_CHOSEN]
