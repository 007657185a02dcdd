"""What a run has spent by and by, against the limits it is held to."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from tracking.domain.cost import CostState
from tracking.report.cumulative import Limit, Step, cost_at
from tracking.report.format import counted, duration, share, token_total, usd
from tracking.ui.charts import finish, pale, scale_of
from tracking.ui.palette import ALARM, OKABE_ITO

_NEAR: Final = (
    0.1  # part of a limit that must be used for its line to be drawn: else it would flatten the curve
)


def spent_figure(
    found: Sequence[Step], limits: Sequence[Limit], until: timedelta, *, money: bool
) -> go.Figure:
    """Steps: what a call took is known when it ends. `until` is the run's end, or now."""
    last = max(until, found[-1].at)
    scale, unit = scale_of(last.total_seconds())
    colour = OKABE_ITO[2] if money else OKABE_ITO[0]
    values = [float(cost_at(step)) if money else step.tokens for step in found]
    figure = go.Figure()
    figure.add_scatter(
        x=[0.0, *(step.at.total_seconds() / scale for step in found), last.total_seconds() / scale],
        y=[0, *values, values[-1]],
        mode="lines",
        line={"shape": "hv", "color": colour, "width": 2.5},
        fill="tozeroy",
        fillcolor=pale(colour).replace("0.45", "0.15"),
        customdata=["the run began", *map(_hover, found), _hover(found[-1])],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    for line in near(limits, found[-1], money=money):
        figure.add_hline(
            y=float(line.usd or 0) if money else line.tokens,
            line={"color": ALARM, "dash": "dash", "width": 2},
            annotation={"text": line_words(line, money=money), "font": {"color": ALARM}},
            annotation_position="top left",
        )
    title = f"{'Dollars' if money else 'Tokens'} spent since the run began"
    finish(figure, title, 320, x_unit=unit)
    figure.update_layout(hovermode="closest", uirevision="spent")
    figure.update_xaxes(rangemode="tozero")
    return figure.update_yaxes(
        title=None if money else "tokens",
        rangemode="tozero",
        tickprefix="$" if money else "",
        tickformat=",~f",
    )


def of_unit(limits: Sequence[Limit], *, money: bool) -> list[Limit]:
    return [limit for limit in limits if (limit.usd if money else limit.tokens) is not None]


def near(limits: Sequence[Limit], last: Step, *, money: bool) -> list[Limit]:
    """The limits of which enough is used to draw their line beside the curve."""
    return [limit for limit in of_unit(limits, money=money) if used_of(limit, last, money=money) >= _NEAR]


def used_of(limit: Limit, last: Step, *, money: bool) -> float:
    """The part of a limit that is used, at least; 1 where the limit is nothing."""
    if money:
        return 1.0 if not limit.usd else float(cost_at(last) / limit.usd)
    return 1.0 if not limit.tokens else last.tokens / limit.tokens


def line_words(limit: Limit, *, money: bool) -> str:
    return f"{limit.label}: {usd(limit.usd, CostState.KNOWN) if money else f'{limit.tokens:,} tokens'}"


def far_words(limits: Sequence[Limit], last: Step, *, money: bool) -> str | None:
    """The limits whose lines lie far above, in words."""
    drawn = near(limits, last, money=money)
    far = [limit for limit in of_unit(limits, money=money) if limit not in drawn]
    said = [
        f"{line_words(each, money=money)}, {share(used_of(each, last, money=money))} used" for each in far
    ]
    return f"Not drawn, for it lies far above: {'; '.join(said)}." if said else None


def missing_words(last: Step, *, money: bool) -> str | None:
    """What is not in the curve."""
    if money and last.unpriced:
        return f"Not in it: {counted(last.unpriced, 'call')} without a known price."
    if not money and last.unknown:
        return f"Not in it: {counted(last.unknown, 'call')} that reported no usage."
    return None


def _hover(step: Step) -> str:
    used = f"{token_total(step.tokens, unknown=step.unknown)} tokens, {_cost(step)}"
    return f"{used}<br>{counted(step.calls, 'call')} ended"


def _cost(step: Step) -> str:
    return usd(cost_at(step), CostState.PARTIAL if step.unpriced else CostState.KNOWN)


def spent_frame(found: Sequence[Step]) -> pd.DataFrame:
    """The steps, exactly."""
    return pd.DataFrame(
        {
            "After": [duration(step.at) for step in found],
            "Calls ended": [step.calls for step in found],
            "Tokens": [token_total(step.tokens, unknown=step.unknown) for step in found],
            "Cost": [_cost(step) for step in found],
        }
    )
