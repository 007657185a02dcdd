"""Making a budget on the page."""

from decimal import Decimal
from typing import Any, Final

import streamlit as st

from tracking.budgets.book import BudgetBook
from tracking.domain.budget import Budget, OnUnpriced, Per
from tracking.domain.spec import OWN_BUDGET
from tracking.errors import ConfigError
from tracking.ui import state
from tracking.ui.prose import plain

_PROBLEM: Final = "budgets.problem"
_PERIODS: Final = {
    Per.MONTH: "a month",
    Per.WEEK: "a week",
    Per.DAY: "a day",
    Per.RUN: "each run",
    Per.ALL: "altogether",
}
_UNPRICED: Final = {
    OnUnpriced.BLOCK: "do not make them",
    OnUnpriced.ALLOW: "make them",
    OnUnpriced.COUNT_TOKENS: "count their tokens",
}
_NARROWS: Final = ("preset", "agent", "model", "provider")


def budget_form(taken: frozenset[str]) -> None:
    """The form. `taken`: names of budgets that the file has."""
    with st.expander("Add a budget", icon=":material/add:"), st.form("budgets.add", border=False):
        name, per, zone = st.columns([3, 2, 2])
        name.text_input("Name", key="budgets.name", placeholder="All of us, this month", max_chars=80)
        per.selectbox("For", list(_PERIODS), format_func=_PERIODS.__getitem__, key="budgets.per")
        zone.text_input("Time zone", value=st.context.timezone or "UTC", key="budgets.zone")
        dollars, tokens, calls = st.columns(3)
        dollars.number_input(
            "US dollars", min_value=0.0, value=None, format="%.2f", key="budgets.usd", placeholder="No limit"
        )
        tokens.number_input("Tokens", min_value=0, value=None, key="budgets.tokens", placeholder="No limit")
        calls.number_input("Calls", min_value=0, value=None, key="budgets.calls", placeholder="No limit")
        st.caption("Only calls of these; \\* and ? stand for any letters. Empty: all calls.")
        for column, what in zip(st.columns(4), _NARROWS, strict=True):
            column.text_input(what.capitalize(), key=f"budgets.{what}", placeholder="All")
        unpriced, wait = st.columns(2)
        unpriced.selectbox(
            "Calls whose price nobody knows",
            list(_UNPRICED),
            format_func=_UNPRICED.__getitem__,
            key="budgets.on_unpriced",
        )
        wait.number_input(
            "Wait for a higher limit (minutes)",
            min_value=0,
            value=0,
            key="budgets.wait",
            help="0: the run ends, unless its own settings let it wait.",
        )
        st.form_submit_button("Add it", type="primary", on_click=_add, args=(taken,))
    if problem := st.session_state.get(_PROBLEM):
        st.error(plain(problem), icon=":material/error:")


def _add(taken: frozenset[str]) -> None:
    narrowed: dict[str, Any] = {
        what: st.session_state[f"budgets.{what}"].strip() or None for what in _NARROWS
    }
    dollars = st.session_state["budgets.usd"]
    name = st.session_state["budgets.name"].strip()
    st.session_state[_PROBLEM] = None
    if not name:
        st.session_state[_PROBLEM] = "Give the budget a name: it is what a refused call is told."
        return
    if name in {*taken, OWN_BUDGET}:
        st.session_state[_PROBLEM] = f"There is a budget {name} already: choose another name, or remove it."
        return
    try:
        budget = Budget(
            name=name,
            per=st.session_state["budgets.per"],
            usd=None if dollars is None else Decimal(f"{dollars:.2f}"),
            tokens=st.session_state["budgets.tokens"],
            calls=st.session_state["budgets.calls"],
            on_unpriced=st.session_state["budgets.on_unpriced"],
            wait_minutes=st.session_state["budgets.wait"],
            zone=st.session_state["budgets.zone"].strip() or "UTC",
            **narrowed,
        )
    except ConfigError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        BudgetBook(state.ledger()).put(budget)
