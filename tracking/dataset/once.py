"""Computing a figure of a frame once: a briefing asks for the same months and groups a hundred times."""

import functools
import weakref
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

P = ParamSpec("P")
R = TypeVar("R")


def once_per_frame(
    function: Callable[Concatenate[pd.DataFrame, P], R],
) -> Callable[Concatenate[pd.DataFrame, P], R]:
    """Remember results per frame, by identity, for as long as the frame lives.

    Frames of sales are never changed after they are loaded; results are not to be changed either.
    """
    memory: dict[int, dict[Any, R]] = {}

    @functools.wraps(function)
    def remembered(frame: pd.DataFrame, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if id(frame) not in memory:
            memory[id(frame)] = {}
            weakref.finalize(frame, memory.pop, id(frame), None)
        results = memory[id(frame)]
        key = (args, *sorted(kwargs.items()))
        if key not in results:
            results[key] = function(frame, *args, **kwargs)
        return results[key]

    return remembered
