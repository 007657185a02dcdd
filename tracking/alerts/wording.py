"""What a message says: one alert as it is, several in one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final, Literal

from tracking.alerts.deliveries import Due
from tracking.alerts.destinations import AlertConfig, Destination
from tracking.alerts.post import Message
from tracking.domain.alert import AlertKind

_GRAVE: Final = frozenset({AlertKind.RUN_FAILED, AlertKind.RUN_LOST, AlertKind.BUDGET_REFUSED})


def message_of(group: Sequence[Due], to: Destination, config: AlertConfig) -> Message:
    """One alert with its link; of several, a line and a link each, the oldest first."""
    tone = _tone(group)
    if len(group) == 1:
        alert = group[0].alert
        parts = [alert.body, config.link(alert.run_id)]
        return Message(alert.title, "\n\n".join(part for part in parts if part), tone)
    zone = UTC if to.quiet is None else to.quiet.zone
    first = group[0].at.astimezone(zone)
    lines = [
        f"{due.at.astimezone(zone):%H:%M} {due.alert.title}\n{config.link(due.alert.run_id)}" for due in group
    ]
    return Message(
        f"{len(group)} alerts since {first.day} {first:%b, %H:%M} {first:%Z}", "\n\n".join(lines), tone
    )


def _tone(group: Sequence[Due]) -> Literal["info", "warning", "failure"]:
    kinds = {due.alert.kind for due in group}
    if kinds & _GRAVE:
        return "failure"
    return "info" if kinds == {AlertKind.TEST} else "warning"
