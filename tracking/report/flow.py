"""From task through agent to model: what flows along each way, in tokens and in dollars."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tracking.domain.call import CallTotals, LlmCall, totals
from tracking.report.breakdown import UNATTRIBUTED
from tracking.report.format import spoken

MOST_OF_A_STAGE: Final = 20  # names; the smallest of more stand together


class Stage(StrEnum):
    TASK = "task"
    AGENT = "agent"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Stop:
    """A task, an agent or a model. `name` None: nobody could be named; `more`: so many stand together."""

    stage: Stage
    name: str | None
    more: int = 0

    @property
    def label(self) -> str:
        if self.more:
            return f"{self.more} smaller {self.stage}s"
        if self.name is None:
            return UNATTRIBUTED
        return spoken(self.name) if self.stage is Stage.TASK else self.name


@dataclass(frozen=True, slots=True)
class Way:
    """What went from one stop to the next. The agent it belongs to gives it its colour."""

    source: Stop
    target: Stop
    agent: str | None
    sums: CallTotals


def flow(calls: Sequence[LlmCall]) -> tuple[Way, ...]:
    """Every billed call goes once from its task to its agent, and once from there to its model."""
    billed = [call for call in calls if call.billed]
    stops = {stage: _stops(billed, stage) for stage in Stage}
    groups: dict[tuple[Stop, Stop], list[LlmCall]] = {}
    for call in billed:
        task, agent, model = (stops[stage][_name(call, stage)] for stage in Stage)
        groups.setdefault((task, agent), []).append(call)
        groups.setdefault((agent, model), []).append(call)
    return tuple(
        Way(source, target, source.name if source.stage is Stage.AGENT else target.name, totals(group))
        for (source, target), group in groups.items()
    )


def _stops(calls: Sequence[LlmCall], stage: Stage) -> dict[str | None, Stop]:
    """The stop of each name, the largest kept apart."""
    used: dict[str | None, int] = {}
    for call in calls:
        tokens = None if call.usage is None else call.usage.total_tokens
        name = _name(call, stage)
        used[name] = used.get(name, 0) + (0 if tokens is None else tokens)
    ordered = sorted(used, key=lambda name: (-used[name], name or ""))
    if len(ordered) <= MOST_OF_A_STAGE:
        return {name: Stop(stage, name) for name in ordered}
    kept = ordered[: MOST_OF_A_STAGE - 1]
    rest = Stop(stage, None, more=len(ordered) - len(kept))
    return {name: Stop(stage, name) if name in kept else rest for name in ordered}


def _name(call: LlmCall, stage: Stage) -> str | None:
    if stage is Stage.TASK:
        return call.task_name
    return call.agent_name if stage is Stage.AGENT else call.billed_model
