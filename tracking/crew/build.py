"""From a run spec to a crew that crewai can kick off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crewai import Agent, Crew, Process, Task
from pydantic import PrivateAttr

from tracking.crew.catalog import Catalog
from tracking.crew.models import Models
from tracking.crew.prompts import TaskPrompt
from tracking.crew.tools import SalesLookup
from tracking.dataset.sales import SalesData
from tracking.domain.spec import ContextMode, RunSpec

# About four characters a token, as in tracking.crew.estimate: the limit is a size, not an account.
_CHARACTERS_PER_TOKEN = 4

OnTask = Callable[[TaskPrompt, str | None], None]
"""Called when a task begins (text None) and when it has ended (its output's text)."""


class ReportedTask(Task):
    """A task that says when it begins and ends, and whose share of every earlier output can be limited."""

    _report: Callable[[str | None], None] = PrivateAttr()
    _context_characters: int | None = PrivateAttr(default=None)

    def reporting(self, report: Callable[[str | None], None], context_characters: int | None) -> ReportedTask:
        self._report = report
        self._context_characters = context_characters
        return self

    def execute_sync(self, agent: Any = None, context: str | None = None, tools: Any = None) -> Any:
        self._report(None)
        if self._context_characters is not None and isinstance(self.context, list):
            context = "\n\n".join(
                trimmed(task.output.raw, self._context_characters) for task in self.context if task.output
            )
        output = super().execute_sync(agent, context, tools)
        self._report(output.raw)
        return output


def trimmed(text: str, characters: int) -> str:
    """At most so many characters, cut at a word, with a sign that something is missing."""
    if len(text) <= characters:
        return text
    return text[:characters].rsplit(" ", 1)[0] + " …"


def build_crew(
    spec: RunSpec,
    catalog: Catalog,
    prompts: Sequence[TaskPrompt],
    data: SalesData,
    models: Models,
    on_task: OnTask,
) -> Crew:
    """The crew of a run, its tasks in the declared order.

    Raises:
        ModelUnavailable: an agent's model can't be used on this machine.
    """
    lookup = SalesLookup(data)
    agents = {prompt.agent.name: _agent(prompt, spec, catalog, models, lookup) for prompt in prompts}
    tasks: dict[str, ReportedTask] = {}
    for prompt in prompts:
        context = [tasks[name] for name in prompt.context]
        tasks[prompt.name] = _task(prompt, spec, agents[prompt.agent.name], context, on_task)
    crew = Crew(
        name=spec.preset,
        agents=list(agents.values()),
        tasks=list(tasks.values()),
        process=Process.sequential,
        cache=spec.settings.cache_tool_results,
        verbose=False,
    )
    _keep_nothing(crew)
    return crew


def _keep_nothing(crew: Crew) -> None:
    """Outputs have a store of their own, prompts have none; crewai would write both to a file, for a replay.

    It has no switch for that, only a private name.
    """
    if (handler := getattr(crew, "_task_output_handler", None)) is not None:
        handler.update = lambda *_: None


def _agent(prompt: TaskPrompt, spec: RunSpec, catalog: Catalog, models: Models, lookup: SalesLookup) -> Agent:
    entry = catalog.models[prompt.model]
    return Agent(
        role=prompt.agent.role,
        goal=prompt.agent.goal,
        backstory=prompt.agent.backstory,
        llm=models.llm(entry, spec.settings),
        tools=[lookup] if entry.tools else [],
        cache=spec.settings.cache_tool_results,
        allow_delegation=False,
        verbose=False,
    )


def _task(
    prompt: TaskPrompt, spec: RunSpec, agent: Agent, context: list[ReportedTask], on_task: OnTask
) -> ReportedTask:
    task = ReportedTask(
        name=prompt.name,
        description=prompt.description,
        expected_output=prompt.expected_output,
        agent=agent,
        context=list(context),
    )
    trims = spec.settings.context_mode is ContextMode.TRIMMED
    limit = spec.settings.context_tokens * _CHARACTERS_PER_TOKEN if trims else None
    return task.reporting(lambda text: on_task(prompt, text), limit)
