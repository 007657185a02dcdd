"""litellm as crewai's way to a provider: its own client, or those of the providers it translates for."""

import asyncio
import functools

from contract.modes.hierarchical import DELEGATE, DELEGATED
from contract.modes.providers import LITELLM, asked_in_every_way, litellm
from contract.modes.stage import Mode, Ran, Stage, kickoff

CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"


def anthropic(stage: Stage, **options):
    return litellm(stage, model="anthropic/claude-sonnet-4-5", base_url=stage.url, **options)


def _on_bedrock(route: str):
    def make(stage: Stage, **options):
        from crewai import LLM

        return LLM(
            model=f"bedrock/{route}/{CLAUDE}",
            is_litellm=True,
            aws_bedrock_runtime_endpoint=stage.url,
            aws_access_key_id="any",
            aws_secret_access_key="any",
            aws_region_name="us-east-1",
            **options,
        )

    return make


def hierarchical(stage: Stage, **options) -> Ran:
    from crewai import Process

    agent = stage.agent(llm=litellm(stage, **options))
    manager = litellm(stage, model="openai/gpt-4o", **options)
    return kickoff(stage.crew(agent, process=Process.hierarchical, manager_llm=manager))


def streamed_hierarchical(stage: Stage) -> Ran:
    return hierarchical(stage, stream=True)


def acall(stage: Stage) -> None:
    asyncio.run(litellm(stage).acall("hello"))


def streamed_acall(stage: Stage) -> None:
    asyncio.run(litellm(stage, stream=True).acall("hello"))


# Structured output goes through instructor, which is not told the LLM's key and address.
_ways = functools.partial(asked_in_every_way, alone=("structured",))

MODES = (
    *_ways("litellm", litellm, needs=LITELLM),
    Mode("litellm, hierarchical", hierarchical, DELEGATED, [DELEGATE], needs=LITELLM),
    Mode("litellm, streamed hierarchical", streamed_hierarchical, DELEGATED, [DELEGATE], needs=LITELLM),
    Mode("litellm, LLM.acall", acall, ["-/-/chat"], needs=LITELLM),
    Mode("litellm, LLM.acall streamed", streamed_acall, ["-/-/chat"], needs=LITELLM),
    *_ways("litellm to Anthropic", anthropic, needs=LITELLM),
    *_ways("litellm to Bedrock", _on_bedrock("converse"), needs=(*LITELLM, "boto3")),
    *_ways("litellm to Bedrock's invoke", _on_bedrock("invoke"), needs=(*LITELLM, "boto3")),
)
