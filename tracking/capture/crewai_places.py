"""Where in a crew the current context is, and what for: kept up to date from crewai's own events.

A beginning puts a place on the context's stack; its end takes it off, and whatever was left above it by
events that never got their end. Model calls are kept in step.

What an event says is here for both ways of hearing it: in the emitter's own context (`observe_place`), and
later, on some thread (`crewai_events`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

from tracking.capture.crewai_facts import crew_facts, llm_counters
from tracking.capture.scope import Place, current_call, current_place, place
from tracking.capture.tracker import Tracker
from tracking.domain.call import Purpose

BEGINNINGS: Final = {
    "crew_kickoff_started": "crew",
    "task_started": "task",
    "agent_execution_started": "agent",
    "lite_agent_execution_started": "lite agent",
    "tool_usage_started": "tool",
    "llm_guardrail_started": "guardrail",
    "agent_reasoning_started": "reasoning",
    "agent_evaluation_started": "evaluation",
    "memory_query_started": "memory query",
    "memory_retrieval_started": "memory retrieval",
    "memory_save_started": "memory save",
    "knowledge_query_started": "knowledge query",
    "knowledge_search_query_started": "knowledge search",
}
ENDINGS: Final = {
    "crew_kickoff_completed": "crew",
    "crew_kickoff_failed": "crew",
    "task_completed": "task",
    "task_failed": "task",
    "agent_execution_completed": "agent",
    "agent_execution_error": "agent",
    "lite_agent_execution_completed": "lite agent",
    "lite_agent_execution_error": "lite agent",
    "tool_usage_finished": "tool",
    "tool_usage_error": "tool",
    "llm_guardrail_completed": "guardrail",
    "llm_guardrail_failed": "guardrail",
    "agent_reasoning_completed": "reasoning",
    "agent_reasoning_failed": "reasoning",
    "agent_evaluation_completed": "evaluation",
    "agent_evaluation_failed": "evaluation",
    "memory_query_completed": "memory query",
    "memory_query_failed": "memory query",
    "memory_retrieval_completed": "memory retrieval",
    "memory_retrieval_failed": "memory retrieval",
    "memory_save_completed": "memory save",
    "memory_save_failed": "memory save",
    "knowledge_query_completed": "knowledge query",
    "knowledge_query_failed": "knowledge query",
    "knowledge_search_query_completed": "knowledge search",
    "knowledge_search_query_failed": "knowledge search",
}
_PURPOSES: Final = {
    "guardrail": Purpose.GUARDRAIL,
    "reasoning": Purpose.REASONING,
    "evaluation": Purpose.EVALUATION,
    "memory query": Purpose.MEMORY,
    "memory retrieval": Purpose.MEMORY,
    "memory save": Purpose.MEMORY,
    "knowledge query": Purpose.KNOWLEDGE,
    "knowledge search": Purpose.KNOWLEDGE,
}
# crewai's own tasks, known by the shape of the answer they ask for. They are no tasks of the user's.
_OWN_TASKS: Final = {
    "PlannerTaskPydanticOutput": Purpose.PLANNING,
    "TaskEvaluationPydanticOutput": Purpose.EVALUATION,
}
_DEFAULT_CREW_NAME = "crew"

Change = Callable[[Place], Place]
"""From the place around a beginning to the place inside it. Holds names, not the event."""


def observe_place(tracker: Tracker, source: Any, event: Any) -> None:
    """Follow one event; those that say nothing of where the context is are passed over."""
    if (kind := BEGINNINGS.get(event.type)) is not None:
        if kind == "crew":
            crew_began(tracker, source)
        here = change_by(kind, source, event)(place())
        current_place.set(
            (*current_place.get(), dataclasses.replace(here, kind=kind, calls=len(current_call.get())))
        )
        if kind == "tool":
            # What a tool asks a model for is not part of the model call that asked for the tool.
            current_call.set((*current_call.get(), None))
    elif (kind := ENDINGS.get(event.type)) is not None:
        _end(tracker, kind, source, event)


def clean(text: object) -> str | None:
    return text.strip() or None if isinstance(text, str) else None


def change_by(kind: str, source: Any, event: Any) -> Change:
    """What a beginning changes about the place."""
    if kind == "crew":
        name = clean(event.crew_name)
        return _sets(workflow_name=None if name == _DEFAULT_CREW_NAME else name, purpose=None)
    if kind == "task":
        return _in_task(getattr(event, "task", None) or source)
    if kind == "agent":
        return _at_agent(event.agent)
    if kind == "lite agent":
        return _sets(agent_name=clean(event.agent_info.get("role")))
    return _sets(purpose=_PURPOSES[kind]) if kind in _PURPOSES else _sets()


def crew_began(tracker: Tracker, crew: Any) -> None:
    tracker.counters_before = llm_counters(crew) | tracker.counters_before


def crew_ended(tracker: Tracker, crew: Any) -> None:
    tracker.crew = crew
    tracker.crew_facts = crew_facts(crew, tracker.counters_before, tracker.beside)


def completes_an_agent(kind: str, event: Any) -> bool:
    return kind in {"agent", "lite agent"} and event.type.endswith("_completed")


def _end(tracker: Tracker, kind: str, source: Any, event: Any) -> None:
    places = current_place.get()
    index = next((i for i in reversed(range(len(places))) if places[i].kind == kind), None)
    if index is not None:
        if completes_an_agent(kind, event):
            tracker.agent_ended(places[index].agent_name)
        current_place.set(places[:index])
        # A model call that never got its end, because it raised, is over as well.
        current_call.set(current_call.get()[: places[index].calls])
    if kind == "crew":
        crew_ended(tracker, source)


def _sets(**changes: Any) -> Change:
    return lambda here: dataclasses.replace(here, **changes)


def _in_task(task: Any) -> Change:
    agent_name = _role(getattr(task, "agent", None))
    shape = getattr(getattr(task, "output_pydantic", None), "__name__", None)
    if own := _OWN_TASKS.get(shape or ""):
        return _sets(task_name=None, agent_name=agent_name, purpose=own)
    return _sets(task_name=_task_name(task), agent_name=agent_name, purpose=None)


def _at_agent(agent: Any) -> Change:
    """An agent inside a guardrail, a memory ... works for that; a manager's coworker is one of its own."""
    manager = getattr(getattr(agent, "crew", None), "manager_agent", None)
    manages = manager is not None and manager is agent
    name, function_calling_llm = _role(agent), _function_calling_llm(agent)

    def change(here: Place) -> Place:
        ordinary = None if here.purpose is Purpose.MANAGER else here.purpose
        return dataclasses.replace(
            here,
            agent_name=name,
            purpose=Purpose.MANAGER if manages else ordinary,
            function_calling_llm=function_calling_llm,
        )

    return change


def _function_calling_llm(agent: Any) -> object:
    """The model that only fills in tools' arguments, where it is not the agent's own."""
    for holder in (agent, getattr(agent, "crew", None)):
        # Not by getattr: crewai warns of its own field there.
        model = getattr(holder, "__dict__", {}).get("function_calling_llm")
        if model is not None:
            return None if model is getattr(agent, "llm", None) else model
    return None


def _task_name(task: Any) -> str | None:
    """The task's name. A nameless one goes by its place in the crew, never by its description.

    A description is what the model is told.
    """
    if name := clean(getattr(task, "name", None)):
        return name
    tasks = getattr(getattr(getattr(task, "agent", None), "crew", None), "tasks", None) or ()
    position = next((i for i, other in enumerate(tasks, 1) if other is task), None)
    return None if position is None else f"task {position}"


def _role(agent: Any) -> str | None:
    return clean(getattr(agent, "role", None))
