"""Charts of what a run used: where the tokens went, when the tasks ran, what days cost.

Every function takes values and returns a figure. Floats exist here only: what is exact stands in the hover.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from textwrap import wrap
from typing import Final

import plotly.graph_objects as go

from tracking.domain.run import RunState, TaskProgress
from tracking.report.account import tokens_of_sums
from tracking.report.breakdown import Line
from tracking.report.days import Day
from tracking.report.format import counted, duration, share, spoken, usd
from tracking.ui.palette import NEUTRAL, OKABE_ITO, Paint

_ROW: Final = 34  # pixels of a bar with its gap
_FRAME: Final = 130  # pixels of title, axis and legend
_TALLEST: Final = 640
_KINDS: Final = ("Input", "Cached input", "Output")
_LABEL: Final = 20  # characters of a name on one line


def token_breakdown(lines: Sequence[Line], paints: Mapping[str | None, Paint], title: str) -> go.Figure:
    """One bar per name, in its colour: fresh input solid, cached input pale, output hatched."""
    figure = go.Figure()
    labels = [label(line.label) for line in lines]
    colours = [paints[line.name].colour for line in lines]
    for kind in _KINDS:
        figure.add_bar(
            orientation="h",
            name=kind,
            x=[_part(line, kind) for line in lines],
            y=labels,
            marker=_kind_marker(kind, colours),
            customdata=[_line_hover(line) for line in lines],
            hovertemplate=f"%{{customdata}}<br>{kind}: %{{x:,}} tokens<extra></extra>",
            showlegend=False,
        )
        # A legend entry would show the first bar's colour: it explains the kind, so it has nobody's.
        figure.add_bar(name=kind, x=[None], y=[None], orientation="h", marker=_kind_marker(kind, NEUTRAL))
    figure.update_layout(barmode="stack", yaxis={"autorange": "reversed", "title": None})
    finish(figure, title, row_height(len(lines)))
    return figure.update_xaxes(tickformat="~s")


def _part(line: Line, kind: str) -> int:
    usage = line.totals.usage
    cached = usage.cache_read_input_tokens or 0
    if kind == "Input":
        return max(0, (usage.input_tokens or 0) - cached)
    return cached if kind == "Cached input" else usage.output_tokens or 0


def _kind_marker(kind: str, colour: str | list[str]) -> dict[str, object]:
    # An opacity would not reach the legend's swatch: the paleness is part of the colour.
    cached = kind == "Cached input"
    colours = [pale(one) if cached else one for one in ([colour] if isinstance(colour, str) else colour)]
    marker: dict[str, object] = {"color": colours[0] if isinstance(colour, str) else colours}
    if kind == "Output":
        marker["pattern"] = {"shape": "/", "fillmode": "overlay", "solidity": 0.25, "fgcolor": "#FFFFFF"}
    return marker


def pale(colour: str) -> str:
    """A colour that lets the page through, in both its schemes."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.45)"


def _line_hover(line: Line) -> str:
    sums = line.totals
    used = f"{tokens_of_sums(sums)} tokens, {share(line.share)} of the run"
    cost = usd(sums.cost.amount, sums.cost.state)
    text = f"<b>{escape(line.label)}</b><br>{used}<br>{counted(sums.requests, 'call')}, {cost}"
    return text + (
        f"<br>{counted(sums.unknown_requests, 'call')} reported no usage" if sums.unknown_requests else ""
    )


def task_timeline(
    tasks: Sequence[TaskProgress], paints: Mapping[str | None, Paint], started_at: datetime, now: datetime
) -> go.Figure:
    """One bar per task that began, in its agent's colour. A task that runs reaches until `now`."""
    begun = [(task, task.started_at, task.finished_at or now) for task in tasks if task.started_at]
    longest = max(((end - started_at).total_seconds() for _, _, end in begun), default=0.0)
    scale, unit = scale_of(longest)
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        base=[(start - started_at).total_seconds() / scale for _, start, _ in begun],
        x=[(end - start).total_seconds() / scale for _, start, end in begun],
        y=[label(spoken(task.task_name)) for task, _, _ in begun],
        marker={
            "color": [paints[task.agent_name].colour for task, _, _ in begun],
            "pattern": {
                "shape": [paints[task.agent_name].pattern for task, _, _ in begun],
                "fillmode": "overlay",
                "fgcolor": "#FFFFFF",
                "solidity": 0.2,
            },
        },
        text=[duration(end - start) for _, start, end in begun],
        textposition="outside",
        cliponaxis=False,
        customdata=[
            f"<b>{escape(spoken(task.task_name))}</b>, {escape(task.agent_name)}<br>"
            f"{_state(task)}, {duration(end - start)}"
            for task, start, end in begun
        ],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    # Room for the last bar's text, which stands outside it.
    figure.update_layout(
        yaxis={"autorange": "reversed", "title": None}, xaxis={"range": [0, longest / scale * 1.15 or 1]}
    )
    return finish(figure, "When each task ran, since the run began", row_height(len(begun)), x_unit=unit)


def day_chart(days: Sequence[Day], *, spend: bool) -> go.Figure:
    """Dollars or tokens per day of the viewer's calendar."""
    figure = go.Figure()
    figure.add_bar(
        x=[each.day.isoformat() for each in days],
        y=[float(each.cost) if spend else each.tokens for each in days],
        marker={"color": OKABE_ITO[0]},
        customdata=[
            "<br>".join((f"<b>{each.day.day} {each.day:%b %Y}</b>", *map(escape, each.words)))
            for each in days
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    finish(figure, "Spend per day" if spend else "Tokens per day", 240)
    figure.update_yaxes(
        title=None if spend else "tokens",
        rangemode="tozero",
        tickprefix="$" if spend else "",
        tickformat=",~f",
    )
    figure.update_layout(showlegend=False)
    if (days[-1].day - days[0].day).days < 15:  # a wide axis would be labelled with hours
        figure.update_xaxes(dtick=86_400_000, tickformat="%-d %b")
    return figure


def hatching(paint: Paint) -> dict[str, object]:
    if not paint.pattern:
        return {}
    return {"pattern": {"shape": paint.pattern, "fillmode": "overlay", "fgcolor": "#FFFFFF", "solidity": 0.2}}


def scale_of(seconds: float) -> tuple[float, str]:
    """How many seconds one unit of an axis of that length is, and the unit."""
    if seconds < 300:
        return 1.0, "s"
    return (60.0, "min") if seconds < 10_800 else (3600.0, "h")


def _state(task: TaskProgress) -> str:
    return "done" if task.state is RunState.COMPLETED else str(task.state)


def label(name: str) -> str:
    """A name as the ticks of an axis have it: on lines that leave room for the chart."""
    return "<br>".join(wrap(escape(name), _LABEL)) or name


def row_height(rows: int, row: int = _ROW) -> int:
    return min(_TALLEST, _FRAME + row * max(rows, 2))


def finish(figure: go.Figure, title: str, height: int, *, x_unit: str = "") -> go.Figure:
    """What all charts share. The unit stands at the ticks, where it can't run into the legend."""
    figure.update_layout(
        title={"text": title, "font": {"size": 16}},
        height=height,
        margin={"l": 8, "r": 16, "t": 48, "b": 8},
        legend={
            "orientation": "h",
            "traceorder": "normal",
            "yref": "container",
            "yanchor": "bottom",
            "y": 0,
            "x": 0,
            "title": None,
        },
        hoverlabel={"align": "left"},
    )
    suffix = f" {x_unit}" if x_unit else ""
    figure.update_xaxes(title=None, automargin=True, ticksuffix=suffix)
    figure.update_yaxes(automargin=True)
    return figure
