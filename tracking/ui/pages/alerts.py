"""Alerts: what was told to whom, what did not arrive, and who is told. Streamlit executes this file."""

from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from tracking.alerts.destinations import AlertConfig, Destination, load_alert_config
from tracking.alerts.log import AlertLog, Told
from tracking.alerts.trial import try_out
from tracking.domain.alert import DeliveryState
from tracking.errors import ConfigError
from tracking.report.alerts import (
    EXAMPLE_TOML,
    EXAMPLE_VARIABLE,
    delivery_words,
    kinds_words,
    log_frame,
    outcome_words,
    quiet_words,
    title,
)
from tracking.report.format import counted, when, zone
from tracking.ui import state
from tracking.ui.prose import plain

_SHOWN: Final = 200
_LOG: Final = "alerts.log"
_FAILED_ONLY: Final = "alerts.failed_only"
_OUTCOMES: Final = "alerts.outcomes"  # in the session: what became of the last test of each destination


@st.fragment(run_every=5)
def alerts_page() -> None:
    """As a whole a fragment: what is waiting is seen to arrive."""
    log, now, tz = AlertLog(state.ledger()), state.now(), st.context.timezone
    midnight = now.astimezone(zone(tz) or UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ever = log.count()
    st.title(plain(title(ever, log.count(midnight), log.failed_count(midnight))), anchor=False)
    config = _config()
    if config is not None:
        _destinations(config, log, now)
    _log(log, now, ever=ever)


def _config() -> AlertConfig | None:
    try:
        return load_alert_config(state.settings())
    except ConfigError as error:
        st.error(
            f"**Nobody is told of alerts: {plain(str(error))}.**\n\nCorrect the file; nothing has to be "
            "restarted. Runs that end meanwhile are looked at then.",
            icon=":material/error:",
        )
        return None


def _destinations(config: AlertConfig, log: AlertLog, now: datetime) -> None:
    if not config.destinations:
        _how_to()
        return
    st.subheader("Who is told", anchor=False)
    last = log.last_sent()
    for to in config.destinations:
        _destination(config, to, last.get(to.name), now)
    st.caption(plain(f"From config/alerts.toml. Links lead to {config.base_url}."))


def _destination(config: AlertConfig, to: Destination, last: datetime | None, now: datetime) -> None:
    tz = st.context.timezone
    outcomes = st.session_state.setdefault(_OUTCOMES, {})
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{plain(to.name)}** · {plain(kinds_words(to))}")
            test = st.button("Test", icon=":material/send:", key=f"alerts.test.{to.name}")
        sent = f"last told {when(last, tz)}" if last else "never told anything so far"
        st.caption(plain(f"{_capital(quiet_words(to, now, tz))} · {sent}"))
        if to.url is None:
            st.markdown(
                f":small[:orange[:material/warning: {plain(to.url_from)} is not set where this page runs. A "
                "worker that has it sends; without one, alerts wait a day.]]"
            )
        if test:
            with st.spinner(f"Sending a test to {to.name} …"):
                outcomes[to.name] = try_out(state.ledger(), config, to)
        if (outcome := outcomes.get(to.name)) is not None:
            words = plain(outcome_words(outcome, to))
            if outcome.state is DeliveryState.SENT:
                st.success(words, icon=":material/check_circle:")
            else:
                st.warning(words, icon=":material/warning:")


def _how_to() -> None:
    with st.container(border=True):
        st.markdown(
            "**Nobody is told so far.** Alerts are kept and shown here. To have them sent by mail, Slack, "
            "Teams, Discord, a webhook or to the desktop, name a destination in `config/alerts.toml`:"
        )
        st.code(EXAMPLE_TOML, language="toml", wrap_lines=True)
        st.markdown(
            "and put its address into that variable where dashboard and workers start. It is a secret, so no "
            "file here holds it. How addresses are written: "
            "[Apprise's list of services](https://appriseit.com/services/)."
        )
        st.code(EXAMPLE_VARIABLE, language="bash", wrap_lines=True)


def _log(log: AlertLog, now: datetime, *, ever: int) -> None:
    st.subheader("What was told", anchor=False)
    if not log.entries(1):
        st.caption(
            "An alert is added when a run fails or is lost, costs or takes far more than those before it, a "
            "budget is used up, a model has no known price, or a call could not be recorded."
        )
        return
    failed = log.failed_count(now - timedelta(days=7))
    with st.container(horizontal=True, vertical_alignment="center"):
        failed_only = st.toggle("Only what did not arrive", key=_FAILED_ONLY)
        if failed and not failed_only:
            words = f"{counted(failed, 'alert')} of the last 7 days did not arrive"
            st.markdown(f":small[:orange[:material/warning: {words}]]")
    entries = log.entries(_SHOWN, failed_only=failed_only)
    if not entries:
        st.caption("Every alert arrived.")
        return
    frame = log_frame(entries, now, st.context.timezone)
    chosen = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=_LOG,
        height=min(520, 38 + 35 * len(frame)),
        column_config={
            "Alert": st.column_config.TextColumn(width="large"),
            "Told": st.column_config.TextColumn(width="medium"),
        },
        alt="The alerts, the newest first, with whom they were told",
    )
    if ever > _SHOWN:
        st.caption(f"The newest {_SHOWN} of {ever:,}.")
    rows = chosen.selection.rows
    if rows and rows[0] < len(entries):
        _one(entries[rows[0]], now)
    else:
        st.caption("Select a row to read it and to go to its run.")


def _one(told: Told, now: datetime) -> None:
    tz = st.context.timezone
    with st.container(border=True):
        st.markdown(f"**{plain(told.alert.title)}**")
        if told.alert.body:
            st.markdown(plain(told.alert.body).replace("\n", "  \n"))
        if not told.deliveries:
            st.caption("Nobody is told of this kind.")
        for delivery in told.deliveries:
            words = f"{delivery.destination}: {delivery_words(delivery, now, tz)}"
            if delivery.ended_at is not None:
                words += f", {when(delivery.ended_at, tz)}"
            st.caption(plain(f"{words}. {delivery.problem or ''}".strip()))
        if told.alert.run_id:
            st.page_link(
                "tracking/ui/pages/runs.py",
                label="The run",
                icon=":material/history:",
                query_params={state.RUN: told.alert.run_id},
            )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


alerts_page()
