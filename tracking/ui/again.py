"""Running a run again that did not complete: never by itself, for it spends money, but with one click."""

from __future__ import annotations

from typing import Final

import streamlit as st

from tracking.crew import queue
from tracking.domain.run import Run, RunState
from tracking.domain.spec import RunSpec
from tracking.ui import state
from tracking.ui.prose import plain
from tracking.ui.ticket import Ticket

_TICKETS: Final = "again.tickets"


def again_button(run: Run) -> None:
    """Offer it where it makes sense; once clicked, the page goes on with the new run."""
    if not run.spec or run.state_at(state.now()) in {RunState.COMPLETED, RunState.QUEUED, RunState.RUNNING}:
        return  # a crew of one's own is started by its own program
    tickets: dict[str, Ticket] = st.session_state.setdefault(_TICKETS, {})
    ticket = tickets.setdefault(run.run_id, Ticket())
    if (made := ticket.looked_up()) is not None:
        state.set_run(made)
        tickets.pop(run.run_id)
        st.rerun()
    st.button(
        "Run it again",
        icon=":material/replay:",
        help="As it was asked for, as a run of its own. This one stays as it is.",
        on_click=_run_again,
        args=(ticket, run),
        key="run_it_again",
    )
    if ticket.problem:
        st.error(plain(ticket.problem), icon=":material/error:")


def _run_again(ticket: Ticket, run: Run) -> None:
    settings, ledger = state.settings(), state.ledger()
    ticket.spend(
        lambda: queue.submit(settings, ledger, RunSpec.from_json(run.spec), name=run.name), "The run"
    )
