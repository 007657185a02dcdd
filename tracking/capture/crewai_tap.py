"""The taps inside crewai: who is at work, which model call is under way, how it ended.

Handlers registered on the bus run later, on threads, in any order, and inside `scoped_handlers()` not at
all. So `emit` is wrapped instead: it is called in the emitter's own thread and context, before the request
is sent. Nothing else of crewai is changed, and none of its events is held back.

That hangs on how crewai is made inside. With a version that this was not tested with, or one that lacks a
name that is wrapped here, its public events are followed instead, see `crewai_events`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

import wrapt

from tracking.capture import crewai_events, purpose_tap, refusal_tap, support
from tracking.capture.crewai_calls import end_call, purpose_of_call
from tracking.capture.crewai_places import clean, observe_place
from tracking.capture.harmless import harmless
from tracking.capture.responsible import responsible_tracker
from tracking.capture.scope import (
    LlmScope,
    call_under_way,
    current_call,
    place,
)
from tracking.capture.tracker import Tracker

# What is wrapped: where it is, and what it is called with.
_NEEDED: Final = (
    ("crewai.events.event_bus", "CrewAIEventsBus", "emit", ("self", "source", "event")),
    ("crewai.llms.base_llm", "BaseLLM", "_track_token_usage_internal", ("self", "usage_data")),
)


@harmless
def tap() -> None:
    """Wrap crewai's inside where it is as it was tested; follow its public events where it is not.

    Called when crewai has been imported. Never raises into that import.
    """
    refusal_tap.tap()
    problem = support.problem_of(support.installed_version()) or _missing()
    if problem is None:
        _wrap()
        support.watched_by(support.Way.TAPS)
    else:
        followed = crewai_events.follow()
        support.watched_by(support.Way.EVENTS if followed else support.Way.HTTP, problem)


def _missing() -> str | None:
    """What is not there as it is needed, in a sentence's beginning; None: nothing."""
    for module, owner, name, parameters in _NEEDED:
        try:
            found = getattr(getattr(import_module(module), owner), name)
            known = tuple(inspect.signature(found).parameters)[: len(parameters)] == parameters
        except (ImportError, AttributeError, TypeError, ValueError):
            known = False
        if not known or inspect.iscoroutinefunction(found):
            return (
                f"crewai {support.installed_version()} has no {owner}.{name} of the kind this was tested with"
            )
    return None


def _wrap() -> None:
    for (module, owner, name, _), wrapper in zip(_NEEDED, (_emit, _track_usage), strict=True):
        wrapt.wrap_function_wrapper(module, f"{owner}.{name}", wrapper)
    wrapt.register_post_import_hook(purpose_tap.tap_memory, "crewai.memory.unified_memory")
    wrapt.register_post_import_hook(purpose_tap.tap_knowledge, "crewai.knowledge.storage.knowledge_storage")


def _emit(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Any:
    source = args[0] if args else kwargs.get("source")
    event = args[1] if len(args) > 1 else kwargs.get("event")
    _observe(source, event)
    return wrapped(*args, **kwargs)


def _track_usage(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Any:
    _hand_over(args[0] if args else kwargs.get("usage_data"))
    return wrapped(*args, **kwargs)


@harmless
def _observe(source: Any, event: Any) -> None:
    kind = getattr(event, "type", "")
    tracker = responsible_tracker()
    if tracker is None:
        return
    if kind == "llm_call_started":
        current_call.set((*current_call.get(), _scope_of(source, event)))
    elif kind in {"llm_call_completed", "llm_call_failed"}:
        _end_call(tracker, source, event)
    else:
        observe_place(tracker, source, event)


@harmless
def _hand_over(usage: Any) -> None:
    if (scope := call_under_way()) is not None and isinstance(usage, Mapping):
        scope.usages.append(usage)


def _scope_of(source: Any, event: Any) -> LlmScope:
    here = place()
    return LlmScope(
        call_id=event.call_id,
        provider_name=str(getattr(source, "provider", None) or "unknown"),
        model=event.model or str(getattr(source, "model", "unknown")),
        agent_name=clean(event.agent_role) or here.agent_name,
        task_name=here.task_name,
        purpose=purpose_of_call(source, here),
    )


def _end_call(tracker: Tracker, source: Any, event: Any) -> None:
    calls = current_call.get()
    scope = next((call for call in reversed(calls) if call and call.call_id == event.call_id), None)
    if scope is None:
        return  # its end was announced before: OpenAI's failures are announced twice
    current_call.set(calls[: calls.index(scope)])
    passed_on = bool(scope.usages) or not hasattr(source, "_track_token_usage_internal")
    end_call(tracker, scope, place(), source, event, passed_on=passed_on)
