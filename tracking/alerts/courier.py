"""Tells everybody what they are due to be told."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from typing import Final

from tracking.alerts.deliveries import Deliveries, Due
from tracking.alerts.destinations import AlertConfig, Destination
from tracking.alerts.post import Message, post
from tracking.alerts.retry import MOST_ATTEMPTS, wait_after
from tracking.alerts.wording import message_of
from tracking.domain.alert import AlertKind, DeliveryState
from tracking.ledger.ledger import Ledger

logger = logging.getLogger(__name__)

_IN_ONE_MESSAGE: Final = 20  # alerts; services cut off or refuse what is long
_ROUND: Final = 5  # messages to one destination: together they take less than the lease, see `deliveries`
_AT_ONCE: Final = 32  # destinations: one that hangs does not keep the others waiting
_PATIENCE: Final = timedelta(days=1)  # with a variable that no worker has
_UNTRIED: Final = "a message before it did not arrive"


class Courier:
    """Sends what is due. Any number of them may work on one ledger.

    `send` takes an address and a message, and returns what went wrong; `chance` spreads the attempts.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        send: Callable[[str, Message], str | None] = post,
        chance: Random | None = None,
    ) -> None:
        self._deliveries = Deliveries(ledger)
        self._send = send
        self._chance = Random() if chance is None else chance  # noqa: S311  # it spreads, it hides nothing

    def deliver(self, config: AlertConfig, now: datetime, *, alert_id: int | None = None) -> int:
        """Tell what is due at `now`, or of it one alert alone. Returns how many messages were tried.

        Raises:
            LedgerError: the ledger can't be read or written. What was due stays due.
        """
        groups: dict[str, list[Due]] = defaultdict(list)
        for due in self._deliveries.due(now, alert_id):
            groups[due.destination].append(due)
        if not groups:
            return 0
        with ThreadPoolExecutor(min(len(groups), _AT_ONCE), thread_name_prefix="alerts") as pool:
            tried = [pool.submit(self._tell, config, name, group, now) for name, group in groups.items()]
        return sum(each.result() for each in tried)

    def _tell(self, config: AlertConfig, name: str, group: list[Due], now: datetime) -> int:
        to = config.destination(name)
        if to is None:
            self._give_up(group, now, f"there is no destination {name} in config/alerts.toml any more")
            return 0
        url = to.url
        if url is None:  # another worker may know it
            old = [due for due in group if now - due.at > _PATIENCE]
            self._give_up(old, now, f"no worker has the variable {to.url_from}")
            return 0
        ready = self._after_quiet(to, group, now)
        tests = [due for due in ready if due.alert.kind is AlertKind.TEST]
        news = [due for due in ready if due.alert.kind is not AlertKind.TEST]
        parts = [[test] for test in tests]
        parts += [news[at : at + _IN_ONE_MESSAGE] for at in range(0, len(news), _IN_ONE_MESSAGE)]
        for number, part in enumerate(parts[:_ROUND]):
            if not self._send_one(config, to, url, part, now):
                self._postpone([due for rest in parts[number + 1 :] for due in rest], now)
                return number + 1
        return len(parts[:_ROUND])

    def _after_quiet(self, to: Destination, group: list[Due], now: datetime) -> list[Due]:
        """Those that may be told now; the others wait until the quiet hours end."""
        until = None if to.quiet is None else to.quiet.until(now)
        if until is None:
            return group
        urgent = to.urgent | {AlertKind.TEST}
        for due in group:
            if due.alert.kind not in urgent:
                self._deliveries.wait(due, until)
        return [due for due in group if due.alert.kind in urgent]

    def _send_one(
        self, config: AlertConfig, to: Destination, url: str, part: Sequence[Due], now: datetime
    ) -> bool:
        """False: it could not be sent."""
        claimed = self._deliveries.claim(part, now)
        if not claimed:
            return True
        problem = self._send(url, message_of(claimed, to, config))
        for due in claimed:
            if problem is None:
                self._deliveries.end(due, DeliveryState.SENT, now)
            elif due.attempts >= MOST_ATTEMPTS or due.alert.kind is AlertKind.TEST:
                self._deliveries.end(due, DeliveryState.GIVEN_UP, now, problem)
            else:
                self._deliveries.wait(due, now + wait_after(due.attempts, self._chance), problem)
        if problem is not None:
            logger.warning("%s could not be told: %s", to.name, problem)
        return problem is None

    def _postpone(self, rest: list[Due], now: datetime) -> None:
        """Where one message did not arrive, others would not either; they were not tried."""
        for due in rest:
            self._deliveries.wait(due, now + wait_after(1, self._chance), _UNTRIED)

    def _give_up(self, group: list[Due], now: datetime, problem: str) -> None:
        for due in group:
            self._deliveries.end(due, DeliveryState.GIVEN_UP, now, problem)
