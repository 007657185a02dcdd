"""Budgets: what may be spent, and how much of it is. Streamlit executes this file."""

from datetime import UTC, datetime

import streamlit as st

from tracking.budgets.book import BudgetBook, in_force, read_budgets
from tracking.domain.budget import Per
from tracking.domain.run import RunState
from tracking.errors import ConfigError
from tracking.ledger.accounts import Accounts
from tracking.report.budgets import title_of
from tracking.ui import state
from tracking.ui.budgets.form import budget_form
from tracking.ui.budgets.listing import listing
from tracking.ui.budgets.waiting import budget_wait
from tracking.ui.prose import plain


def budgets_page() -> None:
    ledger, accounts = state.ledger(), Accounts(state.ledger())
    try:
        budgets, problem = in_force(state.settings(), ledger), None
    except ConfigError as error:  # no run goes on without them
        budgets, problem = BudgetBook(ledger).all(), str(error)
    accounts.reclaim()
    now = datetime.now(UTC)
    timed = [(budget, budget.span(now, "")) for budget in budgets if budget.per is not Per.RUN]
    standings = accounts.standings(timed)
    waiting = [run for run in ledger.runs(state=str(RunState.RUNNING)) if run.budget_wait is not None]
    st.title(plain(title_of(standings, len(budgets) - len(timed), len(waiting))), anchor=False)
    st.caption(
        "Before each call the most it can take is set aside: its input, and all it may answer. What does not "
        "fit is not sent. A run has a budget of its own on the Analyze page."
    )
    if problem is not None:
        st.error(f"{plain(problem)}. Until it is corrected no run begins.", icon=":material/error:")
    for run in waiting:
        st.markdown(f"**{plain(run.name)}**")
        budget_wait(run)
    written = () if problem is not None else read_budgets(state.settings().budgets)
    made_here = frozenset(each.name for each in budgets) - {each.name for each in written}
    listing({each.budget.name: each for each in standings}, budgets, made_here)
    if not budgets:
        st.info(
            "Add one here, or write it in config/budgets.toml: a limit in dollars, tokens or calls, for all "
            "calls or those of a preset, agent, model or provider; for a day, a week, a month or ever.",
            icon=":material/savings:",
        )
    budget_form(frozenset(each.name for each in budgets))


budgets_page()
