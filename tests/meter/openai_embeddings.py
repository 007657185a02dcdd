"""OpenAI embeddings and the model list."""

import base64
import math
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from meter.counting import strings_in
from meter.openai_chat import error
from meter.reply import RequestSummary
from meter.wire import Answer, Endpoint, Exchange, plain

PROTOCOL = "openai.embeddings"
MODELS_PROTOCOL = "openai.models"

DIMENSIONS = 1536  # text-embedding-3-small's, which vector stores expect when they are not told another


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    return RequestSummary(
        protocol=PROTOCOL,
        path=match.string,
        model=body.get("model") or match.groupdict().get("deployment") or "",
        stream=False,
        prompt="\n".join(_inputs(body)),
        tool_names=(),
        body=body,
    )


def answer(exchange: Exchange) -> Answer:
    """Embeddings have no output and no response id; usage is all input."""
    body = exchange.request.body
    size = body.get("dimensions") or DIMENSIONS
    packed = body.get("encoding_format") == "base64"
    vectors = [vector(text, size) for text in _inputs(body)]
    response: dict[str, Any] = {
        "object": "list",
        "model": exchange.model,
        "data": [
            {"object": "embedding", "index": index, "embedding": _base64(values) if packed else values}
            for index, values in enumerate(vectors)
        ],
    }
    if exchange.reports_usage:
        tokens = exchange.usage.input_tokens
        response["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return plain(response, usage_reported=exchange.reports_usage)


def vector(text: str, size: int) -> list[float]:
    """A unit vector of hashed words: texts that share words are near one another, so recall works."""
    counts = [0.0] * size
    for word in text.lower().split() or [""]:
        counts[zlib.crc32(word.encode()) % size] += 1.0
    length = math.sqrt(sum(count * count for count in counts))
    return [count / length for count in counts]


def _inputs(body: Mapping[str, Any]) -> list[str]:
    """The texts to embed; an input given as token numbers becomes one word of four characters each."""
    given = body.get("input", "")
    items = [given] if isinstance(given, str) else list(given)
    if items and all(isinstance(item, int) for item in items):
        items = [items]
    return ["".join(f"{item % 1000:03d} " for item in i) if isinstance(i, list) else str(i) for i in items]


def _base64(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def read_models(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    return RequestSummary(MODELS_PROTOCOL, match.string, "", False, "\n".join(strings_in(body)), (), body)


def answer_models(exchange: Exchange) -> Answer:
    names = ("gpt-4o-mini", "gpt-4o", "text-embedding-3-small")
    return plain(
        {
            "object": "list",
            "data": [
                {"id": name, "object": "model", "created": exchange.created, "owned_by": "meter"}
                for name in names
            ],
        }
    )


ENDPOINTS = (
    Endpoint(
        PROTOCOL,
        re.compile(r"^(?:/.*?)??(?:/openai/deployments/(?P<deployment>[^/]+))?/embeddings$"),
        read,
        answer,
        error,
        writes=False,
    ),
    Endpoint(
        MODELS_PROTOCOL,
        re.compile(r"^(?:/.*)?/models$"),
        read_models,
        answer_models,
        error,
        method="GET",
        billed=False,
    ),
)
