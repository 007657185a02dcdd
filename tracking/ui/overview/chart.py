"""What each day, week or month cost, stacked by model. Floats exist here only: the hover is exact."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

import plotly.graph_objects as go

from tracking.report.overview import OTHER
from tracking.report.stretches import Stretch
from tracking.report.trend import spell
from tracking.ui.charts import finish, hatching
from tracking.ui.palette import NEUTRAL, Paint

_HEIGHT: Final = 340
_FEW: Final = 15  # a wide axis of few days would be labelled with hours


def spend_chart(
    stretches: Sequence[Stretch],
    unit: str,
    models: Sequence[str],
    paints: Mapping[str | None, Paint],
    *,
    spend: bool,
) -> go.Figure:
    """A bar per stretch: each of the `models` in its colour, all others together."""
    figure = go.Figure()
    named: list[tuple[str, list[list[str]], Paint]] = [
        (name, [[name] for _ in stretches], paints[name]) for name in models
    ]
    rest = [[name for name in stretch.tokens if name not in models] for stretch in stretches]
    if any(rest):
        named.append((OTHER, rest, Paint(NEUTRAL)))
    for name, whose, paint in named:
        figure.add_bar(
            name=name,
            x=[stretch.start.isoformat() for stretch in stretches],
            y=[_height(stretch, of, spend=spend) for stretch, of in zip(stretches, whose, strict=True)],
            marker={"color": paint.colour, "line": {"width": 0}, **hatching(paint)},
            customdata=[
                f"<b>{spell(stretch, unit)}</b><br>{escape(name)}: {_told(stretch, of, spend=spend)}"
                f"<br>together: {_told(stretch, stretch.tokens, spend=spend)}"
                for stretch, of in zip(stretches, whose, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.2 if len(stretches) < 60 else 0.05)
    finish(figure, f"{'Cost' if spend else 'Tokens'} per {unit}, by model", _HEIGHT + 14 * len(named))
    figure.update_yaxes(
        title=None if spend else "tokens",
        rangemode="tozero",
        tickprefix="$" if spend else "",
        tickformat=",~f" if spend else "~s",
    )
    if unit == "day" and len(stretches) < _FEW:
        figure.update_xaxes(dtick=86_400_000, tickformat="%-d %b")
    return figure.update_layout(showlegend=True)


def _height(stretch: Stretch, models: Iterable[str], *, spend: bool) -> float:
    """US dollars, or tokens."""
    values = stretch.cost if spend else stretch.tokens
    count = sum(values.get(name, 0) for name in models)
    return count / 1e9 if spend else count


def _told(stretch: Stretch, models: Iterable[str], *, spend: bool) -> str:
    told = stretch.told(models, spend=spend) or "no call"
    return told if spend else f"{told} tokens"
