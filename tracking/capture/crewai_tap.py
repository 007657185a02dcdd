"""The tap at crewai's event bus: who is at work, which model call is under way, how it ended.

Handlers registered on the bus run later, on threads, in any order, and inside `scoped_handlers()` not at
all. So the public `emit` is wrapped instead: it is called in the emitter's own thread and context, before
the request is sent. Nothing else of crewai is changed, and none of its events is held back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import wrapt

from tracking.capture.crewai_facts import cause_of
from tracking.capture.crewai_places import clean, observe_place
from tracking.capture.payloads import NormalizedUsage, read_usage
from tracking.capture.responsible import responsible_tracker
from tracking.capture.scope import (
    LlmScope,
    Place,
    call_under_way,
    current_call,
    place,
)
from tracking.capture.tracker import Tracker, harmless, new_call_id
from tracking.domain.call import CallStatus, LlmCall, Purpose
from tracking.domain.usage import UsageState


def tap_event_bus(module: Any) -> None:
    """Wrap `emit` of crewai's event bus."""
    wrapt.wrap_function_wrapper(module, "CrewAIEventsBus.emit", _emit)


def tap_base_llm(module: Any) -> None:
    """Wrap the point where crewai's models hand over usage. A private name: without it events are enough."""
    if hasattr(module.BaseLLM, "_track_token_usage_internal"):
        wrapt.wrap_function_wrapper(module, "BaseLLM._track_token_usage_internal", _track_usage)


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
        _end_call(tracker, source, event, failed=kind == "llm_call_failed")
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
        purpose=_purpose(source, here),
    )


def _purpose(source: Any, here: Place) -> Purpose | None:
    """What a call is for, as far as the place and the model tell."""
    if here.purpose is None and here.function_calling_llm is source:
        return Purpose.TOOL_CALLING
    return here.purpose


def _end_call(tracker: Tracker, source: Any, event: Any, *, failed: bool) -> None:
    """A model call ended. What the wire showed of it is in the ledger already; the rest is written now."""
    calls = current_call.get()
    scope = next((call for call in reversed(calls) if call and call.call_id == event.call_id), None)
    if scope is None:
        return  # its end was announced before: OpenAI's failures are announced twice
    current_call.set(calls[: calls.index(scope)])
    if not scope.requests:
        _record_unseen(tracker, scope, event, failed=failed)
    if scope.tokens:
        passed_on = bool(scope.usages) or not hasattr(source, "_track_token_usage_internal")
        cause = cause_of(scope.purpose, passed_on=passed_on, failed=failed)
        tracker.count_beside(cause, id(source) if passed_on else 0, scope.tokens)


def _record_unseen(tracker: Tracker, scope: LlmScope, event: Any, *, failed: bool) -> None:
    payloads: list[Mapping[str, Any] | None] = [*scope.usages]
    if not payloads:
        payloads = [getattr(event, "usage", None)]
    for payload in payloads:
        call = _unseen_call(tracker, scope, payload, event, failed=failed, by_hook=bool(scope.usages))
        scope.tokens += (call.usage.total_tokens if call.usage else None) or 0
        tracker.record(call)


def _unseen_call(
    tracker: Tracker,
    scope: LlmScope,
    payload: Mapping[str, Any] | None,
    event: Any,
    *,
    failed: bool,
    by_hook: bool,
) -> LlmCall:
    """A call that never passed the HTTP layer: another client library, or a model of the user's own."""
    read = read_usage(payload, scope.provider_name) if payload else NormalizedUsage(None)
    # crewai writes {"total_tokens": 0} where the provider said nothing
    usage = read.usage if read.usage is not None and read.usage.total_tokens else None
    status = CallStatus.ERROR if failed and usage is None else CallStatus.OK
    return LlmCall(
        call_id=new_call_id(),
        run_id=tracker.run_id,
        started_at=scope.started_at,
        duration=perf_counter() - scope.started,
        provider_name=scope.provider_name,
        request_model=scope.model,
        agent_name=scope.agent_name,
        task_name=scope.task_name,
        workflow_name=place().workflow_name or tracker.name,
        usage=usage,
        usage_state=UsageState.UNKNOWN if usage is None else UsageState.REPORTED,
        status=status,
        error_type="LLMCallFailed" if failed else None,
        response_id=getattr(event, "response_id", None),
        sources=("usage_hook", "event") if by_hook else ("event",),
        purpose=scope.purpose or Purpose.CHAT,
        notes=tuple(read.flags) if usage is not None else ("the model reported no usage",),
    )
