"""Which names have their colours beforehand, so that each looks the same on every page."""

from collections.abc import Iterable, Mapping

import streamlit as st

from tracking.errors import ConfigError
from tracking.report.overview import model_order
from tracking.ui import state
from tracking.ui.palette import Paint, paints


def agent_paints(names: Iterable[str | None]) -> Mapping[str | None, Paint]:
    """The catalog's agents come first; without it a run's own do."""
    try:
        known = tuple(agent.role for agent in state.catalog().agents.values())
    except ConfigError:
        known = ()
    return paints(names, known)


def model_paints(names: Iterable[str | None]) -> Mapping[str | None, Paint]:
    """The dearest models of all history come first: they need no hatching."""
    return paints(names, _models(state.settings().ledger_url))


@st.cache_resource(ttl=60, max_entries=4, show_spinner=False)
def _models(url: str) -> list[str]:  # noqa: ARG001  # the ledger's address is the cache's key
    return model_order(state.ledger())
