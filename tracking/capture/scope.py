"""Whose call is it? What is under way in the current context: tracker, crew, task, agent, model call.

Context variables follow the work into the threads and tasks that crewai starts with a copy of its context,
so concurrent crews never mix. Where a context was lost, see `responsible`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tracking.capture import abandoned
from tracking.domain.call import Purpose

if TYPE_CHECKING:
    from tracking.capture.tracker import Tracker


@dataclass(slots=True)
class LlmScope:
    """A model call that crewai has under way. Requests and usage seen meanwhile are its own."""

    call_id: str
    provider_name: str
    model: str
    agent_name: str | None
    task_name: str | None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=perf_counter)
    purpose: Purpose | None = None  # None: an ordinary one
    requests: int = 0  # seen on the wire
    tokens: int = 0  # of all its requests so far
    failed: bool = False  # the last of them; the next one asks the same again
    usages: list[Mapping[str, Any]] = field(default_factory=list)  # handed over by crewai's own counter


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a crew the current context is. Each field None: not inside one."""

    workflow_name: str | None = None
    task_name: str | None = None
    agent_name: str | None = None
    purpose: Purpose | None = None
    function_calling_llm: object = None
    kind: str = ""  # of the event that led here
    calls: int = 0  # how many model calls were under way when it came


class Whereabouts(NamedTuple):
    """What a request belongs to.

    Attributes:
        call: the model call that it is part of; None inside a tool that a call asked for.
        place: where in a crew.
        settled: the same, as it is known when the request has ended; None: it is known already.
    """

    call: LlmScope | None
    place: Place
    settled: Callable[[], Whereabouts | None] | None = None


current_tracker: ContextVar[Tracker | None] = ContextVar("tracking_tracker", default=None)
current_call: ContextVar[tuple[LlmScope | None, ...]] = ContextVar("tracking_llm_calls", default=())
current_place: ContextVar[tuple[Place, ...]] = ContextVar("tracking_places", default=())
# A client whose requests are seen may send them by another one: httpx by aiohttp, urllib3 by itself.
current_request: ContextVar[bool] = ContextVar("tracking_request", default=False)

_elsewhere: tuple[Callable[[], Whereabouts | None], Callable[[], object]] | None = None
_open: list[Tracker] = []
_lock = threading.Lock()


def opened(tracker: Tracker) -> None:
    with _lock:
        _open.append(tracker)


def closed(tracker: Tracker) -> None:
    with _lock:
        _open.remove(tracker)


@contextmanager
def entered(tracker: Tracker) -> Iterator[None]:
    """Be in this tracker's block. What an earlier crew left behind when it crashed is not its business."""
    token = current_tracker.set(tracker)
    if tracker.parent is None:
        current_call.set(())
        current_place.set(())
    try:
        yield
    finally:
        current_tracker.reset(token)


def open_trackers() -> list[Tracker]:
    with _lock:
        return list(_open)


def place() -> Place:
    places = current_place.get()
    return places[-1] if places else Place()


def call_under_way() -> LlmScope | None:
    """The model call that a request made here is part of; None inside a tool that it called."""
    calls = current_call.get()
    return calls[-1] if calls else None


def whereabouts() -> Whereabouts:
    """What a request made here belongs to."""
    if _elsewhere is not None and (found := _elsewhere[0]()) is not None:
        return found
    return Whereabouts(call_under_way(), place())


def ask_elsewhere(look: Callable[[], Whereabouts | None], settle: Callable[[], object]) -> None:
    """Have `look` say what a request belongs to (None: the context does), `settle` wait for the rest."""
    global _elsewhere  # noqa: PLW0603  # crewai is watched in one way in a process
    _elsewhere = (look, settle)


def settle() -> None:
    """Wait, within bounds, until what was announced so far is known, and what was abandoned is recorded."""
    abandoned.settle()
    if _elsewhere is not None:
        _elsewhere[1]()
