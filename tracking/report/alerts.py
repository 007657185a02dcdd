"""Alerts in words: how many, who was told, what did not arrive and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from tracking.alerts.destinations import KINDS, Destination
from tracking.alerts.log import Delivery, Told
from tracking.domain.alert import AlertKind, DeliveryState
from tracking.report.format import counted, when

KIND_WORDS = {
    AlertKind.BUDGET_THRESHOLD: "Budget threshold",
    AlertKind.BUDGET_REFUSED: "Budget refused",
    AlertKind.RUN_FAILED: "Run failed",
    AlertKind.RUN_LOST: "Run lost",
    AlertKind.COST_ANOMALY: "Cost anomaly",
    AlertKind.DURATION_ANOMALY: "Duration anomaly",
    AlertKind.UNPRICED_MODEL: "Unpriced model",
    AlertKind.TRACKER_LOST_CALLS: "Calls not recorded",
    AlertKind.TEST: "Test",
}

# What a person copies; the second is what they fill in.
EXAMPLE_TOML = """[destinations.team]
url_from = "ALERT_TEAM_URL"
quiet_hours = "22:00-07:00"
zone = "Europe/Berlin"
urgent = ["budget_refused", "run_lost"]
"""
EXAMPLE_VARIABLE = "export ALERT_TEAM_URL='slack://TokenA/TokenB/TokenC/#channel'"


def title(ever: int, today: int, failed: int) -> str:
    """`3 alerts today, 1 not delivered`."""
    if not ever:
        return "No alert yet"
    words = f"{counted(today, 'alert')} today" if today else "No alert today"
    return f"{words}, {failed:,} not delivered" if failed else words


def delivery_words(delivery: Delivery, now: datetime, tz: str | None) -> str:
    """What became of it: `sent`, `2 attempts failed, again at …`, `given up after 15 attempts`."""
    tried = counted(delivery.attempts, "attempt")
    if delivery.state is DeliveryState.SENT:
        return "sent" if delivery.attempts == 1 else f"sent after {tried}"
    if delivery.state is DeliveryState.SENDING:
        return "is being sent"
    if delivery.state is DeliveryState.GIVEN_UP:
        return f"given up after {tried}" if delivery.attempts else "given up"
    if delivery.failed:
        failed = f"{tried} failed, again" if delivery.attempts else "waits until"
        return f"{failed} {when(delivery.due_at, tz)}"
    if delivery.due_at > now:
        return f"quiet hours, waits until {when(delivery.due_at, tz)}"
    return "waits for a worker"


def told_words(told: Told, now: datetime, tz: str | None) -> str:
    """To whom an alert was told and what became of it, on a line."""
    if not told.deliveries:
        return "nobody"
    return " · ".join(f"{each.destination}: {delivery_words(each, now, tz)}" for each in told.deliveries)


def problems(told: Told) -> str:
    found = {each.problem for each in told.deliveries if each.failed and each.problem}
    return "; ".join(sorted(found))


def log_frame(entries: Iterable[Told], now: datetime, tz: str | None) -> pd.DataFrame:
    """A row per alert, newest first."""
    return pd.DataFrame(
        [
            {
                "When": when(told.at, tz),
                "Alert": told.alert.title,
                "Told": told_words(told, now, tz),
                "Problem": problems(told),
                "Kind": KIND_WORDS[told.alert.kind],
            }
            for told in entries
        ],
        columns=["When", "Alert", "Told", "Problem", "Kind"],
    )


def kinds_words(to: Destination) -> str:
    """What a destination is told."""
    if to.kinds == frozenset(KINDS):
        return "everything"
    return ", ".join(KIND_WORDS[kind].lower() for kind in KINDS if kind in to.kinds) or "nothing"


def quiet_words(to: Destination, now: datetime, tz: str | None) -> str:
    """Whether it is quiet now, and what goes through."""
    if to.quiet is None:
        return "at any hour"
    until = to.quiet.until(now)
    state = f"quiet now, until {when(until, tz)}" if until else f"quiet {to.quiet}"
    urgent = ", ".join(KIND_WORDS[kind].lower() for kind in KINDS if kind in to.urgent & to.kinds)
    return f"{state}, but for {urgent}" if urgent else state


def outcome_words(delivery: Delivery, to: Destination) -> str:
    """What became of a test."""
    if delivery.state is DeliveryState.SENT:
        return f"The test reached {to.name}."
    if delivery.problem:
        return f"The test did not reach {to.name}: {delivery.problem.rstrip('.')}."
    if to.url is None:
        return f"{to.url_from} is not set here, and no worker has sent the test so far."
    return f"The test to {to.name} is still under way."
