"""crewai's own figures, read off whatever object holds them. Its names end here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracking.domain.reading import Reading, Source

# our name -> crewai's
_NAMES = {
    "total_tokens": "total_tokens",
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "cache_read_input_tokens": "cached_prompt_tokens",
    "cache_creation_input_tokens": "cache_creation_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
    "requests": "successful_requests",
}


def crew_reading(crew_metrics: object) -> Reading:
    """What `crew.usage_metrics` says; `crew_metrics` is that object or dict, or the crew itself."""
    inner = _get(crew_metrics, "usage_metrics")
    return _reading(Source.CREW_METRICS, crew_metrics if inner is None else inner, "crew.usage_metrics")


def result_reading(result: object) -> Reading:
    """What a kickoff's result says: its `token_usage`, and failing that its `usage_metrics`."""
    for name in ("token_usage", "usage_metrics"):
        if (held := _get(result, name)) is not None:
            reading = _reading(Source.RESULT, held, f"result.{name}")
            if reading.found_in is not None:
                return reading
    return Reading(source=Source.RESULT)


def token_attributes(holder: object, label: str) -> dict[str, str]:
    """The attributes whose names speak of tokens, usage or cost, and what they hold: counts only."""
    found = {}
    for name in dir(type(holder)) + list(getattr(holder, "__dict__", {})):
        if name.startswith("_") or not any(word in name for word in ("token", "usage", "cost")):
            continue
        value = getattr(holder, name, None)
        if not callable(value):
            counts = {ours: _get(value, theirs) for ours, theirs in _NAMES.items()}
            known = {ours: count for ours, count in counts.items() if isinstance(count, int)}
            found[f"{label}.{name}"] = str(known) if known else type(value).__name__
    return found


def _reading(source: Source, held: object, found_in: str) -> Reading:
    counts: dict[str, Any] = {ours: _count(_get(held, theirs)) for ours, theirs in _NAMES.items()}
    if all(count is None for count in counts.values()):
        return Reading(source=source)
    return Reading(source=source, found_in=found_in, **counts)


def _get(holder: object, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
