"""What a mode is, and the pieces of a crew it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from meter import Reply, RequestSummary

Script = Callable[[RequestSummary], Reply]

# What each protocol has a field for. Only that is scripted, so that everything scripted is comparable.
_CARRIES: dict[str, frozenset[str]] = {
    "openai.chat": frozenset({"read", "write", "reasoning"}),
    "azure.chat": frozenset({"read", "write", "reasoning"}),
    "openai.responses": frozenset({"read", "write", "reasoning"}),
    "anthropic.messages": frozenset({"read", "write"}),
    "gemini.generate": frozenset({"read", "reasoning"}),
    "bedrock.converse": frozenset({"read", "write"}),
    "bedrock.invoke": frozenset({"read", "write"}),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a mode leaves behind for crewai's own figures. None: there is no such thing in this mode."""

    crew: Any = None
    result: Any = None


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run.

    Attributes:
        before: what happened before tracking began; its outcome is the stage's `prepared`.
        who: `agent/task/purpose` of each billed request, in order; `-` where there is none.
        replies: scripted answers in order, or a function of the request; counts are filled in, but where
            something is estimated: there the meter counts what was said, four characters a token.
        unknown: how many of the requests must be shown as unknown: nobody said, and nothing can be counted.
        estimated: how many must be shown as estimated: nobody said, or not to the end.
        ordered: whether requests are sent one after the other, so that `who` can be compared in order.
        twice: whether two runs at once are tried as well (not where a mode reads the environment).
        needs: packages without which the mode is left out.
    """

    name: str
    run: Callable[[Stage], Ran | None]
    who: Sequence[str]
    replies: Sequence[Reply] | Script = ()
    unknown: int = 0
    estimated: int = 0
    ordered: bool = True
    twice: bool = True
    needs: tuple[str, ...] = ()
    before: Callable[[Stage], Any] | None = None


class Stage:
    """Makes agents, tasks and crews that talk to one meter."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.prepared: Any = None

    def llm(self, model: str = "openai/gpt-4o-mini", **options: Any) -> Any:
        from crewai import LLM

        return LLM(model=model, **{"api_key": "any", "base_url": f"{self.url}/v1"} | options)

    def agent(self, role: str = "Analyst", llm: Any = None, **options: Any) -> Any:
        from crewai import Agent

        return Agent(role=role, goal="answer", backstory="brief", llm=llm or self.llm(), **options)

    def task(self, agent: Any, name: str = "compare", **options: Any) -> Any:
        from crewai import Task

        asked = {"description": f"Do {name}.", "expected_output": "words"} | options
        return Task(name=name, agent=agent, **asked)

    def crew(self, *agents: Any, tasks: Sequence[Any] | None = None, **options: Any) -> Any:
        """One task per agent, named `task-0`, `task-1` ..., unless tasks are given."""
        from crewai import Crew

        made = [self.task(agent, f"task-{i}") for i, agent in enumerate(agents)] if tasks is None else tasks
        return Crew(agents=list(agents), tasks=list(made), **options)

    def client(self, **options: Any) -> Any:
        """A raw OpenAI client, as a tool of somebody's own would use it."""
        from openai import OpenAI

        return OpenAI(base_url=f"{self.url}/v1", api_key="any", **options)


def kickoff(crew: Any, **options: Any) -> Ran:
    return Ran(crew, crew.kickoff(**options))


def ask(client: Any, text: str = "hello", **options: Any) -> Any:
    return client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **options
    )


def numbered(replies: Sequence[Reply] | Script) -> Script:
    """The replies with counts that differ from request to request, and every part of them present."""
    waiting = None if callable(replies) else iter(tuple(replies))

    def answer(request: RequestSummary) -> Reply:
        reply = replies(request) if waiting is None else next(waiting, Reply())
        carried = _CARRIES.get(request.protocol, frozenset())
        number = request.index
        return replace(
            reply,
            input_tokens=1000 + 10 * number if reply.input_tokens is None else reply.input_tokens,
            output_tokens=100 + number if reply.output_tokens is None else reply.output_tokens,
            cache_read_input_tokens=50 + number if "read" in carried else 0,
            cache_creation_input_tokens=20 + number if "write" in carried else 0,
            reasoning_output_tokens=10 + number if "reasoning" in carried else 0,
        )

    return answer
