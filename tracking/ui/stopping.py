"""The ways to end a run from the page, and the way back from the gentle one."""

from collections.abc import Callable
from typing import Final, Literal

import streamlit as st

from tracking.crew.queue import request_stop
from tracking.domain.run import Run, RunState
from tracking.ui import state

_NOW: Final = "Ends the run within two seconds. What is done is kept; a call that is open may be billed."
_MENU: Final = "stop_menu"
_AFTER: Final = (
    "Lets the task under way finish, keeps its answer, and begins no other. After the last task there is "
    "nothing left to stop."
)


def stop_control(run: Run) -> None:
    """A button for a run that waits, a choice of two for one that runs; what was asked for, once it was."""
    if run.stop_requested_at is not None:
        st.button("Stopping", icon=":material/stop_circle:", disabled=True, key="stop_run")
    elif run.state is RunState.QUEUED:
        _button("Stop", _stop_now, run.run_id, key="stop_run", help_text="It has not begun.")
    else:
        _choice(run)


def stop_notice(run: Run) -> None:
    """That the run ends after the task under way, with the way back as long as there is one."""
    if run.stop_after_task_at is None or run.stop_requested_at is not None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="stopping_after_task"):
        st.markdown(
            ":orange[:material/hourglass_bottom:] **Stopping after this task.** The next one will not begin.",
            width="content",
        )
        if run.stop_reason is None:
            _button(
                "Let it go on",
                _go_on,
                run.run_id,
                key="take_back_stop",
                icon=":material/undo:",
            )


def _choice(run: Run) -> None:
    icon = ":material/stop_circle:"
    with st.popover("Stop", icon=icon, key=_MENU, width="content", on_change="rerun"):
        _button("Stop now", _stop_now, run.run_id, key="stop_run", width="stretch")
        st.caption(_NOW)
        if run.stop_after_task_at is None:
            icon, key = ":material/hourglass_bottom:", "stop_after_task"
            _button("Stop after this task", _stop_after_task, run.run_id, key=key, icon=icon, width="stretch")
            st.caption(_AFTER)


def _button(
    label: str,
    act: Callable[[str], None],
    run_id: str,
    *,
    key: str,
    icon: str = ":material/stop_circle:",
    width: Literal["content", "stretch"] = "content",
    help_text: str | None = None,
) -> None:
    st.button(label, icon=icon, key=key, width=width, help=help_text, on_click=act, args=(run_id,))


def _stop_now(run_id: str) -> None:
    request_stop(state.ledger(), run_id)


def _stop_after_task(run_id: str) -> None:
    state.run_book().request_stop_after_task(run_id)
    st.session_state[_MENU] = False  # what was chosen is told outside of the menu


def _go_on(run_id: str) -> None:
    state.run_book().take_back_stop_after_task(run_id)
