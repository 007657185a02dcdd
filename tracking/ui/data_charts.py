"""Charts of the analysed sales themselves: months with their forecast, and the groups of one column."""

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd
import plotly.graph_objects as go

from tracking.dataset.figures import Group
from tracking.dataset.outlook import Forecast
from tracking.ui.charts import finish, row_height
from tracking.ui.palette import OKABE_ITO, Paint

REVENUE, PROFIT, EXPECTED = OKABE_ITO[0], OKABE_ITO[2], OKABE_ITO[1]


def monthly_chart(months: pd.DataFrame, forecast: Forecast | None, currency: str) -> go.Figure:
    """Revenue and profit per full month, and the revenue to expect after them.

    Args:
        months: `revenue` and `profit`, indexed by the months' first days.
        forecast: its line begins at the last month, so that the two are one line.
        currency: the sign the amounts have in the file.
    """
    figure = go.Figure()
    for column, colour, dash in (("revenue", REVENUE, "solid"), ("profit", PROFIT, "dash")):
        figure.add_scatter(
            name=column.capitalize(),
            x=months.index,
            y=months[column],
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate=f"{column.capitalize()}: {currency}%{{y:,.2f}}<extra></extra>",
        )
    if forecast is not None:
        expected = [(month.month, month.revenue) for month in forecast.months]
        joined = [(months.index[-1], float(months["revenue"].iloc[-1])), *expected]
        figure.add_scatter(
            name="Revenue, forecast",
            x=[month for month, _ in joined],
            y=[revenue for _, revenue in joined],
            mode="lines",
            line={"color": EXPECTED, "width": 2.5, "dash": "dot"},
            hovertemplate=f"Forecast: {currency}%{{y:,.2f}}<extra></extra>",
        )
    ahead = f", and the {len(forecast.months)} months ahead" if forecast is not None else ""
    figure.update_layout(hovermode="x unified")
    finish(figure, f"Revenue and profit per month{ahead}", 360)
    figure.update_layout(
        yaxis={"title": None, "rangemode": "tozero", "tickformat": "~s", "tickprefix": currency},
        xaxis={"hoverformat": "%B %Y"},
    )
    return figure


def group_chart(
    groups: Sequence[Group], column: str, currency: str, paints: Mapping[str | None, Paint]
) -> go.Figure:
    """Revenue of each region, category or brand, the largest first."""
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        x=[group.revenue for group in groups],
        y=[escape(group.name) for group in groups],
        marker={
            "color": [paints[group.name].colour for group in groups],
            "pattern": {
                "shape": [paints[group.name].pattern for group in groups],
                "fillmode": "overlay",
                "fgcolor": "#FFFFFF",
                "solidity": 0.2,
            },
        },
        customdata=[_group_hover(group, currency) for group in groups],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_layout(yaxis={"autorange": "reversed", "title": None}, showlegend=False)
    finish(figure, f"Revenue by {column}", row_height(len(groups)))
    figure.update_xaxes(tickformat="~s", tickprefix=currency)
    return figure


def _group_hover(group: Group, currency: str) -> str:
    text = f"<b>{escape(group.name)}</b><br>Revenue {currency}{group.revenue:,.2f}"
    text += f"<br>Profit {currency}{group.profit:,.2f}"
    for name, value in (("Share", group.share), ("Margin", group.margin)):
        text += "" if value is None else f"<br>{name} {value:.1%}"
    return text + ("" if group.growth is None else f"<br>Growth in a year {group.growth:+.1%}")
