"""The waterfall of a run's calls: a row per task and agent, and in it what ran when."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from tracking.report.account import tokens_of_sums
from tracking.report.breakdown import UNATTRIBUTED
from tracking.report.format import counted, duration, spoken, token_total, usd
from tracking.report.waterfall import Gap, Mark, Row, Waterfall
from tracking.ui.charts import finish, hatching, label, pale, row_height, scale_of
from tracking.ui.palette import ALARM, NEUTRAL, Paint

_THICK: Final = 0.74  # of a row; the rest is the space between rows
_THIN: Final = 0.1
_SEVERAL: Final = "several models"
_RETRY: Final = "#F0E442"


def waterfall_figure(found: Waterfall, paints: Mapping[str | None, Paint], *, by_model: bool) -> go.Figure:
    """Bars in the colour of their agent or model; pauses are thin, and what is under way is pale."""
    figure = go.Figure()
    scale, unit = scale_of(found.span.total_seconds())
    _add_gaps(figure, found, scale)
    names = {_whose(mark, found.rows, by_model=by_model) for mark in found.marks if not mark.running}
    for name in sorted(names, key=lambda name: (name is None, name or "")):
        own = [
            mark
            for mark in found.marks
            if not mark.running and _whose(mark, found.rows, by_model=by_model) == name
        ]
        paint = paints[name]
        # An outline keeps a call visible that is too short for a pixel.
        style = {"color": paint.colour, "line": {"color": paint.colour, "width": 1}, **hatching(paint)}
        said = name if name is not None else _SEVERAL if by_model else UNATTRIBUTED
        _add_marks(figure, said, own, found.rows, style, scale)
    _add_running(figure, found, paints, scale, by_model=by_model)
    _add_signs(figure, "failed or cut off", [m for m in found.marks if m.failed], found.rows, scale)
    _add_signs(figure, "asked again", [m for m in found.marks if m.retried], found.rows, scale, retry=True)
    figure.update_layout(barmode="overlay", showlegend=True)  # also of one name: the colour says whose
    figure.update_yaxes(
        autorange="reversed",
        title=None,
        tickvals=list(range(len(found.rows))),
        ticktext=[_row_label(row) for row in found.rows],
        showgrid=False,
    )
    height = row_height(len(found.rows), row=58) + 14 * len(names)  # on a phone each has a line of the legend
    finish(figure, "When each call ran, since the run began", height, x_unit=unit)
    figure.update_layout(uirevision="waterfall")  # who looks closer is not thrown back by the next drawing
    return figure.update_xaxes(rangemode="tozero")


def _whose(mark: Mark, rows: Sequence[Row], *, by_model: bool) -> str | None:
    return mark.model if by_model else rows[mark.row].agent_name


def _add_marks(
    figure: go.Figure,
    name: str,
    marks: Sequence[Mark],
    rows: Sequence[Row],
    style: Mapping[str, object],
    scale: float,
    *,
    legend: bool = True,
) -> None:
    figure.add_bar(
        orientation="h",
        name=escape(name),
        base=[mark.begin.total_seconds() / scale for mark in marks],
        x=[(mark.end - mark.begin).total_seconds() / scale for mark in marks],
        y=[_height(mark) for mark in marks],
        width=[_THICK / mark.lanes * 0.94 for mark in marks],
        marker=dict(style),
        customdata=[_hover(mark, rows[mark.row]) for mark in marks],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=legend,
    )


def _height(mark: Mark) -> float:
    return mark.row - _THICK / 2 + _THICK * (mark.lane + 0.5) / mark.lanes


def _add_running(
    figure: go.Figure,
    found: Waterfall,
    paints: Mapping[str | None, Paint],
    scale: float,
    *,
    by_model: bool,
) -> None:
    running = [mark for mark in found.marks if mark.running]
    if not running:
        return
    colours = [paints[_whose(mark, found.rows, by_model=by_model)].colour for mark in running]
    style = {"color": [pale(colour) for colour in colours], "line": {"color": colours, "width": 1.5}}
    _add_marks(figure, "under way", running, found.rows, style, scale, legend=False)
    # A legend entry would show the first bar's colour: it explains the paleness, so it has nobody's.
    neutral = {"color": pale(NEUTRAL), "line": {"color": NEUTRAL, "width": 1.5}}
    figure.add_bar(name="under way", x=[None], y=[None], orientation="h", marker=neutral)


def _add_gaps(figure: go.Figure, found: Waterfall, scale: float) -> None:
    if not found.gaps:
        return
    figure.add_bar(
        orientation="h",
        name="between calls",
        base=[gap.begin.total_seconds() / scale for gap in found.gaps],
        x=[(gap.end - gap.begin).total_seconds() / scale for gap in found.gaps],
        y=[gap.row for gap in found.gaps],
        width=_THIN,
        marker={"color": NEUTRAL},
        customdata=[_gap_hover(gap, found.rows[gap.row]) for gap in found.gaps],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _add_signs(
    figure: go.Figure,
    name: str,
    marks: Sequence[Mark],
    rows: Sequence[Row],
    scale: float,
    *,
    retry: bool = False,
) -> None:
    """A cross at the end of what failed, a triangle where something was asked again."""
    if not marks:
        return
    at = [mark.begin if retry else mark.end for mark in marks]
    line = {"color": "#1C2530" if retry else "#FFFFFF", "width": 1}
    figure.add_scatter(
        mode="markers",
        name=name,
        x=[moment.total_seconds() / scale for moment in at],
        y=[_height(mark) for mark in marks],
        marker={
            "symbol": "triangle-right" if retry else "x",
            "size": 11,
            "color": _RETRY if retry else ALARM,
            "line": line,
        },
        customdata=[_hover(mark, rows[mark.row]) for mark in marks],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _row_label(row: Row) -> str:
    if row.more:
        return label(f"{row.more} more")
    task = "no task" if row.task_name is None else spoken(row.task_name)
    agent = UNATTRIBUTED if row.agent_name is None else row.agent_name
    return f"<b>{label(task)}</b><br>{label(agent)}"


def _row_name(row: Row) -> str:
    if row.more:
        return f"{row.more} more tasks and agents"
    task = "no task" if row.task_name is None else spoken(row.task_name)
    return f"<b>{escape(row.agent_name or UNATTRIBUTED)}</b>, {escape(task)}"


def _hover(mark: Mark, row: Row) -> str:
    took, model = duration(mark.end - mark.begin), escape(mark.model or _SEVERAL)
    if mark.running:
        expected = (
            ""
            if mark.expected is None
            else f"<br>{token_total(mark.expected, estimated=1)} tokens out so far"
        )
        return f"{_row_name(row)}<br>{model}, under way for {took}{expected}"
    sums, failed, retried = mark.sums, mark.failed, mark.retried  # each is counted anew when it is asked for
    text = f"{_row_name(row)}<br>{model}, {took}"
    if mark.calls > 1:
        text += f"<br>{counted(mark.calls, 'call')} one after another"
    cost = usd(sums.cost.amount, sums.cost.state)
    text += f"<br>{tokens_of_sums(sums)} tokens, {cost}" if sums.requests else "<br>not billed"
    if mark.error:
        text += f"<br>{escape(mark.error)}"
    elif failed:
        text += f"<br>{failed:,} failed or cut off"
    if retried:
        text += "<br>asked again after a failure" + (f" {retried:,} times" if retried > 1 else "")
    return text


def _gap_hover(gap: Gap, row: Row) -> str:
    return (
        f"{_row_name(row)}<br>{duration(gap.end - gap.begin)} between calls: tools, and the crew's own work"
    )


def waterfall_frame(found: Waterfall) -> pd.DataFrame:
    """What is drawn, exactly: the calls in the order in which they began."""
    rows = []
    for mark in sorted(found.marks, key=lambda mark: mark.begin):
        row = found.rows[mark.row]
        rows.append(
            {
                "Task": f"{row.more} more"
                if row.more
                else "no task"
                if row.task_name is None
                else spoken(row.task_name),
                "Agent": row.agent_name or UNATTRIBUTED,
                "Model": mark.model or _SEVERAL,
                "From": duration(mark.begin),
                "Took": duration(mark.end - mark.begin),
                "Calls": mark.calls,
                "Tokens": "" if mark.running else tokens_of_sums(mark.sums),
                "Cost": "" if mark.running else usd(mark.sums.cost.amount, mark.sums.cost.state),
                "Failed": mark.failed,
                "Asked again": mark.retried,
            }
        )
    return pd.DataFrame(rows)
