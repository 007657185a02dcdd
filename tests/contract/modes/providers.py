"""Every provider's own client: plain, streamed, with tools, structured."""

import asyncio
import functools

from contract.modes.stage import Mode, Ran, Stage, kickoff
from contract.modes.structured import schema_answer, shape
from contract.modes.tools import LOOKUP, lookup_tool

LITELLM = ("litellm",)
CHAT, SHAPED = "Analyst/task-0/chat", "Analyst/task-0/structured_output"


def anthropic(stage: Stage, **options):
    return stage.llm("anthropic/claude-sonnet-4-5", base_url=stage.url, **options)


def gemini(stage: Stage, **options):
    from crewai import LLM

    address = {"http_options": {"base_url": stage.url}}
    return LLM(model="gemini/gemini-2.5-flash", api_key="any", client_params=address, **options)


def responses(stage: Stage, **options):
    return stage.llm(api="responses", **options)


def bedrock(stage: Stage, **options):  # its address comes from the environment
    from crewai import LLM

    return LLM(
        model="bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        region_name="us-east-1",
        **options,
    )


def azure(stage: Stage, **options):
    from crewai import LLM

    endpoint = f"{stage.url}/openai/deployments/gpt-4o-mini"
    return LLM(model="azure/gpt-4o-mini", api_key="any", endpoint=endpoint, **options)


def litellm(stage: Stage, **options):
    return stage.llm(**{"is_litellm": True} | options)


def _plain(make, stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(llm=make(stage))))


def _streamed(make, stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(llm=make(stage, stream=True))))


def _tools(make, stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(llm=make(stage), tools=[lookup_tool()])))


def _streamed_tools(make, stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(llm=make(stage, stream=True), tools=[lookup_tool()])))


def _asynchronous(make, stage: Stage) -> Ran:
    crew = stage.crew(stage.agent(llm=make(stage)))
    return Ran(crew, asyncio.run(crew.akickoff()))


def _structured(make, stage: Stage) -> Ran:
    agent = stage.agent(llm=make(stage))
    return kickoff(stage.crew(agent, tasks=[stage.task(agent, "task-0", output_pydantic=shape())]))


def asked_in_every_way(
    name: str, make, *, needs: tuple[str, ...] = (), alone: tuple[str, ...] = ()
) -> list[Mode]:
    """A mode for each way to ask; those in `alone` read the environment, and are not run twice at once."""
    ways = {
        "plain": (_plain, [CHAT], ()),
        "streamed": (_streamed, [CHAT], ()),
        "tools": (_tools, [CHAT, CHAT], [LOOKUP]),
        "streamed tools": (_streamed_tools, [CHAT, CHAT], [LOOKUP]),
        "structured": (_structured, [SHAPED], schema_answer),
        "async": (_asynchronous, [CHAT], ()),
    }
    if name == "Bedrock":  # crewai takes a streamed tool call for the answer, and never calls the tool
        ways["streamed tools"] = (_streamed_tools, [CHAT], [LOOKUP])
    return [
        Mode(
            f"{name}, {way}",
            functools.partial(run, make),
            who,
            replies,
            needs=needs,
            twice=way not in alone,
        )
        for way, (run, who, replies) in ways.items()
    ]


ALL = ("plain", "streamed", "tools", "streamed tools", "structured", "async")
MODES = (
    *asked_in_every_way("OpenAI Responses", responses),
    *asked_in_every_way("Anthropic", anthropic),
    *asked_in_every_way("Gemini", gemini),
    *asked_in_every_way("Bedrock", bedrock, needs=("boto3",), alone=ALL),
    *asked_in_every_way("Azure", azure, needs=("azure.ai.inference",)),
)
