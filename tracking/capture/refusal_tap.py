"""Where crewai hands what happened in a thread to whoever waits for it, but only where it is an `Exception`.

A refused call raises something else (see `tracking.errors`): without this the crew would wait for ever, or
end as if nothing had happened.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any, Final

import wrapt

from tracking.capture.harmless import harmless
from tracking.errors import BudgetExceeded

_STREAMING: Final = (
    *("crewai.crew", "crewai.crews.utils", "crewai.flow.runtime", "crewai.flow.conversational_mixin"),
    *("crewai.llms.base_llm", "crewai.utilities.streaming"),
)
_GENERATORS: Final = ("create_chunk_generator", "create_frame_generator")
_ASYNC_GENERATORS: Final = ("create_async_chunk_generator", "create_async_frame_generator")


@harmless
def tap() -> None:
    """Wrap what is there of it. Without a name that is wrapped here a refusal is one all the same."""
    task = import_module("crewai.task")
    if hasattr(task.Task, "_execute_task_async"):
        wrapt.wrap_function_wrapper(task, "Task._execute_task_async", _in_thread)
    for name in _STREAMING:
        with contextlib.suppress(ImportError):  # another version may not have it
            module = import_module(name)
            for generator, wrapper in _wrappers():
                if hasattr(module, generator):
                    wrapt.wrap_function_wrapper(module, generator, wrapper)


def _wrappers() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in _GENERATORS:
        yield name, _stream
    for name in _ASYNC_GENERATORS:
        yield name, _stream_async


def _in_thread(wrapped: Callable[..., None], _: object, args: Any, kwargs: Any) -> None:
    try:
        wrapped(*args, **kwargs)
    except BudgetExceeded as refused:
        (args[3] if len(args) > 3 else kwargs["future"]).set_exception(refused)


def _stream(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Iterator[Any]:
    state, run, *rest = args
    refused: list[BudgetExceeded] = []

    def watched() -> Any:
        try:
            return run()
        except BudgetExceeded as error:
            refused.append(error)

    yield from wrapped(state, watched, *rest, **kwargs)
    if refused:
        raise refused[0]


async def _stream_async(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> AsyncIterator[Any]:
    state, run, *rest = args
    refused: list[BudgetExceeded] = []

    async def watched() -> Any:
        try:
            return await run()
        except BudgetExceeded as error:
            refused.append(error)

    async for chunk in wrapped(state, watched, *rest, **kwargs):
        yield chunk
    if refused:
        raise refused[0]
