"""Watches a run for loops while it goes on: says so once each, and ends it where its settings want that."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tracking.analysis.loops import Loop, LoopWatch, Sign
from tracking.capture.gate import Asking
from tracking.domain.call import LlmCall
from tracking.domain.spec import LoopGuard
from tracking.errors import RunStopped
from tracking.report.loops import STOPPED_BY, loop_sentence


class Guard:
    """A gate that every call of the run must pass. It is asked nothing until it has seen a loop.

    Attributes:
        stopped: why a call was refused; None: none was.
    """

    def __init__(self, mode: LoopGuard, warn: Callable[[str], None]) -> None:
        self.stopped: str | None = None
        self._stops: str | None = None
        self._mode = mode
        self._warn = warn
        self._watch = LoopWatch()
        self._told: set[tuple[Sign, str | None, str]] = set()
        self._lock = threading.Lock()

    def ask(self, asking: Asking) -> None:  # noqa: ARG002  # whichever call it is
        """Raises RunStopped where the run is to end."""
        if self._stops is not None:
            self.stopped = self._stops
            raise RunStopped(self._stops)

    async def ask_async(self, asking: Asking) -> None:
        self.ask(asking)

    def withdraw(self, call_id: str) -> None:
        """Nothing was set aside for it."""

    def settle(self, call: LlmCall) -> None:
        with self._lock:
            loop = self._watch.saw(call)
            if loop is None or (key := (loop.sign, loop.agent_name, loop.task_name)) in self._told:
                return
            self._told.add(key)
        self._tell(loop)

    def _tell(self, loop: Loop) -> None:
        sentence = loop_sentence(loop)
        if self._mode is LoopGuard.STOP:
            self._stops = STOPPED_BY + sentence
        self._warn(f"loop guard: {sentence}")
