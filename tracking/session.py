"""`track()`: the block in which every model call is kept. The one place where capture meets the ledger."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tracking.budgets.manager import TokenBudgetManager
from tracking.capture import scope, taps
from tracking.capture.evidence import evidence
from tracking.capture.readings import crew_reading, result_reading
from tracking.capture.tracker import Tracker
from tracking.domain.budget import Budget
from tracking.domain.call import LlmCall
from tracking.domain.cost import Cost
from tracking.domain.reading import TokenMetrics
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import Run, RunState
from tracking.errors import BudgetExceeded, LedgerError
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.ledger.under_way import telling
from tracking.pricing.book import PriceBook

_BEAT_SECONDS = 1.0


@contextmanager
def track(
    name: str = "run",
    *,
    ledger: str | None = None,
    run_id: str | None = None,
    prices: str | Path | None = None,
    budget: Budget | Iterable[Budget] | TokenBudgetManager | None = None,
) -> Iterator[Tracker]:
    """Record every LLM call made inside the block, at once, and nothing of what was said.

    Blocks nest (the outer one sees the inner one's calls too) and may run concurrently in threads and
    tasks. A failure of the tracking itself is counted in `tracker.lost` and never raised into the block.

    Args:
        name: what the run is called.
        ledger: a `sqlite:///` or `postgresql://` URL; None keeps the calls in memory only.
        run_id: a run that is in the ledger already, and whose state somebody else keeps.
        prices: a file of your own prices, as config/prices.toml is one. If it can't be used, the calls are
            priced without it, and `tracker.notes` says why.
        budget: what the block's calls may use. A call that does not fit is not sent: `BudgetExceeded` is
            raised in its place. Programs that share a budget name the same `ledger`.

    Raises:
        LedgerError: the ledger can't be opened; nothing has run yet.
        BudgetExceeded: from a call in the block that does not fit the budget; it was not sent.
    """
    with ExitStack() as stack:
        opened = Ledger.open(ledger) if ledger is not None else None
        book = PriceBook.load_usable(prices)
        tracker = Tracker(
            name,
            price=price_with(book),
            sink=None if opened is None else opened.append,
            source=None if opened is None else calls_in(opened),
            run_id=run_id,
            parent=scope.current_tracker.get(),
        )
        if book.problem is not None:
            tracker.note(f"your own prices are left out: {book.problem}")
        if opened is not None:
            stack.callback(_settle, tracker, opened)
        if budget is not None:
            tracker.gate = stack.enter_context(_gate(budget, opened, book, tracker))
        if opened is not None and run_id is None:
            stack.enter_context(_run_of_its_own(tracker, opened))
        taps.install()
        scope.opened(tracker)
        stack.callback(scope.closed, tracker)
        stack.enter_context(scope.entered(tracker))
        stack.callback(scope.settle)
        yield tracker


def parse_token_metrics(
    tracker: Tracker | None, crew_metrics: object = None, result: object = None
) -> TokenMetrics:
    """The figures to show, from crewai's own where the calls confirm them.

    Args:
        tracker: the block the crew ran in; None: tracking was off, nothing can be verified.
        crew_metrics: `crew.usage_metrics`, as object or dict, or the crew.
        result: what `kickoff()` returned.
    """
    readings = (crew_reading(crew_metrics), result_reading(result))
    if tracker is None:
        return reconcile(readings, None)
    scope.settle()
    return reconcile(readings, tracker.totals, tracker.facts)


@contextmanager
def _gate(
    budget: Budget | Iterable[Budget] | TokenBudgetManager,
    ledger: Ledger | None,
    prices: PriceBook,
    tracker: Tracker,
) -> Iterator[TokenBudgetManager]:
    if isinstance(budget, TokenBudgetManager):
        yield budget  # whoever made it closes it
        return
    budgets = (budget,) if isinstance(budget, Budget) else budget
    with TokenBudgetManager(
        budgets,
        ledger=ledger,
        run_id=tracker.run_id,
        prices=prices,
        on_crossing=lambda crossing: tracker.note(str(crossing)),
        on_refusal=lambda refusal: tracker.note(str(refusal)),
    ) as manager:
        yield manager


@contextmanager
def beating(beat: Callable[[], object]) -> Iterator[None]:
    """Call `beat` every second, on a thread, until the block ends: the sign that this process lives."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(_BEAT_SECONDS):
            beat()

    thread = threading.Thread(target=go_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _settle(tracker: Tracker, ledger: Ledger) -> None:
    """See the calls into the database. Those that it will not take now are kept for the next one."""
    try:
        ledger.flush()
        for _ in range(ledger.rejected):
            tracker.failed(LedgerError("the ledger would not have a call"))
    except Exception as error:  # noqa: BLE001  # the crew is done; nothing of ours may be raised into it
        tracker.waiting = ledger.waiting
        tracker.failed(error, lost=False)
    try:
        ledger.close()
    except LedgerError as error:
        tracker.failed(error, lost=False)


@contextmanager
def _run_of_its_own(tracker: Tracker, ledger: Ledger) -> Iterator[None]:
    book = RunBook(ledger)
    book.add(Run(run_id=tracker.run_id, name=tracker.name, created_at=datetime.now(UTC)))
    book.start(tracker.run_id, pid=os.getpid())

    def beat(tell: Callable[[], None]) -> None:
        try:
            book.beat(tracker.run_id)
            tell()
        except Exception as error:  # noqa: BLE001  # a ledger that is gone must not end the crew
            tracker.failed(error, lost=False)

    def end(state: RunState, **changes: Any) -> None:
        try:
            metrics = parse_token_metrics(tracker, tracker.crew)
            book.finish(
                tracker.run_id,
                state,
                readings={"metrics": metrics.to_json()},
                evidence=evidence(tracker, tracker.crew),
                **changes,
            )
        except Exception as error:  # noqa: BLE001  # as above
            tracker.failed(error, lost=False)

    with telling(ledger, tracker.run_id, tracker.under_way) as tell, beating(lambda: beat(tell)):
        try:
            yield
        except BudgetExceeded as error:
            end(RunState.STOPPED, stop_reason=f"budget: {error}")
            raise
        except BaseException as error:
            end(RunState.FAILED, error={"type": type(error).__name__, "message": "", "traceback": ""})
            raise
    end(RunState.COMPLETED)


def calls_in(ledger: Ledger) -> Callable[[tuple[str, ...]], Iterator[LlmCall]]:
    return lambda run_ids: ledger.calls(run_id=run_ids)


def price_with(book: PriceBook) -> Callable[[LlmCall], Cost]:
    """Price by the model that answered; where no list knows that one, by the model that was asked."""

    def price(call: LlmCall) -> Cost:
        cost = _price(book, call, call.billed_model)
        if cost.nano_usd is not None or call.usage is None or call.billed_model == call.request_model:
            return cost
        asked = _price(book, call, call.request_model)
        if asked.nano_usd is None or asked.receipt is None:
            return cost
        note = f"{call.response_model} answered, which is in no price list: priced as what was asked for"
        notes = "; ".join(filter(None, (asked.receipt.note, note)))
        return replace(asked, receipt=replace(asked.receipt, note=notes))

    return price


def _price(book: PriceBook, call: LlmCall, model: str) -> Cost:
    return book.price(
        model, call.usage, provider=call.provider_name, at=call.started_at, service_tier=call.service_tier
    )
