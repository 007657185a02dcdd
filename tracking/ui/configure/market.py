"""Which part of the data is looked at, and for what. What can be chosen is what the data holds."""

from collections.abc import Collection
from typing import Final

import streamlit as st

from tracking.dataset.sales import SalesData
from tracking.ui.configure import fields
from tracking.ui.configure.draft import Draft, Place
from tracking.ui.configure.form import is_told
from tracking.ui.configure.offers import offers
from tracking.ui.prose import plain

_FOCUSES: Final = ("Growth", "Profitability", "Demand", "Brand", "Pricing", "Seasonality")
# field -> its label, and what choosing nothing means
_FROM_THE_DATA: Final = {
    "market.regions": ("Target markets", "All markets"),
    "market.categories": ("Product categories", "All categories"),
    "market.brands": ("Brands", "All brands"),
    "market.key_metrics": ("Key metrics", "None in particular"),
}


def market_section(draft: Draft, inputs: Collection[str]) -> None:
    st.subheader("Market", anchor=False)
    for problem in draft.problems_at(Place.MARKET):
        st.error(plain(problem), icon=":material/filter_alt_off:")
    left, right = st.columns(2, gap="medium")
    with left:
        _from_the_data(draft.data, inputs)
    with right:
        _questions(inputs)
        _outlook(draft.data, inputs)
        _switches(inputs)


def _from_the_data(data: SalesData | None, inputs: Collection[str]) -> None:
    if data is None:
        st.caption("Markets, categories and brands are offered once there is data that can be read.")
        return
    offered = offers(data)
    for field, (label, empty) in _FROM_THE_DATA.items():
        if offered[field] and is_told(field, inputs):
            fields.choices(field, label, offered[field], empty=empty)


def _questions(inputs: Collection[str]) -> None:
    if is_told("market.analysis_focus", inputs):
        fields.choice("market.analysis_focus", "Analysis focus", _FOCUSES)
    if is_told("market.business_objective", inputs):
        fields.text("market.business_objective", "Business objective", placeholder="What the company wants")
    if is_told("market.competitive_landscape", inputs):
        fields.text(
            "market.competitive_landscape", "Competitive landscape", placeholder="Who else is in the market"
        )


def _outlook(data: SalesData | None, inputs: Collection[str]) -> None:
    with st.container(horizontal=True):
        if is_told("market.forecast_periods", inputs):
            fields.whole("market.forecast_periods", "Forecast periods (months)", step=1)
        if is_told("market.expected_revenue", inputs):
            unit = "" if data is None else f" ({plain(data.currency)})"
            fields.whole(
                "market.expected_revenue",
                f"Expected revenue{unit}",
                step=100_000,
                help_text="Over the forecast periods. The report sets it beside the forecast.",
            )


def _switches(inputs: Collection[str]) -> None:
    with st.container(horizontal=True, gap="medium"):
        if is_told("market.competitive_analysis", inputs):
            fields.switch("market.competitive_analysis", "Competitive analysis")
        if is_told("market.market_share_analysis", inputs):
            fields.switch("market.market_share_analysis", "Market share analysis")
