"""The rule of every observer: whatever fails in our code inside the crew, the crew goes on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tracking.capture.scope import open_trackers

P = ParamSpec("P")
R = TypeVar("R")


def harmless(function: Callable[P, R]) -> Callable[P, R | None]:
    """For code of ours that runs inside the crew: its failure is counted on every open tracker, not raised.

    A function that failed returns None.
    """

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # an observer does no harm
            for tracker in open_trackers():
                tracker.failed(error)
            return None

    return guarded
