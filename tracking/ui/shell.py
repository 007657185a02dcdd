"""The foot of the sidebar: the model in use, the worker, the ledger. Each opens what explains it."""

import streamlit as st

from tracking.crew import queue
from tracking.errors import TrackingError
from tracking.report.format import counted
from tracking.report.workers import version_notes, worker_state, workers_label
from tracking.ui import state
from tracking.ui.configure import form
from tracking.ui.prose import plain

_WORKER_PROBLEM = "shell.worker_problem"


def wake_worker() -> None:
    """Have a worker warming up while the person still reads. If none can be started, its chip says so."""
    try:
        queue.ensure_worker(state.settings(), state.ledger())
    except (TrackingError, OSError) as error:
        st.session_state[_WORKER_PROBLEM] = str(error)
    else:
        st.session_state.pop(_WORKER_PROBLEM, None)


def chips() -> None:
    with st.sidebar:
        _chips()


@st.fragment(run_every=5)
def _chips() -> None:
    """Reads only, so that a worker that comes or goes is seen without anybody's click."""
    try:
        with st.container(gap="xxsmall"):
            _model_chip()
            _worker_chip()
            _ledger_chip()
    except TrackingError:  # the page itself explains it; here there is no room to
        st.caption("The configuration or the ledger can't be read at the moment.")


def _model_chip() -> None:
    catalog = state.catalog()
    model = catalog.models.get(st.session_state.get(form.MODEL, ""), catalog.default_model)
    label = "Local demo model" if model.is_local else model.label
    with st.popover(label, icon=":material/neurology:", type="tertiary", wrap=False, key="chip.model"):
        st.markdown(f"**{model.label}** answers for every agent that has no model of its own.")
        if model.problem:
            st.markdown(f"It can't be used here: it {plain(model.problem)}.")
        elif model.is_local:
            st.markdown(
                "It runs in the worker on this computer: nothing is sent anywhere, and it costs nothing."
            )
        else:
            st.markdown(f"Prompts are sent to **{model.provider}**, which bills them.")
        st.caption(f"{model.model or 'no name set'} · context window {model.context_window:,} tokens")


def _worker_chip() -> None:
    workers = state.workers()
    notes = version_notes(workers)
    icon = ":material/warning:" if notes else ":material/manufacturing:"
    with st.popover(workers_label(workers), icon=icon, type="tertiary", wrap=False, key="chip.worker"):
        st.markdown("A worker carries out the runs, in processes apart from this page.")
        if problem := st.session_state.get(_WORKER_PROBLEM):
            st.error(plain(problem))
        if not workers:
            st.markdown(_no_worker())
        for note in notes:
            st.warning(plain(note), icon=":material/warning:")
        for worker in workers:
            st.caption(plain(f"{worker.host} · process {worker.pid} · {worker_state(worker)}"))


def _no_worker() -> str:
    if state.settings().worker_managed:
        return "None reports at the moment: runs wait in the queue. `python run_dashboard.py` keeps one."
    return "None has reported yet: one is being started. Runs wait for it in the queue."


def _ledger_chip() -> None:
    kind = "PostgreSQL" if state.ledger().engine.dialect.name == "postgresql" else "SQLite"
    label = f"{kind}, {counted(state.ledger().run_count(), 'run')}"
    with st.popover(label, icon=":material/database:", type="tertiary", wrap=False, key="chip.ledger"):
        st.markdown(
            "The ledger keeps every call with its tokens and its price, and never what was said in it."
        )
        st.code(
            state.ledger().engine.url.render_as_string(hide_password=True), language=None, wrap_lines=True
        )
        st.page_link("tracking/ui/pages/health.py", label="Its health", icon=":material/health_and_safety:")
