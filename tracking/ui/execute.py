"""The Execute Analysis tab: what will run, the one button that runs it, and what is running."""

from collections.abc import Callable
from typing import Final

import pandas as pd
import streamlit as st

from tracking.crew import queue
from tracking.domain.run import Run
from tracking.domain.spec import RunSpec
from tracking.report.format import spoken, tokens, usd
from tracking.ui import state
from tracking.ui.batch.launch import many_section
from tracking.ui.configure.draft import Draft
from tracking.ui.configure.summary import cautions, short_label, summary_line
from tracking.ui.prose import plain
from tracking.ui.ticket import Ticket

NAME: Final = "execute.name"
_TICKET: Final = "execute.ticket"


def execute_tab(draft: Draft, run: Run | None, *, show_results: Callable[[], None]) -> None:
    """Draw the tab. While the current run lives there is no button: it would be for another run."""
    if run is not None:
        _current(run, show_results)
        if not state.is_final(run):
            return
    _launch(draft)
    many_section(draft)
    _table(draft)


def _current(run: Run, show_results: Callable[[], None]) -> None:
    from tracking.ui.progress import live_progress  # noqa: PLC0415  # needed only when there is a run

    with st.container(border=True):
        live_progress(run.run_id)
        if state.is_final(run):
            st.button("Show the results", icon=":material/monitoring:", on_click=show_results)
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("You can close this page: the run goes on, and its address brings you back.")
            st.button("Set up another run", icon=":material/add:", type="tertiary", on_click=state.forget_run)


def adopt_launched_run() -> None:
    """Make the run that the last click launched the current one. Repeated until it is done to the end."""
    ticket = _ticket()
    run_id = ticket.looked_up()
    if run_id is not None:
        state.set_run(run_id)
        st.session_state[_TICKET] = Ticket()


def _ticket() -> Ticket:
    if _TICKET not in st.session_state:
        st.session_state[_TICKET] = Ticket()
    ticket: Ticket = st.session_state[_TICKET]
    return ticket


def _launch(draft: Draft) -> None:
    with st.container(border=True):
        for problem in draft.problems:
            st.error(f"**{problem.place}**: {plain(problem.text)}", icon=":material/block:")
        st.markdown(f"**{plain(summary_line(draft))}**")
        for caution in cautions(draft):
            st.caption(f":material/warning: {plain(caution)}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _button(draft)
        if refusal := _ticket().problem:
            st.error(plain(refusal), icon=":material/error:")


def _button(draft: Draft) -> None:
    title = draft.catalog.presets[draft.spec.preset].title if draft.spec else ""
    st.text_input(
        "Name of the run", key=NAME, persist_state="session", placeholder=title, max_chars=80, width=360
    )
    st.button(
        "Run analysis",
        key="execute.run",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not draft.ready,
        help=None if draft.ready else "What is in the way is named above.",
        on_click=_run,
        args=(_ticket(), draft.spec, title),
    )


def _run(ticket: Ticket, spec: RunSpec, title: str) -> None:
    """Hand the run to a worker, once per ticket."""
    name = (st.session_state.get(NAME) or "").strip() or title
    settings, ledger = state.settings(), state.ledger()
    ticket.spend(lambda: queue.submit(settings, ledger, spec, name=name), "The run")


def _table(draft: Draft) -> None:
    if draft.plan is None:
        return
    st.subheader("What will run, in order", anchor=False)
    column = st.column_config
    st.dataframe(
        _rows(draft),
        hide_index=True,
        height="content",
        column_config={
            # What it takes comes before who does it: the first three fit on a phone.
            "Task": column.TextColumn(width=160),
            "Tokens": column.NumberColumn("Tokens ≈", format="localized", width=82),
            "Cost": column.TextColumn("Cost ≈", alignment="right", width=100, help="At today's list prices."),
            "Range": column.TextColumn(
                alignment="right", width=96, help="From 30 % of the allowed output used to all of it."
            ),
            "Agent": column.TextColumn(width=190),
        },
    )


def _rows(draft: Draft) -> pd.DataFrame:
    assert draft.plan is not None
    expected = {task.name: task for task in draft.plan.estimate.tasks}
    rows = []
    for prompt in draft.plan.prompts:
        task = expected[prompt.name]
        earlier = ", ".join(name.replace("_", " ") for name in prompt.context)
        rows.append(
            {
                "Task": f"{prompt.position + 1}. {spoken(prompt.name)}",
                "Tokens": task.tokens,
                "Cost": usd(task.cost.amount, task.cost.state),
                "Range": f"{tokens(task.low)}\N{EN DASH}{tokens(task.high)}",
                "Agent": prompt.agent.role,
                "Model": short_label(draft.catalog.models[prompt.model]),
                "Reads": earlier or "its figures only",
            }
        )
    return pd.DataFrame(rows)
