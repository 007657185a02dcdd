"""The Task Configuration tab, top to bottom."""

from collections.abc import Callable

import streamlit as st

from tracking.ui.configure import brand, campaign, form
from tracking.ui.configure.brand import brand_section
from tracking.ui.configure.campaign import campaign_section
from tracking.ui.configure.crew import crew_section
from tracking.ui.configure.data import data_section
from tracking.ui.configure.draft import Draft
from tracking.ui.configure.market import market_section
from tracking.ui.configure.optimization import optimization_section
from tracking.ui.configure.preview import preview_section

Section = tuple[int, Callable[[], None]]  # its share of the width, and what draws it


def configuration_tab(draft: Draft) -> None:
    data_section(draft)
    crew_section(draft)
    _briefing_sections(draft)
    optimization_section(draft)
    preview_section(draft)


def _briefing_sections(draft: Draft) -> None:
    """Campaign, market and brand side by side; one that no chosen agent is told of is left out."""
    inputs = draft.catalog.inputs_of(form.chosen_agents(draft.catalog))
    sections: list[Section] = []
    if any(form.is_told(field, inputs) for field in campaign.FIELDS):
        sections.append((3, lambda: campaign_section(inputs)))
    sections.append((5, lambda: market_section(draft, inputs)))
    if any(form.is_told(field, inputs) for field in brand.FIELDS):
        sections.append((2, lambda: brand_section(inputs)))
    for column, (_, section) in zip(st.columns([width for width, _ in sections]), sections, strict=True):
        with column.container(border=True, height="stretch"):
            section()
