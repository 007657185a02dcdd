"""What goes wrong: refused requests, crashes, cuts, silence about usage, an overflowing context."""

import contextlib

from contract.modes import tools
from contract.modes.stage import Mode, Ran, Stage, kickoff
from meter import Reply

CHAT, RETRY = "Analyst/task-0/chat", "Analyst/task-0/retry"


def one(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent()))


def crash(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent("Analyst"), stage.agent("Writer", max_retry_limit=0))
    with contextlib.suppress(Exception):
        crew.kickoff()
    return Ran(crew)


def cut(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent(llm=stage.llm(stream=True, max_retries=0), max_retry_limit=0))
    result = None
    with contextlib.suppress(Exception):
        result = crew.kickoff()
    return Ran(crew, result)


OVERFLOW = Reply(
    status=400,
    error_message="This model's maximum context length is 8192 tokens. context_length_exceeded",
)

MODES = (
    Mode("429 then success", one, [RETRY], [Reply(status=429)]),
    Mode("500 then success", one, [RETRY], [Reply(status=500)]),
    Mode("a crash mid-crew", crash, ["Analyst/task-0/chat"], [Reply(), *[Reply(status=400)] * 9]),
    Mode("a cut stream", cut, [CHAT], [Reply(cut_after_chunks=2)], unknown=1),
    Mode("no usage, plain", one, [CHAT], [Reply(usage_mode="missing")], unknown=1),
    Mode("context overflow with summarising", tools.native, [CHAT] * 3, [tools.LOOKUP, OVERFLOW]),
)
