"""Trying a destination out: a test alert goes the way that every other one goes, and is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from tracking.alerts.book import AlertBook
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import AlertConfig, Destination
from tracking.alerts.log import AlertLog, Delivery
from tracking.domain.alert import Alert, AlertKind, DeliveryState
from tracking.ledger.clock import read_clock
from tracking.ledger.ledger import Ledger
from tracking.ledger.workers import WorkerList

_POLL_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 20.0  # for a worker that has the address, or sends this at the moment


def try_out(
    ledger: Ledger,
    config: AlertConfig,
    to: Destination,
    *,
    courier: Courier | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Send a test alert to a destination, from here if its address is known here, else by a worker.

    Returns:
        What became of it; still `waiting` where no worker has sent it after a while, or none lives.

    Raises:
        LedgerError: the ledger can't be written.
    """
    test = Alert(
        AlertKind.TEST,
        f"test:{to.name}",
        "Test: alerts arrive here",
        f"Sent to {to.name} by the Marketing Research Swarm dashboard, because somebody asked for it.",
    )
    alert_id = AlertBook(ledger, config).add_test(to, test)
    (courier or Courier(ledger)).deliver(config, read_clock(ledger.engine), alert_id=alert_id)
    log, waited = AlertLog(ledger), 0.0
    patience = _PATIENCE_SECONDS if to.url is not None or WorkerList(ledger).living() else 0.0
    while True:
        told = log.entry(alert_id)
        assert told is not None
        [delivery] = told.deliveries
        if delivery.state in {DeliveryState.SENT, DeliveryState.GIVEN_UP} or waited >= patience:
            return delivery
        pause(_POLL_SECONDS)
        waited += _POLL_SECONDS
