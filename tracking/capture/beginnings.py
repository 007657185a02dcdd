"""Beginnings of crews, tasks, agents and model calls, by their events' ids, in whatever order they arrive."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from tracking.capture.crewai_calls import purpose_of_call
from tracking.capture.crewai_places import Change
from tracking.capture.scope import LlmScope, Place, Whereabouts

# How long a request that has ended waits for the handlers to catch up. They are late by milliseconds, unless
# somebody else's are slow: then the row goes without agent and task, and the crew goes on.
_PATIENCE_SECONDS: Final = 0.5
# Older ones are forgotten, unless something that is remembered began inside them.
_MOST_REMEMBERED: Final = 10_000


class Beginning:
    """Something that began, or that is known by its id alone until the event that says so arrives."""

    __slots__ = ("__weakref__", "agent_name", "arrived", "change", "missed", "parent", "scope", "source")

    def __init__(self, missed: Callable[[], None]) -> None:
        self.arrived = threading.Event()
        self.missed = missed
        self.parent: Beginning | None = None
        self.change: Change | None = None  # of the place; None: it says nothing of it
        self.source: object = None
        self.agent_name: str | None = None
        self.scope = LlmScope("", "unknown", "unknown", None, None)  # without an id: it is no model call

    def place(self) -> Place:
        """The place inside it. Above one that did not arrive nothing is known, and nothing is taken."""
        here = Place() if self.parent is None else self.parent.place()
        return here if self.change is None else self.change(here)

    def settled(self) -> Whereabouts:
        """What a request made inside it belonged to, now that the request has ended."""
        beginning: Beginning | None = self
        while beginning is not None and beginning.arrived.wait(_PATIENCE_SECONDS):
            beginning = beginning.parent
        if beginning is not None:
            beginning.missed()
            beginning.arrived.set()  # it is waited for once
        here = self.place()
        if not self.scope.call_id:
            return Whereabouts(None, here)
        self.scope.agent_name = self.agent_name or here.agent_name
        self.scope.task_name = here.task_name
        self.scope.purpose = purpose_of_call(self.source, here)
        return Whereabouts(self.scope, here)


class _Call:
    """A model call by its own id: what is known of its beginning, and what to do at its end."""

    __slots__ = ("at_end", "beginning", "is_over")

    def __init__(self) -> None:
        self.beginning: Beginning | None = None
        self.at_end: Callable[[Beginning], None] | None = None
        self.is_over = False


class Beginnings:
    """All of a process.

    Attributes:
        missed: whether one that was waited for did not arrive.
    """

    def __init__(self) -> None:
        self.missed = False
        self._known: WeakValueDictionary[str, Beginning] = WeakValueDictionary()
        self._recent: deque[Beginning] = deque(maxlen=_MOST_REMEMBERED)
        self._calls: dict[str, _Call] = {}
        self._lock = threading.Lock()

    def of(self, event_id: str) -> Beginning:
        with self._lock:
            if (known := self._known.get(event_id)) is None:
                known = self._known[event_id] = Beginning(self._miss)
                self._recent.append(known)
            return known

    def call_began(self, call_id: str, beginning: Beginning) -> None:
        self._learn(call_id, beginning, None)

    def call_ended(self, call_id: str, at_end: Callable[[Beginning], None]) -> None:
        """Do this with the call's beginning, as soon as that has arrived. A second end is none."""
        self._learn(call_id, None, at_end)

    def _learn(
        self, call_id: str, beginning: Beginning | None, at_end: Callable[[Beginning], None] | None
    ) -> None:
        with self._lock:
            if len(self._calls) > _MOST_REMEMBERED:
                del self._calls[next(iter(self._calls))]
            call = self._calls.setdefault(call_id, _Call())
            if call.is_over:
                return
            beginning = call.beginning = call.beginning or beginning
            at_end = call.at_end = call.at_end or at_end
            if beginning is None or at_end is None:
                return
            call.is_over, call.at_end, call.beginning = True, None, None  # an end may hold what was said
        at_end(beginning)

    def _miss(self) -> None:
        self.missed = True
