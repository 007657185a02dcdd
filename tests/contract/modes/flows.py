"""Flows, agents and models used without a crew, and crewai's own test."""

import asyncio
import json

from contract.modes.stage import Mode, Ran, Stage
from meter import Reply, RequestSummary

SCORE = Reply(text=json.dumps({"quality": 8}))


def flow(stage: Stage) -> Ran:
    from crewai.flow.flow import Flow, listen, start

    crew = stage.crew(stage.agent())

    class Report(Flow):
        @start()
        def ask(self):
            return stage.llm("openai/gpt-4o").call("what?")

        @listen(ask)
        def write(self):
            return crew.kickoff()

    return Ran(crew, Report().kickoff())


def agent_kickoff(stage: Stage) -> Ran:
    return Ran(None, stage.agent().kickoff("hello"))


def agent_kickoff_async(stage: Stage) -> Ran:
    return Ran(None, asyncio.run(stage.agent().kickoff_async("hello")))


def llm_call(stage: Stage) -> None:
    stage.llm().call("hello")


def llm_acall(stage: Stage) -> None:
    asyncio.run(stage.llm().acall("hello"))


def crew_test(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent())
    crew.test(n_iterations=1, eval_llm=stage.llm("openai/gpt-4o"))
    return Ran(crew)


def evaluating(request: RequestSummary) -> Reply:
    return SCORE if "score from 1 to 10" in request.prompt else Reply()


MODES = (
    Mode("a Flow with a crew and a direct call", flow, ["-/-/chat", "Analyst/task-0/chat"]),
    Mode("Agent.kickoff", agent_kickoff, ["Analyst/-/chat"]),
    Mode("Agent.kickoff_async", agent_kickoff_async, ["Analyst/-/chat"]),
    Mode("LLM.call alone", llm_call, ["-/-/chat"]),
    Mode("LLM.acall alone", llm_acall, ["-/-/chat"]),
    Mode(
        "crew.test",
        crew_test,
        ["Analyst/task-0/chat", "Task Execution Evaluator/-/evaluation"],
        evaluating,
    ),
)
