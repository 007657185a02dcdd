"""What is advertised, to whom, for how much."""

from collections.abc import Collection
from typing import Final

import streamlit as st

from tracking.ui.configure import fields
from tracking.ui.configure.form import is_told

_TYPES: Final = (
    "Product launch",
    "Seasonal launch",
    "Always on",
    "Brand awareness",
    "Promotion",
    "Retention",
)
_GOALS: Final = (
    "Grow revenue",
    "Raise profit",
    "Raise awareness",
    "Win market share",
    "Win new customers",
    "Keep customers",
    "Launch a product",
)
FIELDS: Final = (
    "campaign.target_audience",
    "campaign.campaign_type",
    "campaign.budget_usd",
    "campaign.duration_weeks",
    "campaign.goals",
)


def campaign_section(inputs: Collection[str]) -> None:
    st.subheader("Campaign", anchor=False)
    if is_told("campaign.target_audience", inputs):
        fields.text("campaign.target_audience", "Target audience", placeholder="Who should be reached")
    if is_told("campaign.campaign_type", inputs):
        fields.choice("campaign.campaign_type", "Campaign type", _TYPES)
    _budget_and_duration(inputs)
    if is_told("campaign.goals", inputs):
        fields.choices("campaign.goals", "Campaign goals", _GOALS, empty="Choose or type", own=True)


def _budget_and_duration(inputs: Collection[str]) -> None:
    with st.container(horizontal=True):
        if is_told("campaign.budget_usd", inputs):
            fields.whole(
                "campaign.budget_usd",
                "Campaign budget (US$)",
                step=10_000,
                help_text="What the campaign may spend. The run's own limit is the token budget below.",
            )
        if is_told("campaign.duration_weeks", inputs):
            fields.whole("campaign.duration_weeks", "Duration (weeks)", step=1)
