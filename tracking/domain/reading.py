"""Readings: what each source says a run used; and the verdict: which of them is shown, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tracking.domain.cost import CostState


class Source(StrEnum):
    CREW_METRICS = "crew_metrics"  # crew.usage_metrics
    RESULT = "result"  # result.token_usage, then result.usage_metrics
    TRACKER = "tracker"  # the call ledger
    NONE = "none"


class Verification(StrEnum):
    VERIFIED = "verified"  # it equals the call ledger
    LEDGER = "ledger"  # it is the call ledger, because the others were refuted or absent
    UNVERIFIED = "unverified"  # there is no call ledger to check it against
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one source says. `found_in` names where it was found; None: it says nothing."""

    source: Source
    found_in: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    requests: int | None = None
    refuted: str | None = None  # why it is wrong, in words; None: it was not refuted

    @property
    def says_something(self) -> bool:
        """CrewAI's counters read 0 both when nothing was used and when nothing was reported."""
        return bool(self.total_tokens or self.requests)


class Uncounted(StrEnum):
    """What crewai's counters leave out, in words that end "misses ... tokens of"."""

    EMBEDDINGS = "embeddings"
    PLANNING = "the planner, whose model is none of the agents'"
    TOOL_CALLING = "the function-calling model, which is none of the agents'"
    GUARDRAIL = "a guardrail, whose model is none of the agents'"
    EVALUATION = "the evaluation, whose model is none of the agents'"
    MEMORY = "memory, written after crewai had added up"
    OUTSIDE = "models outside the crew's agents"
    OTHER_CLIENT = "requests of other clients, in tools or callbacks"
    UNREAD = "answers that were billed, but that crewai could not parse"
    NOT_PASSED_ON = "answers whose usage crewai does not pass on"


@dataclass(frozen=True, slots=True)
class CrewFacts:
    """What crewai's own counters look like, without what they mean.

    Attributes:
        agents_sharing: the most agents that share one LLM object (1: none do).
        counted_again: tokens that `crew.usage_metrics` adds once more for every further sharing agent.
        earlier: tokens that the counters held before this kickoff.
        uncounted: tokens that were seen, and that no counter of the crew's holds.
        late: tokens of the crew's own models for memory, which may come after crewai has added up.
        untracked: agents that worked without any model call that could be seen.
        unattributed_requests: billed requests that are this run's or another's.
    """

    agents_sharing: int = 1
    counted_again: int = 0
    earlier: int = 0
    uncounted: tuple[tuple[Uncounted, int], ...] = ()
    late: int = 0
    untracked: tuple[str, ...] = ()
    unattributed_requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMetrics(Mapping[str, Any]):
    """The figures of a run, with where they come from. Readable as attributes and as a mapping.

    Attributes:
        total_tokens: input plus output; None when nobody said.
        total_cost: US dollars; None when nothing could be priced. With `cost_state` partial: at least this.
        requests_made: billed requests.
        cost_per_token: US dollars per token; None without both.
        tokens_per_request: mean; None without both.
        unknown_requests, estimated_requests, unpriced_requests: billed requests outside the sums, or not
            reported by the provider.
        estimated_tokens: the part of `total_tokens` that no provider reported; None when it can't be told.
        untracked: agents that worked without any model call that could be seen; theirs are in no figure.
        unattributed_requests: billed requests that are this run's or another's; they are in no figure.
        lower_bound: the run was ended from outside, and a call that was open then may be billed: tokens, cost
            and requests are at least these.
        source: which reading is shown; `verification`: how sure that is; `caption`: both in a sentence.
        readings: all three, the refuted ones with their reason.
    """

    total_tokens: int | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_input_tokens: int | None
    cache_creation_input_tokens: int | None
    reasoning_output_tokens: int | None
    total_cost: Decimal | None
    cost_state: CostState
    requests_made: int | None
    cost_per_token: Decimal | None
    tokens_per_request: float | None
    unknown_requests: int = 0
    estimated_requests: int = 0
    estimated_tokens: int | None = None
    unpriced_requests: int = 0
    failed_requests: int = 0
    untracked: tuple[str, ...] = ()
    unattributed_requests: int = 0
    lower_bound: bool = False
    source: Source
    verification: Verification
    caption: str
    readings: tuple[Reading, ...] = ()

    def __getitem__(self, key: str) -> Any:
        if key not in self.__dataclass_fields__:
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dataclass_fields__)

    def __len__(self) -> int:
        return len(self.__dataclass_fields__)

    def to_json(self) -> dict[str, Any]:
        """As JSON types; money as a decimal string."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["readings"] = [dataclasses.asdict(reading) for reading in self.readings]
        for name in ("total_cost", "cost_per_token"):
            values[name] = None if values[name] is None else str(values[name])
        return values

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TokenMetrics:
        """The inverse of `to_json`."""
        values = dict(data)
        for name in ("total_cost", "cost_per_token"):
            values[name] = None if values[name] is None else Decimal(values[name])
        values["cost_state"] = CostState(values["cost_state"])
        values["untracked"] = tuple(data.get("untracked", ()))
        values["source"] = Source(values["source"])
        values["verification"] = Verification(values["verification"])
        values["readings"] = tuple(Reading(**{**r, "source": Source(r["source"])}) for r in data["readings"])
        return cls(**values)
