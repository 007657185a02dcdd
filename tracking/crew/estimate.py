"""What a run will probably use and cost, before it is made. Always shown as an estimate, with its range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tracking.crew.catalog import Catalog
from tracking.crew.prompts import TaskPrompt, for_spec
from tracking.domain.cost import Cost, CostState, total
from tracking.domain.spec import ContextMode, RunSpec
from tracking.domain.usage import TokenUsage
from tracking.pricing.book import PriceBook

# English prose runs to about four characters a token in the tokenizers of all listed models.
_CHARACTERS_PER_TOKEN = 4
# CrewAI wraps role, goal, backstory and the expected output in sentences of its own (measured on 1.15.30).
_FRAME_CHARACTERS = 460
# How much of the allowed output is used: seldom none, at most all.
_OUTPUT_LOW, _OUTPUT_LIKELY, _OUTPUT_HIGH = 0.3, 0.7, 1.0


@dataclass(frozen=True, slots=True)
class TaskEstimate:
    """Tokens of one task: the likely figure and its range, both ends included."""

    name: str
    agent_name: str
    model: str
    tokens: int
    low: int
    high: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Estimate:
    tasks: tuple[TaskEstimate, ...]

    @property
    def tokens(self) -> int:
        return sum(task.tokens for task in self.tasks)

    @property
    def low(self) -> int:
        return sum(task.low for task in self.tasks)

    @property
    def high(self) -> int:
        return sum(task.high for task in self.tasks)

    @property
    def cost(self) -> Cost:
        return total(task.cost for task in self.tasks)


def estimate(spec: RunSpec, catalog: Catalog, prompts: Sequence[TaskPrompt], book: PriceBook) -> Estimate:
    """Count what is known (the prompts) and assume what is not (how much of the allowed output is used)."""
    likely = {prompt.name: round(spec.settings.max_output_tokens * _OUTPUT_LIKELY) for prompt in prompts}
    return Estimate(tuple(_task(spec, catalog, prompt, likely, book) for prompt in prompts))


def estimate_many(
    specs: Iterable[RunSpec], catalog: Catalog, prompts: Sequence[TaskPrompt], book: PriceBook
) -> Estimate:
    """What runs of the same crew will probably take together.

    Each with its own models, limits and contexts; what varies in the words of its prompts is small beside
    the range.
    """
    each = (estimate(spec, catalog, for_spec(prompts, spec, catalog), book) for spec in specs)
    return Estimate(tuple(task for one in each for task in one.tasks))


def _task(
    spec: RunSpec, catalog: Catalog, prompt: TaskPrompt, likely: dict[str, int], book: PriceBook
) -> TaskEstimate:
    agent = prompt.agent
    characters = _FRAME_CHARACTERS + sum(
        map(len, (agent.role, agent.goal, agent.backstory, prompt.description, prompt.expected_output))
    )
    shown = sum(_shown(spec, likely[name]) for name in prompt.context)
    input_tokens = characters // _CHARACTERS_PER_TOKEN + shown
    most = spec.settings.max_output_tokens
    model = catalog.models[prompt.model]
    usage = TokenUsage(input_tokens=input_tokens, output_tokens=likely[prompt.name])
    cost = book.price(model.model, usage, provider=model.provider, at=datetime.now(UTC))
    if cost.state is CostState.KNOWN:
        cost = Cost(cost.nano_usd, CostState.ESTIMATED, cost.receipt)
    return TaskEstimate(
        name=prompt.name,
        agent_name=agent.role,
        model=prompt.model,
        tokens=input_tokens + likely[prompt.name],
        low=round(input_tokens * 0.85) + round(most * _OUTPUT_LOW),
        high=round(input_tokens * 1.15) + round(most * _OUTPUT_HIGH),
        cost=cost,
    )


def _shown(spec: RunSpec, output_tokens: int) -> int:
    if spec.settings.context_mode is ContextMode.TRIMMED:
        return min(output_tokens, spec.settings.context_tokens)
    return output_tokens
