"""Where the brand stands. What is not known stays empty, and no agent is told of it."""

from collections.abc import Collection
from typing import Final

import streamlit as st

from tracking.domain.spec import BOUNDS
from tracking.ui.configure import fields, form
from tracking.ui.configure.form import is_told

_POSITIONS: Final = ("Leader", "Challenger", "Follower", "Niche", "Newcomer")
FIELDS: Final = ("brand.awareness", "brand.sentiment", "brand.market_position")


def brand_section(inputs: Collection[str]) -> None:
    st.subheader("Brand", anchor=False)
    if is_told("brand.awareness", inputs):
        fields.whole("brand.awareness", "Brand awareness (%)", step=5, placeholder="Not known")
    if is_told("brand.sentiment", inputs):
        low, high = BOUNDS["brand.sentiment"]
        st.number_input(
            "Sentiment",
            min_value=float(low),
            max_value=float(high),
            step=0.1,
            format="%.1f",
            value=None,
            placeholder="Not known",
            key=form.key("brand.sentiment"),
            persist_state="session",
            help="From -1, everyone dislikes the brand, to 1, everyone likes it.",
        )
    if is_told("brand.market_position", inputs):
        fields.choice("brand.market_position", "Market position", _POSITIONS)
