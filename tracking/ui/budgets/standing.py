"""What a run may still use, in a line for each budget that it keeps to."""

import streamlit as st

from tracking.budgets.book import in_force
from tracking.domain.budget import Budget
from tracking.domain.run import Run
from tracking.domain.spec import RunSpec
from tracking.domain.standing import Standing
from tracking.errors import ConfigError
from tracking.ledger.accounts import Accounts
from tracking.report.budgets import line_of, notes_of
from tracking.ui import state
from tracking.ui.prose import plain


def budget_lines(run: Run) -> None:
    """Of a run under way all its budgets; of one that has ended its own, which is as it was at its end."""
    for standing in standings_of(run):
        lines = "; ".join(line_of(standing, unit) for unit in standing.limits)
        notes = "".join(f" {note}" for note in notes_of(standing))
        text = f"Budget {standing.budget.name!r}: {lines}.{notes}"
        st.caption(f":material/savings: {plain(text)}")


def standings_of(run: Run) -> list[Standing]:
    """How the budgets of a run stand; of one that has ended its own."""
    now = state.now()
    pairs = [(budget, budget.span(now, run.run_id)) for budget in _budgets_of(run)]
    return Accounts(state.ledger()).standings(pairs)


def _budgets_of(run: Run) -> list[Budget]:
    if not run.spec:  # a crew of a person's own: what it was given is known to its own program
        return []
    spec = RunSpec.from_json(run.spec)
    own = [] if spec.settings.budget is None else [spec.settings.budget]
    if run.state.is_final:
        return own
    try:
        shared = in_force(state.settings(), state.ledger())
    except ConfigError:  # the Budgets page says what is wrong with the file
        return own
    return own + [budget for budget in shared if budget.covers_preset(spec.preset)]
