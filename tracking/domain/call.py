"""A call: one request to a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from tracking.domain.cost import Cost, total
from tracking.domain.usage import TokenUsage, UsageState


class CallStatus(StrEnum):
    """How a request ended."""

    OK = "ok"
    ERROR = "error"  # the provider refused it, or its answer could not be used
    INCOMPLETE = "incomplete"  # it was sent, but its end was never seen (cut, timed out, abandoned)


class Purpose(StrEnum):
    """What a request was made for."""

    CHAT = "chat"  # an agent at its task, or a model asked directly
    PLANNING = "planning"  # the crew's planner
    MANAGER = "manager"  # a hierarchical crew's manager
    TOOL_CALLING = "tool_calling"  # a model that only turns words into a tool's arguments
    GUARDRAIL = "guardrail"  # a model that judges an output
    STRUCTURED_OUTPUT = "structured_output"  # an answer in the shape of a schema
    MEMORY = "memory"  # what is remembered or recalled, its embeddings included
    KNOWLEDGE = "knowledge"  # what is looked up, its embeddings included
    REASONING = "reasoning"  # an agent's plan before its task
    EVALUATION = "evaluation"  # scores of a crew's test
    EMBEDDINGS = "embeddings"  # embeddings for anything else
    RETRY = "retry"  # the same question again, after a request that failed


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmCall:
    """One request to a model, without anything that was said in it.

    Attributes:
        call_id: unique in the ledger; appending it twice keeps one row.
        run_id: the run it belongs to.
        started_at: when the request was sent, time zone aware.
        duration: seconds from sending to the end of the answer.
        provider_name: `openai`, `anthropic`, `gemini`, `local` ...
        request_model: the model asked for; `response_model`: the one that answered, which is billed.
        operation_name: `chat` or `embeddings`.
        purpose: what it was made for.
        agent_name: the agent's role; `task_name`: the task's name, never its description;
            `workflow_name`: the crew's. None where it could not be told.
        usage: None when unknown.
        error_type: an exception's or HTTP status's name, never its message.
        sources: what saw it, most trusted first: `http`, `usage_hook`, `event`.
        notes: why counts are unknown, estimated or lower bounds, and what of the provider's payload was not
            sound; in words, without anything that was said.
        stated_nano_usd: what the provider itself says that the call cost (OpenRouter, a litellm proxy), in
            nano-dollars. It stands beside `cost`, which is computed, and is never added to it.
        raw_usage: the counts in the provider's own words, nested ones under dotted names.
    """

    call_id: str
    run_id: str | None
    started_at: datetime
    duration: float
    provider_name: str
    request_model: str
    response_model: str | None = None
    operation_name: str = "chat"
    purpose: Purpose = Purpose.CHAT
    agent_name: str | None = None
    task_name: str | None = None
    workflow_name: str | None = None
    usage: TokenUsage | None = None
    usage_state: UsageState = UsageState.UNKNOWN
    cost: Cost = field(default_factory=Cost.unpriced)
    status: CallStatus = CallStatus.OK
    error_type: str | None = None
    response_id: str | None = None
    service_tier: str | None = None
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    stated_nano_usd: int | None = None
    raw_usage: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.started_at.tzinfo is None:
            raise ValueError(f"started_at ({self.started_at.isoformat()}) needs a time zone")
        if (self.usage is None) != (self.usage_state is UsageState.UNKNOWN):
            raise ValueError(f"usage {self.usage} cannot be {self.usage_state}")

    def priced(self, cost: Cost) -> LlmCall:
        """The same call at this cost: `dataclasses.replace` in a third of its time, on the crew's thread."""
        copy = object.__new__(LlmCall)
        for name, value in zip(_FIELDS, _values(self), strict=True):
            object.__setattr__(copy, name, value)
        object.__setattr__(copy, "cost", cost)
        return copy

    @property
    def billed(self) -> bool:
        """Whether the provider charges for it. A refused request without usage is not charged."""
        return not (self.status is CallStatus.ERROR and self.usage is None)

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.duration)

    @property
    def billed_model(self) -> str:
        return self.response_model or self.request_model


_FIELDS = tuple(field.name for field in fields(LlmCall))
_values = attrgetter(*_FIELDS)


@dataclass(frozen=True, slots=True)
class StatedCost:
    """What providers themselves say that some requests cost, beside what was computed for the same ones."""

    requests: int = 0
    nano_usd: int = 0
    computed_nano_usd: int = 0

    @property
    def difference(self) -> int:
        """Nano-dollars; positive: the providers say more."""
        return self.nano_usd - self.computed_nano_usd

    def __add__(self, other: StatedCost) -> StatedCost:
        return StatedCost(
            self.requests + other.requests,
            self.nano_usd + other.nano_usd,
            self.computed_nano_usd + other.computed_nano_usd,
        )


@dataclass(frozen=True, slots=True)
class CallTotals:
    """Calls added up, with what could not be added counted beside the sums.

    `usage` has every known count in it; `estimated_usage` is the part of it that no provider reported.
    """

    requests: int
    usage: TokenUsage
    cost: Cost
    unknown_requests: int
    estimated_requests: int
    unpriced_requests: int
    failed_requests: int
    estimated_usage: TokenUsage = field(default_factory=TokenUsage)
    stated: StatedCost = StatedCost()

    @property
    def reported_usage(self) -> TokenUsage:
        """The rest of `usage`. Where no provider reported anything it is not known, and not 0."""
        reported = self.requests - self.unknown_requests - self.estimated_requests
        return self.usage - self.estimated_usage if reported else TokenUsage()

    def __add__(self, other: CallTotals) -> CallTotals:
        parts = [part for part in (self, other) if part.requests]
        return CallTotals(
            requests=self.requests + other.requests,
            usage=self.usage + other.usage,
            cost=total(part.cost for part in parts),
            unknown_requests=self.unknown_requests + other.unknown_requests,
            estimated_requests=self.estimated_requests + other.estimated_requests,
            unpriced_requests=self.unpriced_requests + other.unpriced_requests,
            failed_requests=self.failed_requests + other.failed_requests,
            estimated_usage=self.estimated_usage + other.estimated_usage,
            stated=self.stated + other.stated,
        )


def totals(calls: Iterable[LlmCall]) -> CallTotals:
    """Add up what was billed. Refused requests are counted apart, in `failed_requests`."""
    everything = list(calls)
    billed = [call for call in everything if call.billed]
    known = [(call.usage, call.usage_state) for call in billed if call.usage is not None]
    estimated = [usage for usage, state in known if state is UsageState.ESTIMATED]
    return CallTotals(
        requests=len(billed),
        usage=TokenUsage.sum(usage for usage, _ in known),
        cost=total(call.cost for call in billed),
        unknown_requests=sum(call.usage_state is UsageState.UNKNOWN for call in billed),
        estimated_requests=len(estimated),
        unpriced_requests=sum(call.cost.nano_usd is None for call in billed),
        failed_requests=len(everything) - len(billed),
        estimated_usage=TokenUsage.sum(estimated),
        stated=_stated(billed),
    )


def _stated(billed: Iterable[LlmCall]) -> StatedCost:
    both = [
        (call.stated_nano_usd, call.cost.nano_usd)
        for call in billed
        if call.stated_nano_usd is not None and call.cost.nano_usd is not None
    ]
    return StatedCost(len(both), sum(stated for stated, _ in both), sum(computed for _, computed in both))
