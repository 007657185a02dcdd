"""Sequential crews: whose LLM objects they use, and how often they are kicked off."""

import asyncio

from contract.modes.stage import Mode, Ran, Stage, kickoff

ROLES = ("Analyst", "Writer", "Editor")


def in_turn(*purposes: str) -> list[str]:
    """Three agents with a task each."""
    return [f"{role}/task-{i}/chat" for i, role in enumerate(ROLES)]


def three(stage: Stage, llms):
    return stage.crew(*(stage.agent(role, llm) for role, llm in zip(ROLES, llms, strict=True)))


def one_agent(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent()))


def own_llms(stage: Stage) -> Ran:
    return kickoff(three(stage, [stage.llm() for _ in ROLES]))


def shared_llm(stage: Stage) -> Ran:
    return kickoff(three(stage, [stage.llm()] * 3))


def string_llm(stage: Stage) -> Ran:
    return kickoff(three(stage, ["openai/gpt-4o-mini"] * 3))


def three_models(stage: Stage) -> Ran:
    names = ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini")
    return kickoff(three(stage, [stage.llm(f"openai/{name}") for name in names]))


def same_crew_twice(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent())
    crew.kickoff()
    return kickoff(crew)


def crew_that_ran(stage: Stage):
    crew = stage.crew(stage.agent())
    crew.kickoff()
    return crew


def once_more(stage: Stage) -> Ran:
    return kickoff(stage.prepared)


def llm_reused_by_a_second_crew(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent("Writer", stage.prepared.agents[0].llm)))


def for_each(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent())
    results = crew.kickoff_for_each(inputs=[{"x": "1"}, {"x": "2"}, {"x": "3"}])
    return Ran(crew, results[-1])


def kickoff_async(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent())
    return Ran(crew, asyncio.run(crew.kickoff_async()))


def akickoff(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent())
    return Ran(crew, asyncio.run(crew.akickoff()))


def for_each_async(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent())
    results = asyncio.run(crew.kickoff_for_each_async(inputs=[{"x": "1"}, {"x": "2"}]))
    return Ran(crew, results[-1])


def outside_agent(stage: Stage) -> Ran:
    inside, outside = stage.agent("Analyst"), stage.agent("Writer")
    tasks = [stage.task(inside, "task-0"), stage.task(outside, "task-1")]
    return kickoff(stage.crew(inside, tasks=tasks))


def copied_crew(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent())
    crew.kickoff()
    return kickoff(crew.copy())


ANALYST = "Analyst/task-0/chat"
MODES = (
    Mode("one agent", one_agent, [ANALYST]),
    Mode("three agents, own LLMs", own_llms, in_turn()),
    Mode("three agents, one shared LLM", shared_llm, in_turn()),
    Mode("three agents, LLM by name", string_llm, in_turn(), twice=False),
    Mode("three agents, three models", three_models, in_turn()),
    Mode("same crew twice", same_crew_twice, [ANALYST] * 2),
    Mode("copied crew", copied_crew, [ANALYST] * 2),
    # What runs untracked in another thread goes to the one open block: so these not twice at once.
    Mode("same crew, its second run alone", once_more, [ANALYST], twice=False, before=crew_that_ran),
    Mode(
        "LLM reused by a second crew",
        llm_reused_by_a_second_crew,
        ["Writer/task-0/chat"],
        twice=False,
        before=crew_that_ran,
    ),
    Mode("kickoff_for_each", for_each, [ANALYST] * 3),
    Mode("kickoff_async", kickoff_async, [ANALYST]),
    Mode("akickoff", akickoff, [ANALYST]),
    Mode("kickoff_for_each_async", for_each_async, [ANALYST] * 2, ordered=False),
    Mode("a task's agent outside the crew", outside_agent, [ANALYST, "Writer/task-1/chat"]),
)
