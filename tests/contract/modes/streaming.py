"""Streams: of the LLM, of the crew, let go of early, and with every way to report usage."""

import asyncio

from contract.modes.stage import Mode, Ran, Stage, ask, kickoff
from meter import Reply

ANALYST = "Analyst/task-0/chat"
LOOKUP = Reply(tool_calls=[("lookup", {"region": "north"})])


def llm_streaming(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(llm=stage.llm(stream=True))))


def crew_streaming(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent(), stream=True)
    streaming = crew.kickoff()
    for _ in streaming:
        pass
    return Ran(crew, streaming.result)


def async_crew_streaming(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent(), stream=True)

    async def consume():
        streaming = await crew.kickoff_async()
        async for _ in streaming:
            pass
        return streaming.result

    return Ran(crew, asyncio.run(consume()))


def async_llm_streaming(stage: Stage) -> Ran:
    crew = stage.crew(stage.agent(llm=stage.llm(stream=True)))
    return Ran(crew, asyncio.run(crew.akickoff()))


def streaming_tools(stage: Stage) -> Ran:
    from contract.modes.tools import lookup_tool

    agent = stage.agent(llm=stage.llm(stream=True), tools=[lookup_tool()])
    return kickoff(stage.crew(agent))


def raw_stream_without_usage(stage: Stage) -> None:
    with stage.client() as client:
        for _ in ask(client, stream=True):
            pass


def abandoned_stream(stage: Stage) -> None:
    with stage.client() as client:
        stream = ask(client, stream=True, stream_options={"include_usage": True})
        next(iter(stream))
        stream.close()


MODES = (
    Mode("LLM streaming", llm_streaming, [ANALYST]),
    Mode("LLM streaming, akickoff", async_llm_streaming, [ANALYST]),
    Mode("crew streaming", crew_streaming, [ANALYST]),
    Mode("crew streaming, async", async_crew_streaming, [ANALYST]),
    Mode(
        "streaming tools",
        streaming_tools,
        ["Analyst/task-0/chat", "Analyst/task-0/chat"],
        [LOOKUP],
    ),
    # crewai takes a chunk with usage for one without text, finds nothing was said, and asks again.
    Mode("usage on every chunk", llm_streaming, [ANALYST] * 2, [Reply(usage_mode="every_chunk")]),
    Mode("usage so far on every chunk", llm_streaming, [ANALYST] * 2, [Reply(usage_mode="cumulative")]),
    Mode("no usage, streamed", llm_streaming, [ANALYST], [Reply(usage_mode="missing")], estimated=1),
    Mode("raw stream that asks for no usage", raw_stream_without_usage, ["-/-/chat"], estimated=1),
    Mode("abandoned stream", abandoned_stream, ["-/-/chat"], estimated=1),
)
