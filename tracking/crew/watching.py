"""What a worker does about alerts: looking at runs that have ended, and telling people."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import Final

from tracking.alerts.book import AlertBook
from tracking.alerts.courier import Courier
from tracking.alerts.destinations import AlertConfig, load_alert_config
from tracking.crew.run_news import news_of
from tracking.domain.run import Run
from tracking.errors import ConfigError, LedgerError
from tracking.ledger.clock import read_clock
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.ledger.workers import WorkerList
from tracking.settings import Settings

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 2.0
_LEAVE_SECONDS: Final = 5.0
# A run that ended while no worker lived is looked at when one comes, unless that is long ago: it is old news.
_OLD: Final = timedelta(hours=1)
# An end is written down after the time that it bears, and some bear that of another computer's clock.
_OVERLAP: Final = timedelta(minutes=10)


class Watch:
    """A thread of its own: neither a crew nor the worker waits for it.

    Runs are looked at wherever they ended, by one worker at a time. Another one may look at the same again
    when it takes over: an alert is added once, by its key.
    """

    def __init__(self, settings: Settings, ledger: Ledger, worker_id: str) -> None:
        self._settings = settings
        self._ledger = ledger
        self._worker_id = worker_id
        self._courier = Courier(ledger)
        self._since: datetime | None = None
        self._seen: set[str] = set()
        self._problem = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End soon, after a last look. What is still being sent then is sent again by another worker."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(_LEAVE_SECONDS)

    def look(self, config: AlertConfig, now: datetime) -> None:
        """Add the alerts of runs that ended since the last look, if it is this worker that looks.

        Raises:
            LedgerError: the ledger can't be read or written; the next look sees the same runs.
        """
        if [w.worker_id for w in WorkerList(self._ledger).living()][:1] != [self._worker_id]:
            self._since = None
            return
        since = now - min(_OLD, config.repeat_after) if self._since is None else self._since
        book, ended = AlertBook(self._ledger, config), RunBook(self._ledger).ended(since)
        for run_id in ended:
            run = None if run_id in self._seen else self._ledger.run(run_id)
            if run is not None:
                self._tell_of(run, book)
        self._seen, self._since = set(ended), now - _OVERLAP

    def _tell_of(self, run: Run, book: AlertBook) -> None:
        try:
            for alert in news_of(self._ledger, run):
                book.add(alert)
        except LedgerError:
            raise
        except Exception:  # one run that nobody foresaw must not keep all others from being told of
            logger.exception("run %s could not be looked at", run.run_id)

    def _work(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self._once(deliver=True)
        self._once(deliver=False)

    def _once(self, *, deliver: bool) -> None:
        try:
            config = self._config()
            if config is None:
                return
            self.look(config, read_clock(self._ledger.engine))
            if deliver:
                self._courier.deliver(config, read_clock(self._ledger.engine))
        except Exception:  # a ledger that is away for a moment must not end the worker
            logger.exception("the worker could not look after alerts")

    def _config(self) -> AlertConfig | None:
        """None: it can't be used. That is said once; runs are looked at when it can."""
        try:
            config = load_alert_config(self._settings)
        except ConfigError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                logger.warning("nobody is told of alerts: %s", error)
            return None
        self._problem = ""
        return config
