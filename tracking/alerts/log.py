"""What was told: the alerts of a ledger with what became of each delivery, newest first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tracking.domain.alert import Alert, AlertKind, DeliveryState
from tracking.ledger.database import microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import alert_deliveries, alerts


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of telling an alert to one destination. `due_at` is when it is tried next."""

    destination: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    ended_at: datetime | None
    problem: str | None

    @property
    def failed(self) -> bool:
        """Whether it did not arrive: it is given up, or tried again after an attempt that failed."""
        if self.state is DeliveryState.SENT:
            return False
        return self.state is DeliveryState.GIVEN_UP or self.problem is not None


@dataclass(frozen=True, slots=True)
class Told:
    """An alert, when it was added, and its deliveries by name."""

    alert_id: int
    at: datetime
    alert: Alert
    deliveries: tuple[Delivery, ...]

    @property
    def failed(self) -> bool:
        return any(delivery.failed for delivery in self.deliveries)


class AlertLog:
    """The alerts of one ledger, for those who look."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine = ledger.engine

    def entries(self, limit: int, *, failed_only: bool = False) -> list[Told]:
        """The newest alerts; with `failed_only`, of those that somebody was not told of."""
        query = sa.select(alerts).order_by(alerts.c.alert_id.desc()).limit(limit)
        if failed_only:
            query = query.where(alerts.c.alert_id.in_(_failed()))
        return self._with_deliveries(query)

    def entry(self, alert_id: int) -> Told | None:
        found = self._with_deliveries(sa.select(alerts).where(alerts.c.alert_id == alert_id))
        return found[0] if found else None

    def count(self, since: datetime | None = None) -> int:
        """How many there are, tests apart."""
        query = sa.select(sa.func.count()).where(alerts.c.kind != str(AlertKind.TEST))
        return self._number(query if since is None else query.where(alerts.c.at >= microseconds(since)))

    def failed_count(self, since: datetime) -> int:
        """How many of those added since a moment somebody was not told of, tests apart."""
        return self._number(
            sa.select(sa.func.count()).where(
                alerts.c.kind != str(AlertKind.TEST),
                alerts.c.at >= microseconds(since),
                alerts.c.alert_id.in_(_failed()),
            )
        )

    def last_sent(self) -> dict[str, datetime]:
        """When each destination was last told something."""
        query = (
            sa.select(alert_deliveries.c.destination, sa.func.max(alert_deliveries.c.ended_at))
            .where(alert_deliveries.c.state == str(DeliveryState.SENT))
            .group_by(alert_deliveries.c.destination)
        )
        with self._engine.connect() as connection:
            return {name: moment(at) for name, at in connection.execute(query)}

    def _number(self, query: sa.Select[int]) -> int:
        with self._engine.connect() as connection:
            [row] = connection.execute(query)
            return row[0]

    def _with_deliveries(self, query: sa.Select[Any]) -> list[Told]:
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
            mine = alert_deliveries.c.alert_id.in_([row["alert_id"] for row in rows])
            order = alert_deliveries.c.destination
            sent = (
                connection.execute(sa.select(alert_deliveries).where(mine).order_by(order)).mappings().all()
            )
        of: dict[int, list[Delivery]] = defaultdict(list)
        for row in sent:
            of[row["alert_id"]].append(_delivery(row))
        return [_told(row, tuple(of[row["alert_id"]])) for row in rows]


def _failed() -> sa.Select[int]:
    """As `Delivery.failed`."""
    given_up = alert_deliveries.c.state == str(DeliveryState.GIVEN_UP)
    tried = (alert_deliveries.c.state != str(DeliveryState.SENT)) & alert_deliveries.c.problem.is_not(None)
    return sa.select(alert_deliveries.c.alert_id).where(given_up | tried)


def _told(row: sa.RowMapping, deliveries: tuple[Delivery, ...]) -> Told:
    alert = Alert(AlertKind(row["kind"]), row["key"], row["title"], row["body"], row["run_id"])
    return Told(row["alert_id"], moment(row["at"]), alert, deliveries)


def _delivery(row: sa.RowMapping) -> Delivery:
    ended = row["ended_at"]
    return Delivery(
        destination=row["destination"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        due_at=moment(row["due_at"]),
        ended_at=None if ended is None else moment(ended),
        problem=row["problem"],
    )
