"""The budgets that are in force, and how each stands."""

from collections.abc import Mapping

import streamlit as st

from tracking.budgets.book import BudgetBook
from tracking.domain.budget import Amounts, Budget, Unit
from tracking.domain.standing import Standing
from tracking.ledger.accounts import Accounts
from tracking.report.budgets import covered_by, limits_of, line_of, notes_of, rules_of
from tracking.ui import state
from tracking.ui.prose import plain


def listing(standings: Mapping[str, Standing], budgets: list[Budget], made_here: frozenset[str]) -> None:
    """A card for each. `standings` by name: those for each run have none. `made_here`: not in the file."""
    for budget in budgets:
        with st.container(border=True):
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
            ):
                st.markdown(f"**{plain(budget.name)}** · {plain(limits_of(budget))}", width="content")
                _actions(budget, standings.get(budget.name), removable=budget.name in made_here)
            if budget.name in standings:
                _standing(standings[budget.name])
            else:
                st.caption("Every run has it anew. How a run stands with it is on the run's page.")
            where = "made here" if budget.name in made_here else "written in config/budgets.toml"
            st.caption(plain(f"{covered_by(budget)}. {rules_of(budget)} It is {where}."))


def _standing(standing: Standing) -> None:
    for unit, limit in standing.limits.items():
        part = standing.spent.of(unit) / limit if limit else 1.0
        st.progress(min(1.0, part), text=plain(line_of(standing, unit)))
    for note in notes_of(standing):
        st.caption(plain(note))


def _actions(budget: Budget, standing: Standing | None, *, removable: bool) -> None:
    with st.container(horizontal=True, width="content"):
        if standing is not None:
            with st.popover("Raise", icon=":material/trending_up:", key=f"raise.{budget.name}"):
                _raise(budget, standing)
        if removable:
            with st.popover("Remove", icon=":material/delete:", key=f"remove.{budget.name}"):
                st.markdown(f"Calls are no longer limited by **{plain(budget.name)}**.")
                st.button(
                    "Remove it",
                    type="primary",
                    on_click=_remove,
                    args=(budget.name,),
                    key=f"gone.{budget.name}",
                )


def _raise(budget: Budget, standing: Standing) -> None:
    st.markdown(f"For this period ({plain(standing.span.name)}) alone; the next one has the old limit again.")
    for unit, limit in budget.limits.items():
        label = {Unit.NANO_USD: "US dollars", Unit.TOKENS: "Tokens", Unit.CALLS: "Calls"}[unit]
        key = f"by.{budget.name}.{unit}"
        if unit is Unit.NANO_USD:
            st.number_input(label, min_value=0.0, value=max(0.01, limit / 10**10), format="%.2f", key=key)
        else:
            st.number_input(label, min_value=0, value=max(1, limit // 10), key=key)
    st.button("Raise the limit", type="primary", on_click=_raised, args=(standing,), key=f"do.{budget.name}")


def _raised(standing: Standing) -> None:
    budget = standing.budget
    given = {unit: st.session_state[f"by.{budget.name}.{unit}"] for unit in budget.limits}
    by = Amounts(
        nano_usd=round(given.get(Unit.NANO_USD, 0) * 100) * 10**7,  # cents
        tokens=given.get(Unit.TOKENS, 0),
        calls=given.get(Unit.CALLS, 0),
    )
    accounts = Accounts(state.ledger())
    if not accounts.raise_limit(budget.key, standing.span.name, by):
        accounts.open(budget, standing.span)
        accounts.raise_limit(budget.key, standing.span.name, by)


def _remove(name: str) -> None:
    BudgetBook(state.ledger()).remove(name)
