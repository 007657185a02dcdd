"""Which protocol answers at an address."""

import re

from meter import (
    anthropic_messages,
    azure,
    bedrock,
    bedrock_invoke,
    gemini,
    openai_chat,
    openai_embeddings,
    openai_responses,
)
from meter.wire import Endpoint

# Azure before OpenAI: both listen on /chat/completions, and only Azure's callers name an api-version.
MODULES = (
    azure,
    openai_chat,
    openai_responses,
    openai_embeddings,
    anthropic_messages,
    gemini,
    bedrock,
    bedrock_invoke,
)

ENDPOINTS: tuple[Endpoint, ...] = tuple(endpoint for module in MODULES for endpoint in module.ENDPOINTS)


def find(method: str, path: str, has_api_version: bool) -> tuple[Endpoint, re.Match[str]] | None:
    """The endpoint for a request, with its path's match, or None where nobody listens."""
    for endpoint in ENDPOINTS:
        if endpoint.method != method or (endpoint.needs_api_version and not has_api_version):
            continue
        if match := endpoint.path.match(path):
            return endpoint, match
    return None
