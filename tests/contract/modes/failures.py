"""What goes wrong: refused requests, crashes, cuts, silence about usage, an overflowing context."""

import contextlib
import functools

from contract.modes import providers, tools
from contract.modes.stage import Mode, Ran, Stage, ask, kickoff
from meter import Reply

CHAT, RETRY = "Analyst/task-0/chat", "Analyst/task-0/retry"


def one(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent()))


def crash(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent("Analyst"), stage.agent("Writer", max_retry_limit=0))
    with contextlib.suppress(Exception):
        crew.kickoff()
    return Ran(crew)


def cut(stage: Stage, make=Stage.llm, **options) -> Ran:
    crew = stage.crew(stage.agent(llm=make(stage, stream=True, **options), max_retry_limit=0))
    result = None
    with contextlib.suppress(Exception):
        result = crew.kickoff()
    return Ran(crew, result)


def silent(make, stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(llm=make(stage))))


def image(stage: Stage) -> None:
    with stage.client() as client:
        ask(client, [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}])


OVERFLOW = Reply(
    status=400,
    error_message="This model's maximum context length is 8192 tokens. context_length_exceeded",
)

CUT = [Reply(text="Demand is steady, and prices hold. " * 20, cut_after_chunks=9)]
SILENT = [Reply(usage_mode="missing")]

MODES = (
    Mode("429 then success", one, [RETRY], [Reply(status=429)]),
    Mode("500 then success", one, [RETRY], [Reply(status=500)]),
    Mode("a crash mid-crew", crash, ["Analyst/task-0/chat"], [Reply(), *[Reply(status=400)] * 9]),
    Mode("a cut stream", functools.partial(cut, max_retries=0), [CHAT], CUT, estimated=1),
    Mode(
        "a cut stream, Anthropic", functools.partial(cut, make=providers.anthropic), [CHAT], CUT, estimated=1
    ),
    Mode("a cut stream, Gemini", functools.partial(cut, make=providers.gemini), [CHAT], CUT, estimated=1),
    Mode("no usage, plain", one, [CHAT], SILENT, estimated=1),
    Mode("no usage, Anthropic", functools.partial(silent, providers.anthropic), [CHAT], SILENT, estimated=1),
    Mode("no usage, Gemini", functools.partial(silent, providers.gemini), [CHAT], SILENT, estimated=1),
    Mode("no usage, Responses", functools.partial(silent, providers.responses), [CHAT], SILENT, estimated=1),
    Mode("no usage, with an image", image, ["-/-/chat"], SILENT, unknown=1),
    Mode("context overflow with summarising", tools.native, [CHAT] * 3, [tools.LOOKUP, OVERFLOW]),
)
