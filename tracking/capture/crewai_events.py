"""crewai watched from outside, by handlers of its public events.

A handler runs on some thread, after the event, in a copy of its context: it can't tell the requests that
follow where they are. So it goes the other way. Beginnings are kept as a tree, by their ids; a request notes
the id of the beginning that it was made in, which crewai keeps in the context; when it has ended, the tree
says who that was. What the tree does not say is not known: two crews never share an id, so that neither is
taken for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from time import perf_counter
from typing import Any, Final

from tracking.capture.beginnings import Beginning, Beginnings
from tracking.capture.crewai_calls import end_call
from tracking.capture.crewai_places import (
    BEGINNINGS,
    ENDINGS,
    change_by,
    clean,
    completes_an_agent,
    crew_began,
    crew_ended,
)
from tracking.capture.harmless import harmless
from tracking.capture.responsible import responsible_tracker
from tracking.capture.scope import Place, Whereabouts, ask_elsewhere
from tracking.capture.tracker import Tracker

_BEGINS: Final = "_started"  # how the types of all beginnings end, also of those that say nothing of a place
_CALL_BEGINS: Final = "llm_call_started"
_CALL_ENDS: Final = frozenset({"llm_call_completed", "llm_call_failed"})
_NEEDED: Final = frozenset({_CALL_BEGINS, "task_started", "agent_execution_started"}) | _CALL_ENDS
_FLUSH_SECONDS: Final = 2.0

_beginnings = Beginnings()  # of the process, as crewai's bus is


def follow() -> bool:
    """Register the handlers. False: crewai's events are not what they were either."""
    try:
        bus = import_module("crewai.events").crewai_event_bus
        flush = bus.flush
        current_id = import_module("crewai.events.event_context").get_current_parent_id
        import_module("crewai.events.event_types")  # so that all of them are there
        kinds = _kinds_of(import_module("crewai.events.base_events").BaseEvent)
        if not kinds.keys() >= _NEEDED:
            return False
        for name, kind in kinds.items():
            if name.endswith(_BEGINS):
                bus.on(kind)(_began)
            elif name in ENDINGS or name in _CALL_ENDS:
                bus.on(kind)(_ended)
    except (ImportError, AttributeError, TypeError):
        return False
    ask_elsewhere(_lookup(current_id), harmless(lambda: flush(timeout=_FLUSH_SECONDS)))
    return True


def _kinds_of(event: Any) -> dict[str, Any]:
    """The classes of events by the name of their type."""

    def all_of(owner: Any) -> Iterator[Any]:
        for kind in owner.__subclasses__():
            yield kind
            yield from all_of(kind)

    return {str(kind.model_fields["type"].default): kind for kind in all_of(event)}


def _lookup(current_id: Callable[[], str | None]) -> Callable[[], Whereabouts | None]:
    @harmless
    def look() -> Whereabouts | None:
        if (event_id := current_id()) is None:
            return None
        beginning = _beginnings.of(event_id)
        return Whereabouts(beginning.scope, Place(), harmless(beginning.settled))

    return look


@harmless
def _began(source: Any, event: Any) -> None:
    beginning = _beginnings.of(event.event_id)
    try:
        if event.parent_event_id is not None:
            beginning.parent = _beginnings.of(event.parent_event_id)
        if event.type == _CALL_BEGINS:
            _call_began(beginning, source, event)
        elif (kind := BEGINNINGS.get(event.type)) is not None:
            beginning.change = change_by(kind, source, event)
            if kind == "crew" and (tracker := responsible_tracker()) is not None:
                crew_began(tracker, source)
    finally:
        beginning.arrived.set()
    if event.type == _CALL_BEGINS:
        _beginnings.call_began(event.call_id, beginning)


def _call_began(beginning: Beginning, source: Any, event: Any) -> None:
    # In this order: a request of the call's must not seem to have begun before it.
    scope, now = beginning.scope, perf_counter()
    ago = _seconds_since(event)
    scope.started, scope.started_at = now - ago, datetime.now(UTC) - timedelta(seconds=ago)
    scope.provider_name = str(getattr(source, "provider", None) or "unknown")
    scope.model = event.model or str(getattr(source, "model", "unknown"))
    scope.call_id = event.call_id
    beginning.source, beginning.agent_name = source, clean(event.agent_role)


def _seconds_since(event: Any) -> float:
    """How late this handler is; 0 where the event does not say when it was."""
    at = getattr(event, "timestamp", None)
    if not isinstance(at, datetime):
        return 0.0
    return max(0.0, (datetime.now(at.tzinfo) - at).total_seconds())


@harmless
def _ended(source: Any, event: Any) -> None:
    if (tracker := responsible_tracker()) is None:
        return
    if event.type in _CALL_ENDS:
        _beginnings.call_ended(event.call_id, _end_of_call(tracker, source, event))
        return
    kind = ENDINGS[event.type]
    if kind == "crew":
        crew_ended(tracker, source)
    # Where a beginning was missed, an agent's calls may be in the ledger without its name.
    elif completes_an_agent(kind, event) and not _beginnings.missed:
        tracker.agent_ended(change_by(kind, source, event)(Place()).agent_name)


def _end_of_call(tracker: Tracker, source: Any, event: Any) -> Callable[[Beginning], None]:
    def end(beginning: Beginning) -> None:
        here = beginning.settled().place
        # crewai announces {"total_tokens": 0} where it has counted nothing.
        passed_on = any((getattr(event, "usage", None) or {}).values())
        end_call(tracker, beginning.scope, here, source, event, passed_on=passed_on)

    return end
