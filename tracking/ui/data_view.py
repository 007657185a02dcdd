"""The analysed data itself, drawn from the same rows and filters as the run was given."""

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.dataset.choices import select
from tracking.dataset.figures import Dimension, Group, breakdown, full_months
from tracking.dataset.outlook import forecast
from tracking.dataset.sales import NOT_GIVEN, SalesData
from tracking.domain.run import Run
from tracking.domain.spec import Market, RunSpec
from tracking.errors import ConfigError, DatasetError
from tracking.report.format import share
from tracking.ui import state
from tracking.ui.data_charts import group_chart, monthly_chart
from tracking.ui.palette import paints
from tracking.ui.prose import plain

_COLUMNS: tuple[Dimension, ...] = ("category", "region", "brand")
_SHOWN = 12  # bars of one chart; the table beside it has them all


def data_section(run: Run) -> None:
    """Months with their forecast, and revenue by category, region and brand."""
    if not run.spec:
        st.info("This run came without a data set of the dashboard's.", icon=":material/info:")
        return
    try:
        spec = RunSpec.from_json(run.spec)
        data = _selected(spec)
    except (ConfigError, DatasetError) as error:
        st.warning(plain(str(error)), icon=":material/warning:")
        return
    st.caption(plain(_described(data, spec.market)))
    _months(data, spec.market.forecast_periods)
    _groups(data)


def _selected(spec: RunSpec) -> SalesData:
    """Raises DatasetError when the file is gone, can't be read, or the filters leave nothing."""
    data = state.sales(spec.dataset)
    if isinstance(data, DatasetError):
        raise data
    market = spec.market
    return select(data, market.regions, market.categories, market.brands)


def _described(data: SalesData, market: Market) -> str:
    chosen = [*market.regions, *market.categories, *market.brands]
    text = f"{data.name}, {data.rows:,} rows, {data.first_date:%b %Y} to {data.last_date:%b %Y}"
    return f"{text}, only {', '.join(chosen)}" if chosen else text


def _months(data: SalesData, periods: int) -> None:
    months = full_months(data.frame)
    if months.empty:
        st.caption("The data covers no full month: there is no monthly chart.")
        return
    expected = forecast(data.frame, periods) if periods > 0 else None
    st.plotly_chart(
        monthly_chart(months, expected, data.currency),
        key="months_chart",
        alt="Revenue and profit per month, with the forecast",
    )
    if expected is None:
        st.caption("Fewer than twelve full months: no forecast is made.")
    else:
        error = expected.backtest_error
        known = f", {share(error)} off in a test on the last twelve months" if error is not None else ""
        st.caption(f"Forecast: {expected.method}{known}.")
    with st.expander("Data behind this chart"):
        table = months[["revenue", "cost", "profit", "units"]].rename_axis("month").reset_index()
        st.dataframe(table, hide_index=True, column_config=_money_columns(data.currency))


def _groups(data: SalesData) -> None:
    found = {column: breakdown(data.frame, column) for column in _COLUMNS}
    given = [
        (column, groups) for column, groups in found.items() if groups[0].name != NOT_GIVEN or groups[1:]
    ]
    for (column, groups), place in zip(given, st.columns(max(1, len(given))), strict=False):
        with place:
            _group(data, column, groups)


def _group(data: SalesData, column: Dimension, groups: tuple[Group, ...]) -> None:
    shown = groups[:_SHOWN]
    st.plotly_chart(
        group_chart(shown, column, data.currency, paints(group.name for group in groups)),
        key=f"{column}_chart",
        alt=f"Revenue by {column}",
    )
    if len(groups) > len(shown):
        st.caption(f"The {len(shown)} largest of {len(groups)}.")
    with st.expander("Data behind this chart"):
        st.dataframe(
            _group_frame(groups, column), hide_index=True, column_config=_money_columns(data.currency)
        )


def _group_frame(groups: tuple[Group, ...], column: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column: [group.name for group in groups],
            "revenue": [group.revenue for group in groups],
            "profit": [group.profit for group in groups],
            "units": [group.units for group in groups],
            "share": [group.share for group in groups],
            "margin": [group.margin for group in groups],
            "growth": [group.growth for group in groups],
        }
    )


def _money_columns(currency: str) -> dict[str, ColumnConfig]:
    number = st.column_config.NumberColumn
    money = {
        name: number(f"{name.capitalize()}, {plain(currency)}", format="%,.2f")
        for name in ("revenue", "cost", "profit")
    }
    ratios = {name: number(name.capitalize(), format="percent") for name in ("share", "margin", "growth")}
    return {
        **money,
        **ratios,
        "units": number("Units", format="localized"),
        "month": st.column_config.DateColumn("Month", format="MMM YYYY"),
    }
