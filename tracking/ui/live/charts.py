"""The charts of one run, one at a time: while it goes on and afterwards the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from tracking.domain.budget import Per, Unit
from tracking.domain.call import LlmCall
from tracking.domain.money import usd
from tracking.domain.run import Run, TaskProgress
from tracking.domain.under_way import CallUnderWay
from tracking.report.cumulative import Limit, steps
from tracking.report.flow import flow
from tracking.report.format import NOT_KNOWN, counted, duration, spoken
from tracking.report.pauses import pauses, time_in
from tracking.report.waterfall import Waterfall, waterfall
from tracking.ui import state
from tracking.ui.budgets.standing import standings_of
from tracking.ui.charts import task_timeline
from tracking.ui.colours import agent_paints, model_paints
from tracking.ui.live.flow import flow_figure, flow_frame, value_of
from tracking.ui.live.spent import far_words, missing_words, spent_figure, spent_frame
from tracking.ui.live.waterfall import waterfall_figure, waterfall_frame
from tracking.ui.palette import Paint
from tracking.ui.prose import plain


class View(StrEnum):
    """Which chart is shown."""

    CALLS = "Calls over time"
    TASKS = "Tasks over time"
    SPENT = "Spent over time"
    FLOW = "Task to agent to model"


_BY: Final = ("agent", "model")
_IN: Final = ("tokens", "dollars")
_GROWS_EVERY: Final = 5.0  # seconds: how often what is under way is drawn longer


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn of a run. `now` is its end where it has one, and `under_way` is empty then."""

    run: Run
    tasks: tuple[TaskProgress, ...]
    calls: tuple[LlmCall, ...]
    under_way: tuple[CallUnderWay, ...]
    limits: tuple[Limit, ...]
    now: datetime
    dark: bool = False  # the page's scheme, where it is known

    @property
    def began(self) -> datetime:
        """Of a crew that began before anybody noted it, the first call says so."""
        known = [self.run.started_at] if self.run.started_at is not None else []
        known += [call.started_at for call in self.calls[:1]]
        known += [call.started_at for call in self.under_way[:1]]
        return min(known, default=self.now)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with its words and its data; without a figure `note` says why."""

    figure: go.Figure | None
    alt: str
    notes: tuple[str, ...]
    frame: Callable[[], pd.DataFrame]


def limits_of(run: Run) -> tuple[Limit, ...]:
    """What the run's own settings hold it to, with what that was raised by."""
    standings = [each for each in standings_of(run) if each.budget.per is Per.RUN]
    found = []
    for standing in standings:
        for unit, limit in standing.limits.items():
            if unit is Unit.TOKENS:
                found.append(Limit(f"Budget: {standing.budget.name}", tokens=limit))
            elif unit is Unit.NANO_USD:
                found.append(Limit(f"Budget: {standing.budget.name}", usd=usd(limit)))
    return tuple(found)


def charts_section(picture: Picture) -> None:
    """The switches, the chart that is chosen, and its data a click away."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        view = st.segmented_control(
            "Chart",
            list(View),
            default=View.CALLS,
            required=True,
            key="run_chart",
            label_visibility="collapsed",
        )
        switch = _switch(view)
    picture = replace(picture, dark=st.context.theme.type == "dark")
    _chart(state.settings().ledger_url, picture.run.run_id, _stamp(picture), view, switch, picture)
    with st.expander("Data behind this chart", key="run_chart_data", on_change="rerun") as shown:
        if shown.open:
            drawn = _DRAW[view](picture, switch)
            st.dataframe(drawn.frame(), hide_index=True, alt=drawn.alt)


def _stamp(picture: Picture) -> tuple[object, ...]:
    """Changes when the charts do; with the clock only while there is something that grows with it."""
    open_calls = tuple((call.call_id, call.output_tokens) for call in picture.under_way)
    tasks = tuple((task.state, task.finished_at) for task in picture.tasks)
    grows = None if picture.run.state.is_final else int(picture.now.timestamp() // _GROWS_EVERY)
    return len(picture.calls), open_calls, tasks, picture.run.state, picture.limits, picture.dark, grows


# Drawn once for all who look at the same run: what is kept are the messages to the browser themselves.
@st.cache_data(ttl=60, max_entries=32, show_spinner=False)
def _chart(
    url: str,  # noqa: ARG001  # these three are the cache's key
    run_id: str,  # noqa: ARG001
    stamp: tuple[object, ...],  # noqa: ARG001
    view: View,
    switch: str,
    _picture: Picture,
) -> None:
    drawn = _DRAW[view](_picture, switch)
    if drawn.figure is not None:
        st.plotly_chart(drawn.figure, key=f"run_chart_{view.name}", alt=drawn.alt)
    for note in drawn.notes:
        st.caption(plain(note))


def _switch(view: View) -> str:
    """By whom the bars are coloured, or in what is counted. Empty where there is no choice."""
    if view is View.TASKS:
        return ""
    if view is View.CALLS:
        label, choices, words = "Colour", _BY, {"agent": "Colour by agent", "model": "Colour by model"}
    else:
        label, choices, words = "Unit", _IN, {"tokens": "In tokens", "dollars": "In dollars"}
    chosen: str = st.segmented_control(
        label,
        choices,
        default=choices[0],
        required=True,
        format_func=lambda choice: words[choice],
        key=f"run_chart_{label.lower()}",
        label_visibility="collapsed",
    )
    return chosen


def _calls(picture: Picture, switch: str) -> Drawn:
    found = waterfall(picture.calls, picture.tasks, picture.under_way, picture.began, picture.now)
    if not found.marks:
        nothing = "No model was called." if picture.run.state.is_final else "There is no call to draw yet."
        return Drawn(None, "", (nothing,), pd.DataFrame)
    by_model = switch == "model"
    names = [mark.model for mark in found.marks] if by_model else [row.agent_name for row in found.rows]
    painted = model_paints(names) if by_model else _agents(picture)
    return Drawn(
        waterfall_figure(found, painted, by_model=by_model),
        "When each call ran, by task and agent",
        tuple(_waterfall_notes(found, picture)),
        lambda: waterfall_frame(found),
    )


def _waterfall_notes(found: Waterfall, picture: Picture) -> list[str]:
    notes = []
    if found.joined is not None:
        drawn = sum(not mark.running for mark in found.marks)
        notes.append(
            f"{counted(len(picture.calls), 'call')} drawn as {drawn:,} bars: neighbours of one row and model "
            f"that are at most {duration(found.joined)} apart are one, and every sum is kept."
        )
    between = time_in(pauses(picture.calls, picture.tasks, picture.under_way, picture.began, picture.now))
    longest = [(name, time) for name, time in between.items() if time >= timedelta(milliseconds=100)]
    if longest:
        said = ", ".join(f"{spoken(name)} {duration(time)}" for name, time in longest)
        notes.append(f"Between calls (tools, and the crew's own work): {said}.")
    return notes


def _tasks(picture: Picture, _: str) -> Drawn:
    begun = [task for task in picture.tasks if task.started_at]
    if not begun:
        return Drawn(None, "", (f"When the tasks ran is {NOT_KNOWN}.",), pd.DataFrame)
    frame = pd.DataFrame(
        {
            "Task": [spoken(task.task_name) for task in begun],
            "Agent": [task.agent_name for task in begun],
            "State": [str(task.state) for task in begun],
            "From": [duration(task.started_at - picture.began) for task in begun if task.started_at],
            "Took": [
                duration((task.finished_at or picture.now) - task.started_at)
                for task in begun
                if task.started_at
            ],
        }
    )
    figure = task_timeline(picture.tasks, _agents(picture), picture.began, picture.now)
    return Drawn(figure, "When each task ran", (), lambda: frame)


def _spent(picture: Picture, switch: str) -> Drawn:
    money = switch == "dollars"
    found = steps(picture.calls, picture.began)
    if not found:
        return Drawn(None, "", ("Nothing was billed.",), pd.DataFrame)
    words = (
        missing_words(found[-1], money=money),
        far_words(picture.limits, found[-1], money=money),
    )
    figure = spent_figure(found, picture.limits, picture.now - picture.began, money=money)
    notes = tuple(note for note in words if note)
    return Drawn(figure, f"{switch.capitalize()} spent over time", notes, lambda: spent_frame(found))


def _flow(picture: Picture, switch: str) -> Drawn:
    money = switch == "dollars"
    ways = flow(picture.calls)
    if not any(value_of(way, money=money) for way in ways):
        note = f"There are no {switch} to draw."
        return Drawn(None, "", (note,), lambda: flow_frame(ways))
    models = model_paints(call.billed_model for call in picture.calls)
    figure = flow_figure(ways, _agents(picture), models, money=money, dark=picture.dark)
    words = missing_words(steps(picture.calls, picture.began)[-1], money=money)
    notes = (words,) if words else ()
    return Drawn(
        figure, f"{switch.capitalize()} from task through agent to model", notes, lambda: flow_frame(ways)
    )


def _agents(picture: Picture) -> Mapping[str | None, Paint]:
    named: Sequence[LlmCall | CallUnderWay | TaskProgress] = [
        *picture.calls,
        *picture.under_way,
        *picture.tasks,
    ]
    return agent_paints(each.agent_name for each in named)


_DRAW: Final[Mapping[View, Callable[[Picture, str], Drawn]]] = {
    View.CALLS: _calls,
    View.TASKS: _tasks,
    View.SPENT: _spent,
    View.FLOW: _flow,
}
