"""The tracker: takes every call that is seen, prices it, keeps it, and never disturbs the crew."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from time import time_ns
from typing import Protocol
from uuid import uuid4

from tracking.capture import support
from tracking.capture.gate import Gate
from tracking.domain.call import CallTotals, LlmCall, totals
from tracking.domain.cost import Cost, CostState
from tracking.domain.reading import CrewFacts, TokenMetrics, Uncounted
from tracking.domain.reconciliation import reconcile
from tracking.domain.under_way import CallUnderWay
from tracking.domain.usage import TokenUsage, UsageState

logger = logging.getLogger(__name__)

Price = Callable[[LlmCall], Cost]
Sink = Callable[[LlmCall], None]
Source = Callable[
    [tuple[str, ...]], Iterable[LlmCall]
]  # the calls of these runs, from where the sink put them

_MOST_HELD = 2_000


class Sent(Protocol):
    """A request under way."""

    def under_way(self) -> CallUnderWay:
        """What is known of it now."""

    def give_up(self) -> None:
        """Record it as one whose end was never seen."""


class Tracker:
    """The calls of one `track()` block. Made by `track()`, not by hand.

    Attributes:
        name: the block's name, the workflow of calls that are made outside any crew.
        run_id: names the run in the ledger.
        parent: the block around this one; it sees this one's calls too.
        gate: lets its calls pass or refuses them; None: all pass.
        guards: what else must let them pass; they are asked first.
        lost: how many calls could not be written or read; they may be missing from `calls`.
        waiting: how many calls are kept on disk only, because the ledger could not be written at the block's
            end; the next program that opens it brings them in.
        unattributed_requests: billed requests made meanwhile that are this block's or another's: their
            context was lost, and several blocks were open. They are in the ledger under no run.
        errors: what went wrong while collecting, by the exception's name; never what was said.
    """

    def __init__(
        self,
        name: str,
        *,
        price: Price,
        sink: Sink | None = None,
        source: Source | None = None,
        run_id: str | None = None,
        parent: Tracker | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.name = name
        self.run_id = run_id or uuid4().hex
        self.parent = parent
        self.gate = gate
        self.guards: list[Gate] = []
        self.lost = 0
        self.waiting = 0
        self.unattributed_requests = 0
        self._notes: list[str] = []
        self.errors: list[str] = []
        self.crew: object = None  # the last crew that ended in this block
        self.crew_facts: CrewFacts | None = None
        # what each LLM object's own counter said when its first crew began, by the object's id
        self.counters_before: dict[int, int] = {}
        # tokens that a crew's counters leave out unless the LLM object (its id, 0: none) is one of the crew's
        self.beside: Counter[tuple[Uncounted, int]] = Counter()
        self.price = price
        self.sink = sink
        self._source = source
        self._calls: dict[str, LlmCall] = {}
        self._laid_aside: CallTotals | None = None  # of calls that are in the ledger only
        self._run_ids = {self.run_id}
        self._asked: set[str | None] = set()  # agents with a call
        self._worked: set[str] = set()  # agents that came to the end of something
        self._open: set[Sent] = set()
        self._lock = threading.Lock()

    @property
    def untracked(self) -> list[str]:
        """Agents that worked without any model call that could be seen: theirs are not in `calls`."""
        with self._lock:
            return sorted(self._worked - self._asked)

    @property
    def notes(self) -> list[str]:
        """What to know of how the figures were come by, in sentences; most often nothing."""
        return [*self._notes, *([note] if (note := support.note()) is not None else [])]

    def note(self, sentence: str) -> None:
        """Add to `notes`. The caller sees to it that it holds nothing that was said."""
        self._notes.append(sentence)

    @property
    def calls(self) -> list[LlmCall]:
        """Every call so far, in the order in which they were sent."""
        with self._lock:
            held, run_ids, complete = dict(self._calls), tuple(self._run_ids), self._laid_aside is None
        if not complete and self._source is not None:
            held = {call.call_id: call for call in self._source(run_ids)} | held
        return sorted(held.values(), key=lambda call: (call.started_at, call.call_id))

    @property
    def facts(self) -> CrewFacts:
        """What is known beside the calls: of the last crew's counters, and of what could not be seen."""
        return dataclasses.replace(
            self.crew_facts or CrewFacts(),
            untracked=tuple(self.untracked),
            unattributed_requests=self.unattributed_requests,
        )

    @property
    def totals(self) -> CallTotals:
        with self._lock:
            held = totals(self._calls.values())
            return held if self._laid_aside is None else self._laid_aside + held

    @property
    def usage(self) -> TokenUsage:
        """The known counts added up. How many calls are not in it: `totals.unknown_requests`."""
        return self.totals.usage

    @property
    def cost(self) -> Cost:
        return self.totals.cost

    @property
    def requests(self) -> int:
        """Billed requests, a provider's refusals (429, 500 ...) not among them."""
        return self.totals.requests

    def get_metrics(self) -> TokenMetrics:
        """The figures of the calls so far, from the calls alone."""
        return reconcile((), self.totals, self.facts)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What its calls must pass: its own budgets, and those of the blocks around."""
        around = () if self.parent is None else self.parent.gates
        own = self.guards if self.gate is None else (*self.guards, self.gate)
        return (*(gate for gate in own if gate not in around), *around)

    def record(self, call: LlmCall) -> None:
        """Price a call and keep it. Never raises: one that can't be written is kept in memory and counted."""
        try:
            priced = call.priced(self._cost(call))
        except Exception as error:  # noqa: BLE001  # whatever the price list does, the call is kept
            self.failed(error, lost=False)
            priced = call
        # First: a call that is in the ledger and not booked yet would be taken for another program's.
        for gate in self.gates:
            try:
                gate.settle(priced)
            except Exception as error:  # noqa: BLE001  # what was set aside stays so until the process ends
                self.failed(error, lost=False)
        self.keep(priced)

    def agent_ended(self, name: str | None) -> None:
        """An agent came to the end of its work. It must have asked some model."""
        if name is not None:
            with self._lock:
                self._worked.add(name)
        if self.parent is not None:
            self.parent.agent_ended(name)

    def count_beside(self, cause: Uncounted, model: int, tokens: int) -> None:
        """Note tokens of a call by what crewai's own counters would leave out of it, see `CrewFacts`."""
        with self._lock:
            self.beside[cause, model] += tokens
        if self.parent is not None:
            self.parent.count_beside(cause, model, tokens)

    def sent(self, request: Sent) -> None:
        """A request is under way."""
        with self._lock:
            self._open.add(request)

    def ended(self, request: Sent) -> None:
        with self._lock:
            self._open.discard(request)

    def under_way(self) -> list[CallUnderWay]:
        """What was sent and has not ended, the oldest first. Never raises.

        What arrived of it is counted: not for the crew's thread.
        """
        with self._lock:
            requests = list(self._open)
        found = []
        for request in requests:
            try:
                found.append(request.under_way())
            except Exception as error:  # noqa: BLE001  # whoever watches sees less; the heart goes on beating
                self.failed(error, lost=False)
        return sorted(found, key=lambda call: (call.started_at, call.call_id))

    def give_up(self) -> None:
        """Record what is still under way, for a process that is about to end: a provider may bill it."""
        with self._lock:
            requests = list(self._open)
        for request in requests:
            try:
                request.give_up()
            except Exception as error:  # noqa: BLE001  # the other ones are recorded all the same
                self.failed(error)

    def failed(self, error: BaseException, *, lost: bool = True) -> None:
        """Count a failure of our own."""
        logger.warning("token tracking: %s", type(error).__name__, exc_info=error)
        with self._lock:
            self.lost += lost
            if len(self.errors) < 100:  # bounded: a failure that repeats says nothing new
                self.errors.append(type(error).__name__)

    def keep(self, call: LlmCall) -> None:
        """Keep a priced call, here and in the blocks around. Never raises."""
        written = False
        if self.sink is not None:
            try:
                self.sink(call)
                written = True
            except Exception as error:  # noqa: BLE001  # a ledger that is locked or full must not end the crew
                self.failed(error)
        with self._lock:
            self._calls[call.call_id] = call
            self._asked.add(call.agent_name)
            if written and call.run_id is not None:
                self._run_ids.add(call.run_id)
            if written and self.lost == 0 and len(self._calls) >= _MOST_HELD:
                self._lay_aside()
        if self.parent is not None:
            self.parent.keep(call)

    def _lay_aside(self) -> None:
        """Let go of what the ledger holds as well, so that a run of any length stays in bounded memory."""
        if self._source is not None:
            gone = totals(self._calls.values())
            self._laid_aside = gone if self._laid_aside is None else self._laid_aside + gone
            self._calls.clear()

    def _cost(self, call: LlmCall) -> Cost:
        if not call.billed:
            return Cost(0, CostState.KNOWN)
        cost = self.price(call)
        if call.usage_state is UsageState.ESTIMATED and cost.state is CostState.KNOWN:
            return Cost(cost.nano_usd, CostState.ESTIMATED, cost.receipt)
        return cost


def new_call_id() -> str:
    """A call's name: unique everywhere, and in the order of time: the ledger's index grows at its end."""
    return f"{time_ns() // 1000:016x}{_process(os.getpid())}{next(_numbers) & 0xFFFFFFFF:08x}"


@functools.cache
def _process(_pid: int) -> str:
    """What no other process has. Chance is asked once in each: it takes longer than the rest of the name."""
    return os.urandom(6).hex()


_numbers = itertools.count()
