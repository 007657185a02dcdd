"""Which of a run's calls a person wants to see, and in which order."""

from collections.abc import Callable, Collection, Iterable, Sequence
from enum import StrEnum
from typing import Final

from tracking.domain.call import CallStatus, LlmCall
from tracking.report.breakdown import UNATTRIBUTED
from tracking.report.format import spoken


class Facet(StrEnum):
    """By what calls can be chosen."""

    AGENT = "agent"
    TASK = "task"
    MODEL = "model"
    STATUS = "status"


class Order(StrEnum):
    """What comes first. What is not known comes last."""

    OLDEST = "oldest first"
    NEWEST = "newest first"
    LONGEST = "longest first"
    TOKENS = "most tokens first"
    DEAREST = "dearest first"


_STATUS: Final = {CallStatus.OK: "ok", CallStatus.ERROR: "failed", CallStatus.INCOMPLETE: "cut off"}
_WORD_OF: Final[dict[Facet, Callable[[LlmCall], str]]] = {
    Facet.AGENT: lambda call: UNATTRIBUTED if call.agent_name is None else call.agent_name,
    Facet.TASK: lambda call: UNATTRIBUTED if call.task_name is None else spoken(call.task_name),
    Facet.MODEL: lambda call: call.billed_model,
    Facet.STATUS: lambda call: _STATUS[call.status],
}
_KEY_OF: Final[dict[Order, Callable[[LlmCall], float]]] = {
    Order.OLDEST: lambda call: call.started_at.timestamp(),
    Order.NEWEST: lambda call: -call.started_at.timestamp(),
    Order.LONGEST: lambda call: -call.duration,
    Order.TOKENS: lambda call: _descending(None if call.usage is None else call.usage.total_tokens),
    Order.DEAREST: lambda call: _descending(call.cost.nano_usd),
}


def word_of(call: LlmCall, facet: Facet) -> str:
    """A call's agent, task, model or status, as it is said."""
    return _WORD_OF[facet](call)


def choices(calls: Iterable[LlmCall], facet: Facet) -> list[str]:
    """What there is to choose from, by the alphabet."""
    return sorted({word_of(call, facet) for call in calls})


def chosen(calls: Iterable[LlmCall], wanted: dict[Facet, Collection[str]]) -> list[LlmCall]:
    """The calls that match in every facet. Of one of which nothing is chosen everything matches."""
    return [
        call
        for call in calls
        if all(not words or word_of(call, facet) in words for facet, words in wanted.items())
    ]


def ordered(calls: Sequence[LlmCall], order: Order) -> list[LlmCall]:
    """Calls that are equal in that respect stay in the order in which they began."""
    return sorted(calls, key=_KEY_OF[order])


def _descending(count: int | None) -> float:
    return 1 if count is None else -count
