"""A model call that crewai announces: what for, and what is left to record of it when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from tracking.capture import loose
from tracking.capture.crewai_facts import cause_of
from tracking.capture.payloads import NormalizedUsage, read_usage
from tracking.capture.scope import LlmScope, Place
from tracking.capture.tracker import Tracker, new_call_id
from tracking.domain.call import CallStatus, LlmCall, Purpose
from tracking.domain.usage import UsageState


def purpose_of_call(source: Any, here: Place) -> Purpose | None:
    """What a call is for, as far as the place and the model tell."""
    if here.purpose is None and here.function_calling_llm is source:
        return Purpose.TOOL_CALLING
    return here.purpose


def end_call(
    tracker: Tracker,
    scope: LlmScope,
    here: Place,
    source: Any,
    event: Any,
    *,
    passed_on: bool,
) -> None:
    """A model call ended. What the wire showed of it is in the ledger already; the rest is written now.

    Args:
        tracker: takes it.
        scope: the call.
        here: the place that it was made from.
        source: the LLM object.
        event: crewai's word that it ended, well or badly.
        passed_on: whether crewai's own counters were given its usage.
    """
    failed = event.type == "llm_call_failed"
    if not scope.requests:
        _record_unseen(tracker, scope, here, event, failed=failed)
    if scope.tokens:
        cause = cause_of(scope.purpose, passed_on=passed_on, failed=failed)
        tracker.count_beside(cause, id(source) if passed_on else 0, scope.tokens)


def _record_unseen(tracker: Tracker, scope: LlmScope, here: Place, event: Any, *, failed: bool) -> None:
    payloads: list[Mapping[str, Any] | None] = [*scope.usages]
    if not payloads:
        payloads = [getattr(event, "usage", None)]
    for payload in payloads:
        call = _unseen_call(tracker, scope, here, payload, event, failed=failed)
        tokens = call.usage.total_tokens if call.usage else None
        scope.tokens += tokens or 0
        if not loose.take(scope.started, call.response_id, tokens):
            tracker.record(call)


def _unseen_call(
    tracker: Tracker,
    scope: LlmScope,
    here: Place,
    payload: Mapping[str, Any] | None,
    event: Any,
    *,
    failed: bool,
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
        workflow_name=here.workflow_name or tracker.name,
        usage=usage,
        usage_state=UsageState.UNKNOWN if usage is None else UsageState.REPORTED,
        status=status,
        error_type="LLMCallFailed" if failed else None,
        response_id=getattr(event, "response_id", None),
        sources=("usage_hook", "event") if scope.usages else ("event",),
        purpose=scope.purpose or Purpose.CHAT,
        notes=tuple(read.flags) if usage is not None else ("the model reported no usage",),
    )
