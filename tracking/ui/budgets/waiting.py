"""A run that waits for a higher limit: why, and the button that lets it go on."""

from decimal import Decimal
from typing import Final

import streamlit as st

from tracking.crew.queue import request_stop
from tracking.domain.budget import Amounts, Unit
from tracking.domain.money import nano_usd, usd
from tracking.domain.run import Run
from tracking.domain.standing import Refusal, said
from tracking.ledger.accounts import Accounts
from tracking.report.budgets import missing, waiting_words
from tracking.ui import state
from tracking.ui.prose import plain

_AHEAD: Final = 10  # calls like the one that waits: raised for less, the run would soon wait again


def budget_wait(run: Run) -> None:
    """Nothing, where the run waits for no budget."""
    if run.budget_wait is None:
        return
    refusal = Refusal.from_json(run.budget_wait)
    with st.container(border=True):
        st.warning(
            f"**Waiting for a higher limit.** {plain(waiting_words(refusal))}", icon=":material/savings:"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if refusal.unit is not None:
                _raise(run, refusal, refusal.unit)
            st.button(
                "Stop instead",
                icon=":material/stop_circle:",
                on_click=lambda: request_stop(state.ledger(), run.run_id),
                key=f"budget_stop_{run.run_id}",
            )


def _raise(run: Run, refusal: Refusal, unit: Unit) -> None:
    by = max(missing(refusal), _AHEAD * refusal.asked)
    key = f"budget_by_{run.run_id}"
    time = "this run" if refusal.period == run.run_id else "this period"
    label = f"Raise it by ({'US dollars' if unit is Unit.NANO_USD else unit}), for {time}"
    if unit is Unit.NANO_USD:
        least, step = float(usd(missing(refusal))), 0.01
        given = st.number_input(
            label,
            min_value=least,
            value=max(least, round(float(usd(by)), 6)),
            step=step,
            format="%.6f",
            key=key,
        )
        amount = max(missing(refusal), nano_usd(Decimal(str(given))))
    else:
        amount = int(st.number_input(label, min_value=missing(refusal), value=by, step=1, key=key))
    st.button(
        "Raise and continue",
        icon=":material/play_arrow:",
        type="primary",
        help=f"The limit becomes {said(refusal.limit + amount, unit)} until the period ends.",
        on_click=_raised,
        args=(refusal, unit, amount),
        key=f"budget_raise_{run.run_id}",
    )


def _raised(refusal: Refusal, unit: Unit, amount: int) -> None:
    Accounts(state.ledger()).raise_limit(refusal.key, refusal.period, Amounts(**{str(unit): amount}))
