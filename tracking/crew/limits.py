"""The budgets that a run keeps to: its own and those that all share; and who is told of them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from tracking.alerts.book import AlertBook
from tracking.budgets.book import in_force
from tracking.budgets.manager import TokenBudgetManager
from tracking.domain.alert import Alert, AlertKind
from tracking.domain.budget import Budget
from tracking.domain.run import Run
from tracking.domain.spec import RunSpec
from tracking.domain.standing import Crossing, Refusal
from tracking.errors import BudgetExceeded
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.pricing.book import PriceBook
from tracking.settings import Settings

logger = logging.getLogger(__name__)


def budgets_of(settings: Settings, ledger: Ledger, run: Run) -> list[Budget]:
    """Every budget that the run's calls may count under. Each waits as long as the run may.

    Raises:
        ConfigError: config/budgets.toml can't be used. The run must not go on as if there were none.
    """
    spec = RunSpec.from_json(run.spec)
    own = spec.settings.budget
    shared = [budget for budget in in_force(settings, ledger) if budget.covers_preset(spec.preset)]
    # Nobody watches a batch: what doesn't fit ends the run.
    wait = 0 if run.batch_id is not None else spec.settings.budget_wait_minutes
    found = [*([] if own is None else [own]), *shared]
    return [dataclasses.replace(each, wait_minutes=max(wait, each.wait_minutes)) for each in found]


def gate_of(settings: Settings, ledger: Ledger, book: RunBook, run: Run) -> TokenBudgetManager | None:
    """What the run's calls have to pass; None: it has no budget.

    Raises:
        BudgetExceeded: it has one and is not tracked: nobody would see what it spends.
        ConfigError: see `budgets_of`.
    """
    spec, budgets = RunSpec.from_json(run.spec), budgets_of(settings, ledger, run)
    if not budgets:
        return None
    if not spec.settings.track_tokens:
        names = ", ".join(repr(budget.name) for budget in budgets)
        raise BudgetExceeded(f"nobody can keep to budget {names} without token tracking: switch it on")
    news = _News(ledger, book, run)
    return TokenBudgetManager(
        budgets,
        ledger=ledger,
        run_id=run.run_id,
        preset=spec.preset,
        prices=PriceBook.load_usable(settings.price_overrides),
        on_crossing=news.crossed,
        on_wait=news.waits,
        on_refusal=news.refused,
    )


class _News:
    """Tells the run's log, its page and the alerts of it. Whatever fails here is no reason to stop a crew."""

    def __init__(self, ledger: Ledger, book: RunBook, run: Run) -> None:
        self._alerts = AlertBook(ledger)
        self._book = book
        self._run = run

    def crossed(self, crossing: Crossing) -> None:
        account = f"{crossing.standing.budget.key}:{crossing.standing.span.name}"
        alert = self._alert(AlertKind.BUDGET_THRESHOLD, f"{account}:{crossing.percent}", str(crossing))
        self._try(lambda: self._book.log(self._run.run_id, "warning", str(crossing)))
        self._try(lambda: self._alerts.add(alert))

    def waits(self, refusal: Refusal | None) -> None:
        self._try(
            lambda: self._book.wait_for_budget(
                self._run.run_id, None if refusal is None else refusal.to_json()
            )
        )
        if refusal is not None:
            self._tell(refusal, "waits for a higher limit")

    def refused(self, refusal: Refusal) -> None:
        self._try(lambda: self._book.log(self._run.run_id, "error", str(refusal)))
        self._tell(refusal, "was stopped")

    def _tell(self, refusal: Refusal, what: str) -> None:
        title = f"{self._run.name} {what}: budget {refusal.budget!r} does not suffice"
        key = f"{refusal.key}:{refusal.period}:{self._run.run_id}:{what}"
        alert = self._alert(AlertKind.BUDGET_REFUSED, key, title, str(refusal))
        self._try(lambda: self._alerts.add(alert))

    def _alert(self, kind: AlertKind, key: str, title: str, body: str = "") -> Alert:
        one_line = " ".join(title.split())
        return Alert(kind=kind, key=f"budget:{key}", title=one_line, body=body, run_id=self._run.run_id)

    def _try(self, tell: Callable[[], object]) -> None:
        try:
            tell()
        except Exception as error:  # see above
            logger.warning("a budget's news could not be told", exc_info=error)
