"""What each task of a run will say, before any model is asked: preview, estimate and crew read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracking.crew.catalog import AgentEntry, Catalog, TaskEntry
from tracking.crew.inputs import lines
from tracking.dataset.briefing import briefing, figures_markdown
from tracking.dataset.choices import select
from tracking.dataset.sales import SalesData
from tracking.domain.spec import ContextMode, RunSpec


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """One task as the crew will be given it. `context` names the earlier tasks whose outputs it is shown."""

    position: int
    name: str
    agent: AgentEntry
    model: str
    description: str
    expected_output: str
    context: tuple[str, ...]
    figures: str


def task_prompts(spec: RunSpec, catalog: Catalog, data: SalesData) -> list[TaskPrompt]:
    """The tasks of the chosen agents, in the declared order.

    Raises:
        DatasetError: the spec's filters leave no rows.
    """
    chosen = catalog.tasks_of(spec.agents)
    part = select(data, spec.market.regions, spec.market.categories, spec.market.brands)
    return [
        TaskPrompt(
            position=position,
            name=task.name,
            agent=catalog.agents[task.agent],
            model=spec.model_of(task.agent),
            description=_description(task, spec, part),
            expected_output=task.expected_output,
            context=_context(task, spec, chosen[:position]),
            figures=_figures(task, spec, part),
        )
        for position, task in enumerate(chosen)
    ]


def for_spec(prompts: Sequence[TaskPrompt], spec: RunSpec, catalog: Catalog) -> list[TaskPrompt]:
    """The same tasks with another spec's models and contexts; their words stay those of the first."""
    tasks = [catalog.tasks[prompt.name] for prompt in prompts]
    return [
        replace(
            prompt,
            model=spec.model_of(prompt.agent.name),
            context=_context(task, spec, tasks[: prompt.position]),
        )
        for prompt, task in zip(prompts, tasks, strict=True)
    ]


def _description(task: TaskEntry, spec: RunSpec, data: SalesData) -> str:
    figures = briefing(data, task.briefing, periods=spec.market.forecast_periods)
    return "\n".join([task.description, *lines(spec, task.inputs, data.currency), "Figures:", figures])


def _figures(task: TaskEntry, spec: RunSpec, data: SalesData) -> str:
    expected = spec.market.expected_revenue if "expected_revenue" in task.inputs else None
    return figures_markdown(
        data,
        task.briefing,
        periods=spec.market.forecast_periods,
        expected_revenue=None if expected is None else float(expected),
    )


def _context(task: TaskEntry, spec: RunSpec, earlier: Sequence[TaskEntry]) -> tuple[str, ...]:
    if spec.settings.context_mode is ContextMode.ALL:
        return tuple(other.name for other in earlier)
    present = {other.name for other in earlier}
    return tuple(name for name in task.context if name in present)
