"""Who is still to be told what: every change of a delivery is one statement that names what it expects.

So of any number of workers one has it, and what a worker that died was sending is tried again. One that
dies between sending and writing that down has it sent a second time: better than never.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from tracking.domain.alert import Alert, AlertKind, DeliveryState
from tracking.ledger.database import microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import alert_deliveries as table
from tracking.ledger.schema import alerts

_AT_ONCE: Final = 1_000  # the oldest; the rest follows
LEASE: Final = timedelta(minutes=5)  # sending takes seconds: who is silent for so long is dead


@dataclass(frozen=True, slots=True)
class Due:
    """An alert that is to be told to a destination now. `at` is when it was added."""

    alert_id: int
    destination: str
    state: DeliveryState
    attempts: int
    at: datetime
    alert: Alert


class Deliveries:
    """The deliveries of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine = ledger.engine

    def due(self, now: datetime, alert_id: int | None = None) -> list[Due]:
        """Those whose time has come, oldest first; also such as somebody began to send and never ended."""
        open_states = [str(DeliveryState.WAITING), str(DeliveryState.SENDING)]
        query = (
            sa.select(
                table,
                alerts.c.at,
                alerts.c.kind,
                alerts.c.key,
                alerts.c.title,
                alerts.c.body,
                alerts.c.run_id,
            )
            .join(alerts, alerts.c.alert_id == table.c.alert_id)
            .where(table.c.state.in_(open_states), table.c.due_at <= microseconds(now))
            .order_by(alerts.c.at, alerts.c.alert_id)
            .limit(_AT_ONCE)
        )
        if alert_id is not None:
            query = query.where(table.c.alert_id == alert_id)
        with self._engine.connect() as connection:
            return [_due(row) for row in connection.execute(query).mappings()]

    def claim(self, these: Iterable[Due], now: datetime) -> list[Due]:
        """Have deliveries for this process alone, for as long as sending may take. Returns those it got."""
        claimed, until = [], microseconds(now + LEASE)
        with self._engine.begin() as connection:
            for due in these:
                values = {"state": str(DeliveryState.SENDING), "attempts": due.attempts + 1, "due_at": until}
                if connection.execute(_as_seen(due).values(values)).rowcount == 1:
                    claimed.append(replace(due, state=DeliveryState.SENDING, attempts=due.attempts + 1))
        return claimed

    def wait(self, due: Due, until: datetime, problem: str | None = None) -> bool:
        """Leave one for later. False: somebody else has it meanwhile."""
        values = {"state": str(DeliveryState.WAITING), "due_at": microseconds(until)}
        return self._change(due, values if problem is None else {**values, "problem": problem})

    def end(self, due: Due, state: DeliveryState, at: datetime, problem: str | None = None) -> bool:
        """It was sent, or is given up. False: somebody else has it meanwhile."""
        return self._change(due, {"state": str(state), "ended_at": microseconds(at), "problem": problem})

    def _change(self, due: Due, values: dict[str, Any]) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(_as_seen(due).values(values)).rowcount == 1


def _as_seen(due: Due) -> sa.Update:
    return table.update().where(
        table.c.alert_id == due.alert_id,
        table.c.destination == due.destination,
        table.c.state == str(due.state),
        table.c.attempts == due.attempts,
    )


def _due(row: sa.RowMapping) -> Due:
    alert = Alert(AlertKind(row["kind"]), row["key"], row["title"], row["body"], row["run_id"])
    state = DeliveryState(row["state"])
    return Due(row["alert_id"], row["destination"], state, row["attempts"], moment(row["at"]), alert)
