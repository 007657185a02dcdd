"""Budgets at work: each call asks before it is sent, and says what it took when it has ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import uuid4

from tracking.budgets.most import Most, most
from tracking.budgets.others import Others
from tracking.budgets.wait import Wait
from tracking.capture.bounds import Bounds, bounds
from tracking.capture.gate import Asking
from tracking.domain.budget import ANY, NOTHING, Amounts, Budget, Span, Unit
from tracking.domain.call import LlmCall
from tracking.domain.standing import Crossing, Refusal, Standing
from tracking.errors import BudgetExceeded, ConfigError, LedgerError
from tracking.ledger.accounts import Accounts, Share, Shortage, seen_of, taken
from tracking.ledger.ledger import Ledger
from tracking.pricing.book import PriceBook

logger = logging.getLogger(__name__)

_BEAT_SECONDS: Final = 2.0
_THREADS: Final = 4  # that ask the database for tasks of event loops


@dataclass(frozen=True, slots=True)
class _Held:
    """What a call has set aside. `by`: the event loop or thread that made it, which may wait for itself."""

    shares: tuple[Share, ...]
    by: int


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

    Raises:
        ConfigError: two budgets would share an account, or one is of a preset and `preset` is not given.
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
        self.budgets = _checked(budgets, preset)
        self.run_id = run_id or uuid4().hex
        self._preset = preset
        self._prices = prices or PriceBook.load_usable(None)
        self._ends_ledger = isinstance(ledger, str)  # one in memory ends with the last who uses it
        self._ledger = ledger if isinstance(ledger, Ledger) else Ledger.open(ledger or "sqlite://")
        self._accounts = Accounts(self._ledger)
        self._others = Others(self._ledger, self._accounts)
        self._on_crossing = on_crossing or _log_crossing
        self._on_wait = on_wait or _ignore
        self._on_refusal = on_refusal or _ignore
        self._holder = uuid4().hex
        self._asked: dict[str, _Held] = {}  # by call
        self._unsettled: dict[str, tuple[tuple[Share, ...], Amounts]] = {}  # calls that ended meanwhile
        self._names: dict[str, frozenset[str]] = {}  # by the model asked for, which ones answer
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
        with contextlib.closing(self._admission(asking, _here(), blocks=True)) as admission:
            for seconds in admission:
                time.sleep(seconds)

    async def ask_async(self, asking: Asking) -> None:
        """The same on an event loop: what holds the amounts may be a task of the same loop."""
        admission = self._admission(asking, _here(), blocks=False)
        while True:
            step = self._threads.submit(next, admission, None)
            try:
                seconds = await asyncio.wrap_future(step)
                if seconds is None:
                    return
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                # It may be setting something aside just now; whoever asked gives back what it has by then.
                step.add_done_callback(lambda _: self._cancelled(asking.call_id, admission))
                raise

    def _cancelled(self, call_id: str, admission: Generator[float]) -> None:
        admission.close()
        try:
            self.withdraw(call_id)
        except LedgerError as error:
            logger.warning("what a cancelled call had set aside could not be given back", exc_info=error)

    def withdraw(self, call_id: str) -> None:
        """Give back what was set aside for a call that is not made; of any other it changes nothing.

        Raises:
            LedgerError: it can't be given back now; it is tried again.
        """
        if (held := self._forget(call_id)) is not None:
            nothing = [Share(share.budget, share.span, NOTHING) for share in held.shares]
            self._settle(call_id, nothing, NOTHING)

    def settle(self, call: LlmCall) -> None:
        """Book what a call took. One whose end was not seen is taken to have used all it could.

        Raises:
            LedgerError: it can't be booked now; it is tried again.
        """
        held = self._forget(call.call_id)
        models = {call.request_model, call.billed_model}
        with self._lock:
            self._names[call.request_model] = self._names.get(call.request_model, frozenset()) | models
        covered = self._covering(call.provider_name, models, call.agent_name, call.started_at)
        keys = {budget.key for budget, _ in covered}
        asked = {} if held is None else {share.budget.key: share for share in held.shares}
        # What was set aside because the agent was not known yet is given back where it was another's.
        shares = [
            Share(each.budget, each.span, taken(call, each.amounts) if key in keys else NOTHING)
            for key, each in asked.items()
        ]
        shares += [Share(b, span, taken(call, seen_of(call))) for b, span in covered if b.key not in asked]
        if held is not None:
            self._settle(call.call_id, shares, seen_of(call))
        elif any(share.amounts != NOTHING for share in shares):
            self._accounts.book(shares, seen_of(call))
        self._warn([share for share in shares if share.budget.key in keys])

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
        if self._heart is not None and not self._asked:
            self._heart.join(_BEAT_SECONDS)
        self._threads.shutdown(wait=False)
        if self._ends_ledger and not self._asked:
            self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _admission(self, asking: Asking, here: int, *, blocks: bool) -> Generator[float]:
        """Try until the call may be made; between two tries, the seconds to wait."""
        wait = Wait()
        try:
            yield from self._tried(asking, here, wait, blocks=blocks)
        except Exception as error:  # whatever is in the way: a limit that can't be kept lets nothing pass
            logger.warning("a budget could not be asked", exc_info=error)
            raise BudgetExceeded(
                f"whether the budget allows it could not be told, so the call was not made: {error}"
            ) from error
        finally:
            if wait.told is not None:
                self._tell(self._on_wait, None)

    def _tried(self, asking: Asking, here: int, wait: Wait, *, blocks: bool) -> Generator[float]:
        found: Bounds | None = None
        while True:
            try:
                covered = self._covered_by(asking)
                if found is None and any(_needs_bounds(budget) for budget, _ in covered):
                    found = bounds(asking.body, asking.operation_name)
                refused = self._reserve(asking, covered, found, here)
            except LedgerError:
                if wait.has_no_ledger():
                    raise
                yield wait.pause()
                continue
            if refused is None:
                return
            share, refusal, fits_alone = refused
            if wait.looks_for_the_dead() and self._accounts.reclaim():
                continue
            if fits_alone and blocks and self._waits_for_itself(share, refusal, here):
                fits_alone = False
            self._wait_or_refuse(wait, share, refusal, fits_alone=fits_alone)
            yield wait.pause()

    def _wait_or_refuse(self, wait: Wait, share: Share, refusal: Refusal, *, fits_alone: bool) -> None:
        if not fits_alone:
            # Nobody can raise a limit so far that a call of an unknown price fits.
            minutes = 0 if refusal.unit is None else share.budget.wait_minutes
            if wait.is_over(60 * minutes):
                self.refusal = refusal
                self._tell(lambda _: self._accounts.count_refusal(share), refusal)
                self._tell(self._on_refusal, refusal)
                raise BudgetExceeded(str(refusal), refusal)
        if wait.told != refusal and (not fits_alone or wait.is_long):
            wait.told = refusal
            self._tell(self._on_wait, refusal)

    def _reserve(
        self, asking: Asking, covered: Sequence[tuple[Budget, Span]], found: Bounds | None, here: int
    ) -> tuple[Share, Refusal, bool] | None:
        """Set aside what the call takes; or say what it does not fit, and whether it would fit alone."""
        if not covered:
            return None
        wanted = Most(0, 0)
        if found is not None:  # by the prices of now: it may have waited for hours
            wanted = most(asking, found, self._prices, datetime.now(UTC))
        shares = []
        for budget, span in covered:
            amounts = wanted.share_of(budget)
            share = Share(budget, span, amounts or NOTHING)
            if amounts is None:
                return share, Refusal(budget.name, budget.key, span.name, None, why=wanted.why), False
            shares.append(share)
        self._live()
        for share in shares:
            self._others.look(share)
        with self._lock:  # first: interrupted after the transaction, it could not be given back
            self._asked[asking.call_id] = _Held(tuple(shares), here)
        shortage = self._accounts.reserve(asking.call_id, self._holder, self.run_id, shares)
        if shortage is None:
            return None
        self._forget(asking.call_id)
        return shortage.share, _refusal(shortage), shortage.fits_alone

    def _waits_for_itself(self, share: Share, refusal: Refusal, here: int) -> bool:
        """Whether what is in the way is held by calls of the very thread or loop that would wait."""
        if refusal.unit is None:
            return False
        with self._lock:
            own = [each for held in self._asked.values() if held.by == here for each in held.shares]
        mine = sum(each.amounts.of(refusal.unit) for each in own if each.place == share.place)
        return refusal.spent + mine + refusal.asked > refusal.limit

    def _covered_by(self, asking: Asking) -> Sequence[tuple[Budget, Span]]:
        with self._lock:
            answering = self._names.get(asking.model, frozenset())
        models = {asking.model, *answering}
        agent = asking.agent_name if asking.agent_is_known else ANY
        return self._covering(asking.provider_name, models, agent, datetime.now(UTC))

    def _covering(
        self, provider: str, models: Iterable[str], agent: str | None, at: datetime
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
                self._tell(self._on_crossing, Crossing(passed[-1], standing))

    def _settle(self, call_id: str, shares: Sequence[Share], seen: Amounts) -> None:
        try:
            self._accounts.settle(call_id, self._holder, shares, seen)
        except LedgerError:
            with self._lock:
                self._unsettled[call_id] = (tuple(shares), seen)
            raise

    def _settle_again(self) -> None:
        with self._lock:
            waiting = dict(self._unsettled)
        for call_id, (shares, seen) in waiting.items():
            self._accounts.settle(call_id, self._holder, shares, seen)
            with self._lock:
                self._unsettled.pop(call_id, None)

    def _tell(self, whom: Callable[[Any], object], what: object) -> None:
        """Whoever is told may fail: that is no reason to make a call, nor not to."""
        try:
            whom(what)
        except Exception as error:  # see above
            logger.warning("a budget's news could not be told", exc_info=error)

    def _forget(self, call_id: str) -> _Held | None:
        with self._lock:
            return self._asked.pop(call_id, None)

    def _live(self) -> None:
        """Be in the list of those who may hold something, before anything is held."""
        with self._lock:
            if self._heart is not None and self._heart.is_alive():
                return
            self._closed.clear()  # a call that comes after the end is a call all the same
            self._accounts.beat(self._holder)
            self._heart = threading.Thread(target=self._beat, name="budget heartbeat", daemon=True)
            self._heart.start()

    def _beat(self) -> None:
        """Until nothing is held any more: a stream may end after its block."""
        while not self._closed.wait(_BEAT_SECONDS) or self._asked or self._unsettled:
            try:
                self._accounts.beat(self._holder)
                self._settle_again()
            except LedgerError as error:
                logger.warning("a budget's heartbeat could not be written", exc_info=error)
            if self._closed.is_set():
                time.sleep(_BEAT_SECONDS)
        try:
            self._accounts.leave(self._holder)
        except LedgerError as error:
            logger.warning("a budget's holder could not leave", exc_info=error)


def _checked(budgets: Iterable[Budget], preset: str | None) -> tuple[Budget, ...]:
    found = tuple(budgets)
    for number, budget in enumerate(found):
        if any(budget.key == other.key for other in found[:number]):
            raise ConfigError(
                f"two budgets are named {budget.name!r} and mean the same calls: name them, or make them one"
            )
        if budget.preset is not None and preset is None:
            raise ConfigError(
                f"budget {budget.name!r} is of a preset, and nobody says of which preset this run is"
            )
    return found


def _needs_bounds(budget: Budget) -> bool:
    """Whether it matters how much a call may take, and not only that it is one."""
    return not budget.limits.keys() <= {Unit.CALLS}


def _here() -> int:
    """What would wait if this waited: the event loop that runs here, or else the thread."""
    try:
        return id(asyncio.get_running_loop())
    except RuntimeError:
        return threading.get_ident()


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


def _log_crossing(crossing: Crossing) -> None:
    logger.warning("%s", crossing)


def _ignore(_: object) -> None:
    return
