"""A run while it lives: read from the ledger every second, whoever carries it out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pandas as pd
import streamlit as st

from tracking.crew.redact import scrub
from tracking.domain.run import Run, RunState, TaskProgress
from tracking.report.account import headline
from tracking.report.breakdown import tokens_by_task
from tracking.report.format import counted, duration, spoken
from tracking.report.notes import reason
from tracking.ui import state
from tracking.ui.budgets.standing import budget_lines
from tracking.ui.budgets.waiting import budget_wait
from tracking.ui.live.counters import counters
from tracking.ui.live.newest import newest_calls
from tracking.ui.live.watching import Watched, watch
from tracking.ui.prose import plain
from tracking.ui.stopping import stop_control, stop_notice

_EVERY: Final = 1.0  # seconds; a call is on screen at most this long after it is in the ledger
_ICONS: Final = {
    RunState.QUEUED: ":gray[:material/radio_button_unchecked:]",
    RunState.RUNNING: ":blue[:material/progress_activity:]",
    RunState.COMPLETED: ":green[:material/check_circle:]",
    RunState.FAILED: ":red[:material/error:]",
    RunState.STOPPED: ":orange[:material/stop_circle:]",
    RunState.LOST: ":orange[:material/link_off:]",
}
_WORDS: Final = {RunState.QUEUED: "waiting", RunState.COMPLETED: "done"}


def live_progress(run_id: str) -> None:
    """Show how a run is doing until it ends; then the whole page is run once, to show the results."""
    found = watch(run_id).now(state.now())
    if found is None:
        st.info("There is no run with this id in the ledger.", icon=":material/search_off:")
    elif found.account.state.is_final:
        _ended(found)
    else:
        from tracking.ui.live.going import live_charts  # noqa: PLC0415  # brings plotly, needed only here

        _watch(run_id)
        live_charts(run_id)


@st.fragment(run_every=_EVERY)
def _watch(run_id: str) -> None:
    found = watch(run_id).now(state.now())
    if found is None or found.account.state.is_final:
        # The page is made anew without this fragment, so this happens once.
        st.rerun()
    if found.account.state is RunState.QUEUED:
        _waiting(found)
    else:
        _running(found)


def _ended(found: Watched) -> None:
    """What a run came to, in the place where it was watched."""
    account = found.account
    why = reason(account)
    if why is None:
        st.success(plain(headline(account)), icon=":material/check_circle:")
    else:
        show = st.error if account.state is RunState.FAILED else st.warning
        show(f"**{plain(headline(account))}**  \n{plain(scrub(why))}", icon=":material/error:")
        if trace := (account.run.error or {}).get("traceback"):
            with st.expander("Traceback"):
                st.code(scrub(trace), language=None, wrap_lines=True)
    _tasks(found)


def _waiting(found: Watched) -> None:
    account = found.account
    ahead = sum(run.created_at < account.run.created_at for run in state.ledger().runs(state=RunState.QUEUED))
    place = "next in the queue" if ahead == 0 else f"number {ahead + 1} in the queue"
    _title(f"Waiting, {place}", account.run)
    workers = [worker for worker in state.workers() if not worker.draining]
    if not workers:
        st.warning(
            "No worker is running, so nothing will start this run. "
            "Start the dashboard with `python run_dashboard.py`, which keeps one.",
            icon=":material/warning:",
        )
    elif all(worker.running >= worker.concurrency for worker in workers):
        busy = _busy_with(sum(worker.running for worker in workers))
        st.caption(f"{counted(len(workers), 'worker')} alive, busy with {busy}.")
    else:
        st.caption(f"{counted(len(workers), 'worker')} alive: it will begin in a moment.")
    _tasks(found)


def _busy_with(running: int) -> str:
    return "another run" if running == 1 else f"{running:,} other runs"


def _running(found: Watched) -> None:
    account, now = found.account, state.now()
    current = next((task for task in account.tasks if task.state is RunState.RUNNING), None)
    words = [f"Running · {duration(account.elapsed)}"]
    if current is not None:
        words.append(f"task {current.position + 1} of {len(account.tasks)} · {current.agent_name}")
    _title(" · ".join(words), account.run)
    counters(found, watch(account.run.run_id).past(account.run), now)
    budget_wait(account.run)
    budget_lines(account.run)
    for note in found.loops:
        st.warning(
            f"{plain(note)} Look at its calls below, and stop the run if it only spends.",
            icon=":material/sync_problem:",
        )
    if account.tasks:
        done = sum(task.state is RunState.COMPLETED for task in account.tasks)
        st.progress(done / len(account.tasks), text=f"{done} of {len(account.tasks)} tasks done")
    _tasks(found)
    newest_calls(found.seen.calls, found.seen.under_way, now)


def _title(text: str, run: Run) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(plain(text), anchor=False, width="content")
        if not run.spec:  # a crew of a person's own runs in their process, which takes no orders from here
            return
        stop_control(run)
    stop_notice(run)


def _tasks(found: Watched) -> None:
    tasks = found.account.tasks
    if not tasks:
        return
    st.table(
        tasks_frame(tasks, tokens_by_task(found.account, found.lines), state.now()),
        border="horizontal",
        hide_index=True,
        alt="The tasks and their states",
    )


def tasks_frame(tasks: Sequence[TaskProgress], used: Mapping[str | None, str], now: datetime) -> pd.DataFrame:
    """One row per task in the declared order: its state, who does it, how long it took, what it used."""
    return pd.DataFrame(
        {
            "": [f"{_ICONS[task.state]} {_WORDS.get(task.state, str(task.state))}" for task in tasks],
            "Task": [plain(spoken(task.task_name)) for task in tasks],
            "Agent": [plain(task.agent_name) for task in tasks],
            "Time": [_took(task, now) for task in tasks],
            "Tokens": [used.get(task.task_name, "") for task in tasks],
        }
    )


def _took(task: TaskProgress, now: datetime) -> str:
    return "" if task.started_at is None else duration((task.finished_at or now) - task.started_at)
