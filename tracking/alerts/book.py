"""The alerts of a ledger: each piece of news once, and who is to be told of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from tracking.alerts.destinations import AlertConfig, Destination, load_alert_config
from tracking.domain.alert import Alert, DeliveryState
from tracking.errors import ConfigError
from tracking.ledger.clock import now_of
from tracking.ledger.database import microseconds
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import alert_deliveries, alerts
from tracking.settings import Settings

logger = logging.getLogger(__name__)

_MICROSECOND = timedelta(microseconds=1)


class AlertBook:
    """Where news is written down. Who is told stands in config/alerts.toml, read anew for every alert.

    With a `config`, that is taken instead.
    """

    def __init__(self, ledger: Ledger, config: AlertConfig | None = None) -> None:
        self._engine = ledger.engine
        self._config = config

    def add(self, alert: Alert, *, at: datetime | None = None) -> int | None:
        """Write an alert down, and that everybody who wants its kind is to be told; in one transaction.

        Nothing is sent here: a worker does that. A configuration that can't be used stops no alert, but then
        nobody is told of it. `at` is now by the database's clock, unless given.

        Returns:
            Its id. None: an alert of the same key was added a while ago; nothing was written.

        Raises:
            LedgerError: the ledger can't be written.
        """
        config = self._current()
        wanting = () if config is None else tuple(d for d in config.destinations if d.wants(alert.kind))
        window = timedelta(hours=1) if config is None else config.repeat_after
        return self._add(alert, wanting, None if alert.kind.is_told_once else window, at)

    def add_test(self, destination: Destination, alert: Alert, *, at: datetime | None = None) -> int:
        """Write down an alert for one destination alone, whatever it wants and however often."""
        added = self._add(alert, (destination,), timedelta(0), at)
        assert added is not None
        return added

    def _add(
        self, alert: Alert, to: Iterable[Destination], window: timedelta | None, at: datetime | None
    ) -> int | None:
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # SQLite lets one statement write at a time anyway
                lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(alert.key, 0))
                connection.execute(sa.select(lock))
            now = (
                connection.execute(sa.select(now_of(self._engine))).scalar_one()
                if at is None
                else microseconds(at)
            )
            written = connection.execute(_insert(alert, now, window)).first()
            if written is None:
                return None
            alert_id: int = written.alert_id
            rows = [
                {
                    "alert_id": alert_id,
                    "destination": d.name,
                    "state": str(DeliveryState.WAITING),
                    "due_at": now,
                }
                for d in to
            ]
            if rows:
                connection.execute(alert_deliveries.insert(), rows)
            return alert_id

    def _current(self) -> AlertConfig | None:
        if self._config is not None:
            return self._config
        try:
            return load_alert_config(Settings())
        except ConfigError as error:
            logger.warning("nobody is told of an alert: %s", error)
            return None


def _insert(alert: Alert, now: int, window: timedelta | None) -> sa.sql.dml.ReturningInsert[int]:
    """One statement that writes it unless the same was written before: of two at once, one does."""
    values = {
        "at": now,
        "kind": str(alert.kind),
        "key": alert.key,
        "title": alert.title,
        "body": alert.body,
        "run_id": alert.run_id,
    }
    same = alerts.alias()
    told = sa.exists().where(same.c.key == alert.key)
    if window is not None:
        told = told.where(same.c.at > now - window // _MICROSECOND)
    row = sa.select(*(sa.literal(value, alerts.c[name].type) for name, value in values.items())).where(~told)
    return alerts.insert().from_select(list(values), row).returning(alerts.c.alert_id)
