"""What crewai's own counters add up, and how often: the facts behind a reading that is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from typing import Any, Final

from tracking.domain.call import Purpose
from tracking.domain.reading import CrewFacts, Uncounted

_MEMORY: Final = Uncounted.MEMORY
_CAUSES: Final[Mapping[Purpose | None, Uncounted]] = {
    Purpose.PLANNING: Uncounted.PLANNING,
    Purpose.TOOL_CALLING: Uncounted.TOOL_CALLING,
    Purpose.GUARDRAIL: Uncounted.GUARDRAIL,
    Purpose.EVALUATION: Uncounted.EVALUATION,
    Purpose.MEMORY: Uncounted.MEMORY,
}


def llm_counters(crew: Any) -> dict[int, int]:
    """What each LLM object's own counter says now, by the object's id."""
    return {id(model): model.get_token_usage_summary().total_tokens for model in _models(crew)}


def crew_facts(
    crew: Any, before: Mapping[int, int], beside: Mapping[tuple[Uncounted, int], int]
) -> CrewFacts:
    """The facts at the end of a kickoff.

    Args:
        crew: the crew that ended.
        before: what its models' counters said when it began.
        beside: the tokens seen so far, by what crewai might leave out and by the LLM object.
    """
    after = llm_counters(crew)
    sharing = Counter(id(model) for model in _models(crew))
    return CrewFacts(
        agents_sharing=max(sharing.values(), default=1),
        counted_again=sum(after[model] * (times - 1) for model, times in sharing.items()),
        earlier=sum(before.get(model, 0) for model in after),
        uncounted=_uncounted(beside, set(after)),
        late=sum(tokens for (what, model), tokens in beside.items() if what is _MEMORY and model in after),
    )


def cause_of(purpose: Purpose | None, *, passed_on: bool, failed: bool) -> Uncounted:
    """Why a model call that crewai made would be missing from a crew's counters."""
    if not passed_on:
        return Uncounted.UNREAD if failed else Uncounted.NOT_PASSED_ON
    return _CAUSES.get(purpose, Uncounted.OUTSIDE)


def _uncounted(
    beside: Mapping[tuple[Uncounted, int], int], own: Container[int]
) -> tuple[tuple[Uncounted, int], ...]:
    sums: Counter[Uncounted] = Counter()
    for (what, model), tokens in beside.items():
        if model not in own:
            sums[what] += tokens
    return tuple(sorted(sums.items()))


def _models(crew: Any) -> list[Any]:
    """The LLM objects that `crew.usage_metrics` adds up, once per agent."""
    agents = [*getattr(crew, "agents", ()), getattr(crew, "manager_agent", None)]
    models = (getattr(agent, "llm", None) for agent in agents)
    return [model for model in models if hasattr(model, "get_token_usage_summary")]
