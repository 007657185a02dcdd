"""Guardrails: judged by a model, with retries, and by code."""

import json

from contract.modes.stage import Mode, Ran, Stage, kickoff
from meter import Reply, RequestSummary

CHAT, JUDGE = "Analyst/task-0/chat", "Guardrail Agent/task-0/guardrail"


def verdicts(*valid: bool):
    """Judgements in order; every other request gets an ordinary answer."""
    waiting = list(valid)

    def answer(request: RequestSummary) -> Reply:
        if "complies with the" in request.prompt:
            return Reply(text=json.dumps({"valid": waiting.pop(0), "feedback": "shorter"}))
        return Reply()

    return answer


class Verdicts:
    """A script for every run of its own: each run begins with the first judgement."""

    def __init__(self, *valid: bool) -> None:
        self.valid = valid

    def fresh(self):
        return verdicts(*self.valid)


def on_own_llm(stage: Stage) -> Ran:
    agent = stage.agent()
    task = stage.task(agent, "task-0", guardrail="At most ten words.", guardrail_max_retries=2)
    return kickoff(stage.crew(agent, tasks=[task]))


def on_another_llm(stage: Stage) -> Ran:
    from crewai.tasks.llm_guardrail import LLMGuardrail

    agent = stage.agent()
    judge = LLMGuardrail(description="At most ten words.", llm=stage.llm("openai/gpt-4o"))
    task = stage.task(agent, "task-0", guardrail=judge, guardrail_max_retries=2)
    return kickoff(stage.crew(agent, tasks=[task]))


def by_code(stage: Stage) -> Ran:
    seen = []

    def judge(output):
        seen.append(output)
        return (len(seen) > 1, output.raw if len(seen) > 1 else "again")

    agent = stage.agent()
    return kickoff(
        stage.crew(agent, tasks=[stage.task(agent, "task-0", guardrail=judge, guardrail_max_retries=2)])
    )


MODES = (
    Mode("LLM guardrail", on_own_llm, [CHAT, JUDGE], Verdicts(True).fresh),
    Mode(
        "LLM guardrail with a retry",
        on_own_llm,
        [CHAT, JUDGE, CHAT, JUDGE],
        Verdicts(False, True).fresh,
    ),
    Mode(
        "LLM guardrail on another LLM",
        on_another_llm,
        [CHAT, JUDGE, CHAT, JUDGE],
        Verdicts(False, True).fresh,
    ),
    Mode("guardrail in code with a retry", by_code, [CHAT, CHAT]),
)
