"""What the crew wrote: its report, and every task's output with the figures it was given."""

from collections.abc import Sequence

import streamlit as st

from tracking.dataset.briefing import FIGURES_LABEL
from tracking.domain.run import RunState
from tracking.ledger.outputs import TaskOutput
from tracking.ui.account import Account
from tracking.ui.format import spoken
from tracking.ui.notes import unfinished
from tracking.ui.prose import plain, prose

_BELOW = 3  # the page's own headings reach level three


def report(account: Account, outputs: Sequence[TaskOutput]) -> None:
    """The last task's answer as the report, and under it the figures of every task."""
    if not outputs:
        _nothing(account)
        return
    if note := unfinished(account, outputs):
        st.caption(note)
    st.markdown(prose(outputs[-1].text, headings_below=_BELOW), anchors=False)
    st.caption(
        plain(f"Written by {outputs[-1].agent_name}, a language model: check its words against the figures.")
    )
    given = [output for output in outputs if output.figures.strip()]
    if not given:
        return
    st.divider()
    st.markdown(f"**{FIGURES_LABEL}**")
    for output in given:
        with st.expander(plain(spoken(output.task_name)), expanded=output is given[-1]):
            _figures(output)


def task_outputs(account: Account, outputs: Sequence[TaskOutput]) -> None:
    """Every task's answer in the declared order, each under its task and agent."""
    if not outputs:
        _nothing(account)
        return
    for output in outputs:
        with st.container(border=True):
            st.markdown(f"**{plain(spoken(output.task_name))}** · {plain(output.agent_name)}")
            st.markdown(
                prose(output.text, headings_below=_BELOW) or "*It answered with nothing.*", anchors=False
            )
            if output.figures.strip():
                with st.expander(FIGURES_LABEL):
                    _figures(output)


def _figures(output: TaskOutput) -> None:
    """Below a heading that says what they are, which therefore is not said again."""
    figures = output.figures.removeprefix(f"**{FIGURES_LABEL}**").lstrip()
    st.markdown(prose(figures, headings_below=_BELOW), anchors=False)


def _nothing(account: Account) -> None:
    if account.state is RunState.COMPLETED:
        text = "The run completed, but none of its tasks left an output."
    elif account.state.is_final:
        text = "The run ended before a task finished: there is no output. Its calls are kept."
    else:
        text = "No task has finished yet."
    st.info(text, icon=":material/info:")
