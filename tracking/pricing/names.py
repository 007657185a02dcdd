"""How crewai, litellm, OpenRouter, Azure and Bedrock spell a model, and what a price list calls it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

# Models that run on the user's own machines: nobody sends a bill.
FREE_PROVIDERS: Final = frozenset({"local", "ollama", "ollama_chat", "hosted_vllm", "lm_studio", "llamafile"})
# another spelling -> the price list's. None: no list can know what this endpoint charges.
_PROVIDERS: Final[dict[str, str | None]] = {
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "gemini": "google",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "google_ai_studio": "google",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "aws.bedrock": "aws",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "az.ai.openai": "azure",
    "azure.ai.openai": "azure",
    "az.ai.inference": "azure",
    "azure.ai.inference": "azure",
    "text-completion-openai": "openai",
    "xai": "x-ai",
    "x_ai": "x-ai",
    "mistralai": "mistral",
    "mistral_ai": "mistral",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "openai_compatible": None,
    "custom_openai": None,
    "litellm_proxy": None,
}
# Prefixes that are spelled as the price list spells them.
_KNOWN: Final = frozenset((
    "openai", "anthropic", "google", "aws", "azure", "mistral", "deepseek", "groq", "x-ai", "openrouter",
    "cohere", "perplexity", "cerebras", "together", "fireworks", "novita", "moonshotai", "zai", "minimax",
    "voyageai", "databricks", "cloudflare",
))  # fmt: skip
# Parts of a path that say where a model is served, not which one it is.
_PLACES: Final = re.compile(
    r"^(?:models/|(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models/"
    r"|converse(?:_like)?/|invoke/|us-(?:east-[12]|west-2)/|responses/)"
)
_ARN: Final = re.compile(r"^arn:aws[\w-]*:bedrock:[^:]*:\d*:(?P<kind>[\w-]+)/(?P<model>.+)$")
_ARNS_OF_MODELS: Final = frozenset({"foundation-model", "inference-profile"})
# GovCloud's own prices, a fifth higher, are in no list: `us-gov.` is no such region.
_REGION: Final = re.compile(r"^(?:us|eu|apac|jp|au|in|ca|sa|me|af)\.(?=[a-z0-9-]+\.)")
_GOVERNMENT: Final = "us-gov."
_COMPACT_DATE: Final = re.compile(r"(?<=[-@])(20[2-3]\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")
# What may follow a name without making it another model: a date, a Bedrock version, a Google revision.
_DECORATION: Final = re.compile(
    r"(?:[-@]20[2-3]\d(?:-?)(?:0[1-9]|1[0-2])(?:-?)(?:0[1-9]|[12]\d|3[01]))?(?:-v\d+(?::\d+)?)?"
)
_DAY: Final = re.compile(r"[-@](20[2-3]\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")
_DECORATED: Final = re.compile(_DECORATION.pattern + "$")


class Reference(NamedTuple):
    """Who bills a model (None: its name must tell), and what it is called there."""

    provider: str | None
    model: str


def reference(provider: str | None, model: str) -> Reference:
    """Take a spelling apart. `provider` is who sent the bill, where that is known."""
    provider, model = provider.strip().lower() if provider else None, model.strip().lower()
    if provider == "openrouter":  # its own names are `vendor/model`
        return Reference(provider, model.removeprefix("openrouter/"))
    while True:
        model = _PLACES.sub("", model)
        prefix, slash, rest = model.partition("/")
        if prefix == "openrouter" and slash and provider is None:
            return Reference(prefix, rest)
        if not slash or not is_provider_name(prefix) or (provider and not _same(provider, prefix)):
            break
        provider, model = provider or prefix, rest
    if found := _ARN.match(model):
        return Reference(provider or "aws", _bedrock(found))
    return Reference(provider, model)


def canonical(provider: str) -> str | None:
    """A provider's name in the price list; None: none can know it."""
    return _PROVIDERS.get(provider, provider)


def is_provider_name(name: str) -> bool:
    """Whether a path's first part names who bills, not a part of the model's own name."""
    return name in _PROVIDERS or name in FREE_PROVIDERS or name in _KNOWN


def without_region(model: str) -> str:
    """A Bedrock model's own id: without the region its requests are routed to."""
    return _REGION.sub("", model)


def is_for_government(model: str) -> bool:
    return model.startswith(_GOVERNMENT)


def with_dashes(model: str) -> str:
    """OpenAI's way to write a snapshot's date, where litellm or OpenRouter wrote it without dashes."""
    return _COMPACT_DATE.sub(r"\1-\2-\3", model)


def bare(model: str) -> str:
    """The name without what may follow one, if anything does."""
    return _DECORATED.sub("", model)


def snapshot_day(model: str) -> datetime | None:
    """The day in a dated name, its first moment in UTC; a day that no month has never comes."""
    found = _DAY.search(model)
    if found is None:
        return None
    year, month, day = map(int, found.groups())
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def is_decoration(rest: str) -> bool:
    """Whether what follows a model's name leaves it the same model."""
    return _DECORATION.fullmatch(rest) is not None


def _same(provider: str, prefix: str) -> bool:
    return prefix == provider or canonical(prefix) == canonical(provider)


def _bedrock(arn: re.Match[str]) -> str:
    """The model an ARN names. An application's own profile does not say which one is behind it."""
    return arn["model"] if arn["kind"] in _ARNS_OF_MODELS else arn[0]
