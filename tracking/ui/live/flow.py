"""From task through agent to model, as a Sankey diagram in tokens or dollars."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from tracking.report.account import tokens_of_sums
from tracking.report.flow import Stage, Stop, Way
from tracking.report.format import counted, usd
from tracking.ui.charts import finish, pale, row_height
from tracking.ui.palette import NEUTRAL, Paint

_DARK_INK: Final = "#1C2530"  # the themes' text colours, see .streamlit/config.toml
_LIGHT_INK: Final = "#E4E9EE"


def flow_figure(
    ways: Sequence[Way],
    agents: Mapping[str | None, Paint],
    models: Mapping[str | None, Paint],
    *,
    money: bool,
    dark: bool,
) -> go.Figure:
    """Bands in their agent's colour. Tasks have nobody's: the same colour would be taken for an agent's."""
    drawn = [way for way in ways if value_of(way, money=money)]
    stops = list(dict.fromkeys(stop for way in drawn for stop in (way.source, way.target)))
    place = {stop: number for number, stop in enumerate(stops)}
    unit = "Dollars" if money else "Tokens"
    figure = go.Figure()
    figure.add_sankey(
        arrangement="snap",
        # The theme's grey is lost on the bands.
        textfont={"size": 13, "color": _LIGHT_INK if dark else _DARK_INK, "shadow": "none"},
        node={
            "label": [escape(stop.label) for stop in stops],
            "color": [_colour(stop, agents, models) for stop in stops],
            "pad": 14,
            "thickness": 14,
            "line": {"width": 0},
            "customdata": [_stop_hover(stop, drawn) for stop in stops],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        link={
            "source": [place[way.source] for way in drawn],
            "target": [place[way.target] for way in drawn],
            "value": [value_of(way, money=money) for way in drawn],
            "color": [pale(agents[way.agent].colour) for way in drawn],
            "customdata": [_way_hover(way) for way in drawn],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    )
    stage = max((sum(stop.stage is each for stop in stops) for each in Stage), default=1)
    return finish(figure, f"{unit} from task through agent to model", row_height(stage, row=46))


def value_of(way: Way, *, money: bool) -> float:
    """What makes a band as wide as it is."""
    if money:
        return float(way.sums.cost.amount or 0)
    return way.sums.usage.total_tokens or 0


def _colour(stop: Stop, agents: Mapping[str | None, Paint], models: Mapping[str | None, Paint]) -> str:
    if stop.stage is Stage.TASK:
        return NEUTRAL
    return (agents if stop.stage is Stage.AGENT else models)[stop.name].colour


def _stop_hover(stop: Stop, ways: Sequence[Way]) -> str:
    own = [way for way in ways if way.source == stop] or [way for way in ways if way.target == stop]
    sums = own[0].sums
    for way in own[1:]:
        sums += way.sums
    used = f"{tokens_of_sums(sums)} tokens, {usd(sums.cost.amount, sums.cost.state)}"
    return f"<b>{escape(stop.label)}</b><br>{used}<br>{counted(sums.requests, 'call')}"


def _way_hover(way: Way) -> str:
    used = f"{tokens_of_sums(way.sums)} tokens, {usd(way.sums.cost.amount, way.sums.cost.state)}"
    route = f"{escape(way.source.label)} to {escape(way.target.label)}"
    return f"<b>{route}</b><br>{used}<br>{counted(way.sums.requests, 'call')}"


def flow_frame(ways: Sequence[Way]) -> pd.DataFrame:
    """The ways, exactly, also those with nothing to draw."""
    return pd.DataFrame(
        {
            "From": [way.source.label for way in ways],
            "To": [way.target.label for way in ways],
            "Tokens": [tokens_of_sums(way.sums) for way in ways],
            "Cost": [usd(way.sums.cost.amount, way.sums.cost.state) for way in ways],
            "Calls": [way.sums.requests for way in ways],
        }
    )
