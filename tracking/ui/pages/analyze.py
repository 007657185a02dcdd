"""Analyze: configure a run, execute it, see what came of it. Streamlit executes this file as a page."""

from typing import Final

import streamlit as st

from tracking.domain.run import Run
from tracking.ui import shell, state
from tracking.ui.configure import form
from tracking.ui.configure.draft import Draft, current_draft
from tracking.ui.configure.load import spec_of, take_over
from tracking.ui.configure.summary import summary_line
from tracking.ui.configure.tab import configuration_tab
from tracking.ui.execute import adopt_launched_run, execute_tab
from tracking.ui.prose import plain

TABS: Final = ("Task Configuration", "Execute Analysis", "Results & Visualization")
_TAB: Final = "tab"


def analyze() -> None:
    shell.wake_worker()
    adopt_launched_run()
    run = state.current_run()
    form.begin(state.catalog(), spec_of(run))
    take_over()
    st.session_state.setdefault(_TAB, _first_tab(run))
    st.title("Marketing Research Swarm", anchor=False)
    configuration, execution, results = st.tabs(TABS, key=_TAB, on_change="rerun")
    with configuration:
        draft = current_draft()
        configuration_tab(draft)
        _next_step(draft)
    with execution:
        execute_tab(draft, run, show_results=lambda: _go_to(TABS[2]))
    with results:
        _results(run, is_open=bool(results.open))


def _first_tab(run: Run | None) -> str:
    if run is None:
        return TABS[0]
    return TABS[2] if state.is_final(run) else TABS[1]


def _go_to(tab: str) -> None:
    st.session_state[_TAB] = tab


def _next_step(draft: Draft) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        text = f"**{plain(summary_line(draft))}**"
        if draft.problems:
            places = ", ".join(dict.fromkeys(problem.place for problem in draft.problems))
            text += f"  \n:red[:material/block: Can't run yet. See {places} above.]"
        st.markdown(text, width="stretch")
        st.button(
            "Review and run",
            icon=":material/arrow_forward:",
            icon_position="right",
            on_click=_go_to,
            args=(TABS[1],),
        )


def _results(run: Run | None, *, is_open: bool) -> None:
    if run is None:
        _no_results(is_open=is_open)
    elif not state.is_final(run):
        st.info(f"**{plain(run.name)}** is still running. Its results appear here as soon as it is done.")
    elif is_open:  # charts are drawn only where somebody looks
        from tracking.ui.results import results_section  # noqa: PLC0415  # brings plotly, needed only here

        results_section(run.run_id)


def _no_results(*, is_open: bool) -> None:
    asked = state.current_run_id()
    if asked is not None:
        st.warning(f"This ledger has no run {plain(asked)}. Its link may be cut off, or be for another one.")
    with st.container(border=True):
        st.subheader("No results yet", anchor=False)
        st.markdown(
            "Run an analysis, and its report, tokens and cost appear here. Earlier ones are under **Runs**."
        )
        st.button(
            "Go to Execute Analysis",
            icon=":material/play_arrow:",
            on_click=_go_to,
            args=(TABS[1],),
        )
    if is_open:
        from tracking.ui.debug import debug_section  # noqa: PLC0415  # needed only here

        with st.expander("Details of this session", icon=":material/bug_report:"):
            debug_section(None)


analyze()
