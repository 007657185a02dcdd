"""The tap at work of crewai's that no event announces: it is for memory or for knowledge."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import wrapt

from tracking.capture.scope import current_place, place
from tracking.domain.call import Purpose


def tap_memory(module: Any) -> None:
    """What a task's output holds that is worth remembering is asked before the save is announced."""
    _tap(module, "Memory", ("extract_memories",), Purpose.MEMORY)


def tap_knowledge(module: Any) -> None:
    """Sources are embedded while a crew or an agent is made, when nothing has begun yet."""
    _tap(module, "KnowledgeStorage", ("save", "asave", "search", "asearch"), Purpose.KNOWLEDGE)


def _tap(module: Any, owner: str, methods: tuple[str, ...], purpose: Purpose) -> None:
    for method in methods:
        if hasattr(getattr(module, owner, None), method):
            wrapt.wrap_function_wrapper(module, f"{owner}.{method}", _for(purpose))


def _for(purpose: Purpose) -> Callable[..., Any]:
    def wrapper(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Any:
        with _working_for(purpose):
            result = wrapped(*args, **kwargs)
        return _awaited(result, purpose) if hasattr(result, "__await__") else result

    return wrapper


async def _awaited(coroutine: Any, purpose: Purpose) -> Any:
    with _working_for(purpose):
        return await coroutine


@contextmanager
def _working_for(purpose: Purpose) -> Iterator[None]:
    token = current_place.set((*current_place.get(), dataclasses.replace(place(), purpose=purpose)))
    try:
        yield
    finally:
        current_place.reset(token)
