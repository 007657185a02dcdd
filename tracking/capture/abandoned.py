"""Answers that nobody read to their end, noticed when they are collected as garbage.

That can be at any moment, also inside a transaction or while a lock of ours is held by the same thread. So
while garbage is collected nothing is recorded: it is left to a thread of ours.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from queue import SimpleQueue  # its `put` may interrupt itself
from typing import Final

_PATIENCE_SECONDS: Final = 5.0
_left: SimpleQueue[Callable[[], object]] = SimpleQueue()
_here = threading.local()
_thread: threading.Thread | None = None


def watch() -> None:
    """Know from now on when garbage is collected. Called once in a process."""
    gc.callbacks.append(_note)
    _start()


def is_collecting() -> bool:
    """Whether this thread is in the midst of collecting garbage, wherever that interrupted it."""
    return getattr(_here, "collecting", False)


def later(what: Callable[[], object]) -> None:
    """Have it done by a thread of ours, in the order in which it was left."""
    _left.put(what)


def settle() -> None:
    """Wait, within bounds, until what was left so far is done."""
    if _thread is None or _thread is threading.current_thread():
        return
    if not _thread.is_alive():  # after a fork
        _start()
    done = threading.Event()
    later(done.set)
    done.wait(_PATIENCE_SECONDS)


def _start() -> None:
    """Not while garbage is collected: a lock of `threading` itself may be held by what that interrupted."""
    global _thread  # noqa: PLW0603  # one in a process
    _thread = threading.Thread(target=_work, name="abandoned answers", daemon=True)
    _thread.start()


def _note(phase: str, _: dict[str, int]) -> None:
    _here.collecting = phase == "start"


def _work() -> None:
    while True:
        _left.get()()
