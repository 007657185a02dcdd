"""Budgets at work: each call asks before it is sent, and says what it took when it has ended."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, Self
from uuid import uuid4

from tracking.budgets.most import Most, most
from tracking.budgets.others import Others
from tracking.capture.gate import Asking
from tracking.domain.budget import NOTHING, Amounts, Budget, Span
from tracking.domain.call import LlmCall
from tracking.domain.standing import Crossing, Refusal, Standing
from tracking.errors import BudgetExceeded, LedgerError
from tracking.ledger.accounts import Accounts, Share, Shortage, amounts_of
from tracking.ledger.ledger import Ledger
from tracking.pricing.book import PriceBook

logger = logging.getLogger(__name__)

_BEAT_SECONDS: Final = 2.0
_RECLAIM_SECONDS: Final = 1.0  # between looks for dead processes while a call waits for what they hold
_SHORTEST_WAIT: Final = 0.01
_LONGEST_WAIT: Final = 0.5
_LEDGER_PATIENCE_SECONDS: Final = 30.0
_THREADS: Final = 4  # that ask the database for tasks of event loops


class TokenBudgetManager:
    """Keeps calls within budgets, before they are sent. Safe to use from many threads, tasks and processes.

    Given to `track(…, budget=manager)`, which asks it; one manager may serve several blocks of one run.

    Args:
        budgets: all that a call may count under.
        ledger: where amounts are set aside and booked, shared by everybody who shares the budgets; a URL is
            opened and closed by the manager. None: in memory, for this manager alone.
        run_id: names the period of budgets per run.
        preset: what `preset` of a budget is compared with.
        prices: what calls are priced with before they are made.
        on_crossing: told once, by one of all processes, when a threshold is passed.
        on_wait: told the refusal of a call that waits for a higher limit, and None when it waits no more.
        on_refusal: told of each call that is not made.
    """

    def __init__(
        self,
        budgets: Iterable[Budget],
        *,
        ledger: Ledger | str | None = None,
        run_id: str | None = None,
        preset: str | None = None,
        prices: PriceBook | None = None,
        on_crossing: Callable[[Crossing], object] | None = None,
        on_wait: Callable[[Refusal | None], object] | None = None,
        on_refusal: Callable[[Refusal], object] | None = None,
    ) -> None:
        self.budgets = tuple(budgets)
        self.run_id = run_id or uuid4().hex
        self._preset = preset
        self._prices = prices or PriceBook.load_usable(None)
        self._own_ledger = not isinstance(ledger, Ledger)
        self._ledger = ledger if isinstance(ledger, Ledger) else Ledger.open(ledger or "sqlite://")
        self._accounts = Accounts(self._ledger)
        self._others = Others(self._ledger, self._accounts)
        self._on_crossing = on_crossing or _log_crossing
        self._on_wait = on_wait or _ignore
        self._on_refusal = on_refusal or _ignore
        self._holder = uuid4().hex
        self._asked: dict[str, tuple[Share, ...]] = {}  # calls that have something set aside
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="budget")
        self._closed = threading.Event()
        self._heart: threading.Thread | None = None
        self.refusal: Refusal | None = None  # the last one

    def ask(self, asking: Asking) -> None:
        """Set aside the most that a call can take, waiting for that while calls under way may give it back.

        Raises:
            BudgetExceeded: a budget does not suffice, or can't be asked: the call must not be made.
        """
        for seconds in self._admission(asking):
            time.sleep(seconds)

    async def ask_async(self, asking: Asking) -> None:
        """The same on an event loop: what holds the amounts may be a task of the same loop."""
        admission = self._admission(asking)
        while True:
            step = self._threads.submit(next, admission, None)
            try:
                seconds = await asyncio.wrap_future(step)
            except asyncio.CancelledError:
                if not step.cancel():  # it may be setting something aside just now
                    step.add_done_callback(lambda _: self.withdraw(asking.call_id))
                raise
            if seconds is None:
                return
            await asyncio.sleep(seconds)

    def withdraw(self, call_id: str) -> None:
        """Give back what was set aside for a call that is not made."""
        if (shares := self._forget(call_id)) is not None:
            nothing = [Share(share.budget, share.span, NOTHING) for share in shares]
            self._accounts.settle(call_id, nothing, presumed=False)

    def settle(self, call: LlmCall) -> None:
        """Book what a call took. One whose end was not seen is taken to have used all it could.

        Raises:
            LedgerError: it can't be booked; what was set aside for it stays so until this process ends.
        """
        held = self._forget(call.call_id)
        models = call.request_model, call.billed_model
        covered = self._covering(call.provider_name, models, call.agent_name, call.started_at)
        took = amounts_of(call)
        if held is None:
            amounts = took or Amounts(call.cost.nano_usd or 0, _known_tokens(call), 1)
            shares = [Share(budget, span, amounts) for budget, span in covered]
            if shares and took != NOTHING:
                self._accounts.book(shares)
        else:
            asked = {share.budget.key for share in held}  # of another period, if midnight came meanwhile
            shares = [share if took is None else Share(share.budget, share.span, took) for share in held]
            if took is not None:
                shares += [Share(b, s, took) for b, s in covered if b.key not in asked]
            self._accounts.settle(call.call_id, shares, presumed=took is None)
        self._warn(shares)

    def raise_limit(self, budget: Budget, by: Amounts) -> bool:
        """Add to a budget's limits in its present period, for everybody who shares it.

        Returns:
            False: no call has asked it for anything in that period yet.
        """
        return self._accounts.raise_limit(budget.key, budget.span(datetime.now(UTC), self.run_id).name, by)

    def status(self) -> list[Standing]:
        """How each budget stands in its present period."""
        self._accounts.reclaim()
        now = datetime.now(UTC)
        return self._accounts.standings([(each, each.span(now, self.run_id)) for each in self.budgets])

    def close(self) -> None:
        """Leave. What calls still hold that have not ended yet stays set aside until they have."""
        self._closed.set()
        heart = self._heart
        if heart is not None and not self._asked:
            heart.join(_BEAT_SECONDS)
        if self._own_ledger:
            self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _admission(self, asking: Asking) -> Iterator[float]:
        """Try until the call may be made; between two tries, the seconds to wait."""
        try:
            yield from self._tried(asking)
        except Exception as error:  # whatever is in the way: a limit that can't be kept lets nothing pass
            logger.warning("a budget could not be asked", exc_info=error)
            raise BudgetExceeded(
                f"whether the budget allows it could not be told, so the call was not made: {error}"
            ) from error

    def _tried(self, asking: Asking) -> Iterator[float]:
        wanted, wait = most(asking, self._prices), _Wait()
        while True:
            try:
                refused = self._reserve(asking, wanted)
            except LedgerError:
                if wait.has_no_ledger():
                    raise
                yield _LONGEST_WAIT
                continue
            if refused is None:
                break
            share, refusal, fits_alone = refused
            if wait.looks_for_the_dead() and self._accounts.reclaim():
                continue
            if not fits_alone:
                self._wait_or_refuse(wait, share, refusal)
            yield wait.pause()
        if wait.told is not None:
            self._on_wait(None)

    def _wait_or_refuse(self, wait: _Wait, share: Share, refusal: Refusal) -> None:
        # Nobody can raise a limit so far that a call of an unknown price fits.
        minutes = 0 if refusal.unit is None else share.budget.wait_minutes
        if wait.is_over(60 * minutes):
            self.refusal = refusal
            self._accounts.count_refusal(share)
            if wait.told is not None:
                self._on_wait(None)
            self._on_refusal(refusal)
            raise BudgetExceeded(str(refusal), refusal)
        if wait.told != refusal:
            wait.told = refusal
            self._on_wait(refusal)

    def _reserve(self, asking: Asking, wanted: Most) -> tuple[Share, Refusal, bool] | None:
        """Set aside what the call takes; or say what it does not fit, and whether it would fit alone."""
        shares = []
        covered = self._covering(asking.provider_name, (asking.model,), asking.agent_name, datetime.now(UTC))
        for budget, span in covered:
            amounts = wanted.share_of(budget)
            share = Share(budget, span, amounts or NOTHING)
            if amounts is None:
                return share, Refusal(budget.name, budget.key, span.name, None, why=wanted.why), False
            shares.append(share)
        if not shares:
            return None
        self._live()
        for share in shares:
            self._others.look(share)
        shortage = self._accounts.reserve(asking.call_id, self._holder, self.run_id, shares)
        if shortage is None:
            with self._lock:
                self._asked[asking.call_id] = tuple(shares)
            return None
        return shortage.share, _refusal(shortage), shortage.fits_alone

    def _covering(
        self, provider: str, models: Sequence[str], agent: str | None, at: datetime
    ) -> Sequence[tuple[Budget, Span]]:
        return [
            (budget, budget.span(at, self.run_id))
            for budget in self.budgets
            if budget.covers_preset(self._preset) and budget.covers_call(provider, models, agent)
        ]

    def _warn(self, shares: Sequence[Share]) -> None:
        standings = self._accounts.standings([(share.budget, share.span) for share in shares])
        for share, standing in zip(shares, standings, strict=True):
            passed = [percent for percent in share.budget.warn_at if standing.share * 100 >= percent]
            if passed and self._accounts.warn(share, passed[-1]):
                self._on_crossing(Crossing(passed[-1], standing))

    def _forget(self, call_id: str) -> tuple[Share, ...] | None:
        with self._lock:
            return self._asked.pop(call_id, None)

    def _live(self) -> None:
        """Be in the list of those who may hold something, before anything is held."""
        with self._lock:
            if self._heart is not None:
                return
            self._accounts.beat(self._holder)
            self._heart = threading.Thread(target=self._beat, name="budget heartbeat", daemon=True)
            self._heart.start()

    def _beat(self) -> None:
        """Until nothing is held any more: a stream may end after its block."""
        while not self._closed.wait(_BEAT_SECONDS) or self._asked:
            try:
                self._accounts.beat(self._holder)
            except LedgerError as error:
                logger.warning("a budget's heartbeat could not be written", exc_info=error)
            if self._closed.is_set():
                time.sleep(_BEAT_SECONDS)
        try:
            self._accounts.leave(self._holder)
        except LedgerError as error:
            logger.warning("a budget's holder could not leave", exc_info=error)


class _Wait:
    """How long a call has waited, and for what."""

    def __init__(self) -> None:
        self.told: Refusal | None = None  # what somebody could undo
        self._pause = _SHORTEST_WAIT
        self._began: float | None = None
        self._looked = float("-inf")
        self._no_ledger_since: float | None = None

    def has_no_ledger(self) -> bool:
        """Whether the database has been away for too long."""
        self._no_ledger_since = self._no_ledger_since or time.monotonic()
        return time.monotonic() - self._no_ledger_since > _LEDGER_PATIENCE_SECONDS

    def looks_for_the_dead(self) -> bool:
        self._no_ledger_since = None
        if (now := time.monotonic()) - self._looked < _RECLAIM_SECONDS:
            return False
        self._looked = now
        return True

    def is_over(self, seconds: float) -> bool:
        """Whether nobody raised the limit in time, counted from when this was first asked."""
        self._began = self._began or time.monotonic()
        return time.monotonic() - self._began >= seconds

    def pause(self) -> float:
        """Seconds until the next try: few at first, for most calls are short."""
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_WAIT)
        return pause


def _refusal(shortage: Shortage) -> Refusal:
    share, standing, unit = shortage.share, shortage.standing, shortage.unit
    return Refusal(
        budget=share.budget.name,
        key=share.budget.key,
        period=share.span.name,
        unit=unit,
        limit=standing.limits[unit],
        spent=standing.spent.of(unit),
        reserved=standing.reserved.of(unit),
        asked=share.amounts.of(unit),
    )


def _known_tokens(call: LlmCall) -> int:
    return 0 if call.usage is None else call.usage.total_tokens or 0


def _log_crossing(crossing: Crossing) -> None:
    logger.warning("%s", crossing)


def _ignore(_: object) -> None:
    return
