"""Azure: OpenAI's chat protocol with a deployment in the path, an ``api-version``, and content filters.

Serves ``/openai/deployments/{name}/chat/completions`` (Azure OpenAI) and ``/chat/completions`` under any
prefix (Azure AI inference). Responses and embeddings on Azure are OpenAI's own.
"""

import json
import re
from dataclasses import replace
from typing import Any

from meter import openai_chat
from meter.reply import Reply, RequestSummary
from meter.wire import Answer, Endpoint, Exchange, encode, plain, sse

PROTOCOL = "azure.chat"

SAFE = {"hate": {"filtered": False, "severity": "safe"}}


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    request = openai_chat.read(match, body)
    return replace(request, protocol=PROTOCOL, model=request.model or match["deployment"] or "")


def answer(exchange: Exchange) -> Answer:
    """OpenAI's answer, which Azure opens with its verdict on the prompt: in a stream, a chunk of its own."""
    told = openai_chat.answer(exchange)
    verdict = [{"prompt_index": 0, "content_filter_results": SAFE}]
    if told.stream:
        opening = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        return replace(told, chunks=(sse(opening | {"prompt_filter_results": verdict}), *told.chunks))
    body = json.loads(told.chunks[0]) | {"prompt_filter_results": verdict}
    return replace(told, chunks=(encode(body),))


def error(status: int, reply: Reply) -> Answer:
    return plain({"error": {"code": str(status), "message": reply.error_message}})


ENDPOINTS = (
    Endpoint(
        PROTOCOL,
        re.compile(r"^(?:/.*?)??(?:/openai/deployments/(?P<deployment>[^/]+))?/chat/completions$"),
        read,
        answer,
        error,
        needs_api_version=True,
    ),
)
