"""Amazon Bedrock's older API: ``/model/{id}/invoke`` and ``/invoke-with-response-stream``.

Bodies are the model vendor's own. Two are spoken here: Anthropic's, which has counts, for Anthropic's models
and Mistral's, which has none, for all others. Amazon's own counts are in headers or, where it streams, on the
last chunk; like Converse's, their input is without cache.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

from meter import anthropic_messages, bedrock
from meter.counting import prompt_of
from meter.reply import RequestSummary
from meter.wire import Answer, Endpoint, Exchange, encode, pieces, plain

PROTOCOL = "bedrock.invoke"

METRICS = "amazon-bedrock-invocationMetrics"
HEADERS = {
    "inputTokenCount": "X-Amzn-Bedrock-Input-Token-Count",
    "outputTokenCount": "X-Amzn-Bedrock-Output-Token-Count",
    "cacheReadInputTokenCount": "X-Amzn-Bedrock-Cache-Read-Input-Token-Count",
    "cacheWriteInputTokenCount": "X-Amzn-Bedrock-Cache-Write-Input-Token-Count",
}


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    return RequestSummary(
        protocol=PROTOCOL,
        path=match.string,
        model=match["model"],
        stream=match["verb"] != "invoke",
        prompt=prompt_of(body, "system", "messages", "prompt", "tools"),
        tool_names=tuple(tool["name"] for tool in body.get("tools") or ()),
        body=body,
    )


def answer(exchange: Exchange) -> Answer:
    of_anthropic = "anthropic" in exchange.request.model
    told: dict[str, Any] = {
        "response_id": f"msg_{exchange.nonce}" if of_anthropic else exchange.nonce,
        "usage_reported": exchange.reports_usage,
        "headers": {"x-amzn-RequestId": exchange.nonce},
    }
    if exchange.request.stream:
        events = list(anthropic_messages.stream(exchange) if of_anthropic else _mistral_stream(exchange))
        events[-1] |= {METRICS: _counts(exchange)}
        chunks = tuple(_chunk(event) for event in events)
        return Answer(chunks=chunks, content_type=bedrock.EVENT_STREAM, stream=True, **told)
    told["headers"] |= {HEADERS[name]: str(count) for name, count in _counts(exchange).items()}
    return plain(anthropic_messages.message(exchange) if of_anthropic else _mistral(exchange.text), **told)


def _counts(exchange: Exchange) -> dict[str, int]:
    usage = exchange.usage
    if not exchange.reports_usage:
        return {}
    return {
        "inputTokenCount": usage.uncached_input_tokens,
        "outputTokenCount": usage.output_tokens,
        "cacheReadInputTokenCount": usage.cache_read_input_tokens,
        "cacheWriteInputTokenCount": usage.cache_creation_input_tokens,
    }


def _chunk(event: dict[str, Any]) -> bytes:
    """The vendor's event inside one of Amazon's."""
    return bedrock.frame("chunk", {"bytes": base64.b64encode(encode(event)).decode(), "p": "abcdefghij"})


def _mistral(text: str | None, stop_reason: str | None = "stop") -> dict[str, Any]:
    return {"outputs": [{"text": text, "stop_reason": stop_reason}]}


def _mistral_stream(exchange: Exchange) -> Iterator[dict[str, Any]]:
    for piece in pieces(exchange.text or ""):
        yield _mistral(piece, None)
    yield _mistral("")


ENDPOINTS = (
    Endpoint(
        PROTOCOL,
        re.compile(r"^/model/(?P<model>.+)/(?P<verb>invoke|invoke-with-response-stream)$"),
        read,
        answer,
        bedrock.error,
    ),
)
