"""Models of the user's own: one that reports usage, one that does not, one that says nothing at all."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

from contract.modes.stage import Mode, Ran, Stage, ask, kickoff

CHAT = "Analyst/task-0/chat"


def _own_model(stage: Stage, *, events: bool, reports: bool, counts: bool, threads: bool = False):
    from crewai import BaseLLM
    from crewai.events.types.llm_events import LLMCallType
    from crewai.llms.base_llm import llm_call_context

    class OwnModel(BaseLLM):
        def call(self, messages, *args, from_task=None, from_agent=None, **kwargs):
            with llm_call_context():
                if events:
                    self._emit_call_started_event(messages, from_task=from_task, from_agent=from_agent)
                with stage.client() as client, ThreadPoolExecutor(1) as pool:
                    text = str(messages)
                    answer = pool.submit(ask, client, text).result() if threads else ask(client, text)
                usage = answer.usage.model_dump() if reports else None
                if counts:
                    self._track_token_usage_internal(answer.usage.model_dump())
                text = answer.choices[0].message.content
                if events:
                    self._emit_call_completed_event(
                        text, LLMCallType.LLM_CALL, from_task, from_agent, usage=usage
                    )
                return text

    return OwnModel(model="mine", provider="own")


def reporting(stage: Stage) -> Ran:
    llm = _own_model(stage, events=True, reports=True, counts=True)
    return kickoff(stage.crew(stage.agent(llm=llm)))


def silent_about_usage(stage: Stage) -> Ran:
    llm = _own_model(stage, events=True, reports=False, counts=False)
    return kickoff(stage.crew(stage.agent(llm=llm)))


def without_events(stage: Stage) -> Ran:
    llm = _own_model(stage, events=False, reports=False, counts=False)
    return kickoff(stage.crew(stage.agent(llm=llm)))


def on_a_thread(stage: Stage) -> Ran:
    """Its request has lost the context, its events have not: it is one call, whose agent can't be told."""
    llm = _own_model(stage, events=True, reports=True, counts=True, threads=True)
    return kickoff(stage.crew(stage.agent(llm=llm)))


def on_a_thread_without_usage(stage: Stage) -> Ran:
    llm = _own_model(stage, events=True, reports=False, counts=False, threads=True)
    return kickoff(stage.crew(stage.agent(llm=llm)))


def raising(stage: Stage) -> None:
    """Its call is never announced as ended; what is asked next is none of it."""
    from crewai import BaseLLM
    from crewai.llms.base_llm import llm_call_context

    class RaisingModel(BaseLLM):
        def call(self, messages, *args, from_task=None, from_agent=None, **kwargs):
            with llm_call_context():
                self._emit_call_started_event(messages, from_task=from_task, from_agent=from_agent)
                raise NotImplementedError

    agent = stage.agent(llm=RaisingModel(model="mine", provider="own"), max_retry_limit=0)
    with contextlib.suppress(NotImplementedError):
        stage.crew(agent).kickoff()
    with stage.client() as client:
        ask(client)


MODES = (
    Mode("custom BaseLLM that reports", reporting, [CHAT]),
    Mode("custom BaseLLM that does not report", silent_about_usage, [CHAT]),
    Mode("custom BaseLLM that emits no events", without_events, [CHAT]),
    Mode("custom BaseLLM that asks on a thread", on_a_thread, ["-/-/chat"], twice=False),
    Mode("the same, and does not report", on_a_thread_without_usage, ["-/-/chat"], twice=False),
    Mode("custom BaseLLM that raises, then a raw client", raising, ["-/-/chat"]),
)
