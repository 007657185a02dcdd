"""Google's Gemini API: ``models/{model}:generateContent`` and ``:streamGenerateContent``.

Its candidates are without thoughts, which are billed as output all the same; it has no count for writes
to a cache. The unbilled ``:countTokens`` is here too.
"""

import re
from typing import Any

from meter.counting import prompt_of
from meter.record import MeteredUsage
from meter.reply import Reply, RequestSummary
from meter.wire import SSE, Answer, Endpoint, Exchange, pieces, plain, sse

PROTOCOL = "gemini.generate"

ERROR_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
FINISH_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    # countTokens may wrap the request it counts.
    asked = body.get("generateContentRequest") or body
    config = asked.get("generationConfig") or {}
    declared = [f for tool in asked.get("tools") or () for f in tool.get("functionDeclarations") or ()]
    return RequestSummary(
        protocol=PROTOCOL,
        path=match.string,
        model=match["model"],
        stream=match["verb"] == "streamGenerateContent",
        prompt=prompt_of(asked, "systemInstruction", "contents", "tools"),
        tool_names=tuple(function["name"] for function in declared),
        body=body,
        structured="responseSchema" in config or "responseJsonSchema" in config,
    )


def answer(exchange: Exchange) -> Answer:
    told: dict[str, Any] = {"response_id": exchange.nonce, "usage_reported": exchange.reports_usage}
    if exchange.reply.service_tier is not None:
        told |= {
            "service_tier": exchange.reply.service_tier,
            "headers": {"x-gemini-service-tier": exchange.reply.service_tier},
        }
    if exchange.request.stream:
        chunks = tuple(sse(chunk) for chunk in _stream(exchange))
        return Answer(chunks=chunks, content_type=SSE, stream=True, **told)
    return plain(_response(exchange, _parts(exchange), _finish_reason(exchange), exchange.usage), **told)


def answer_count(exchange: Exchange) -> Answer:
    return plain({"totalTokens": exchange.usage.input_tokens})


def error(status: int, reply: Reply) -> Answer:
    name = ERROR_STATUSES.get(status, "UNKNOWN")
    return plain({"error": {"code": status, "message": reply.error_message, "status": name}})


def usage_body(usage: MeteredUsage) -> dict[str, Any]:
    body: dict[str, Any] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.visible_output_tokens,
        "totalTokenCount": usage.total_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input_tokens}],
    }
    # The provider leaves these two out where they would be 0.
    if usage.reasoning_output_tokens:
        body["thoughtsTokenCount"] = usage.reasoning_output_tokens
    if usage.cache_read_input_tokens:
        body["cachedContentTokenCount"] = usage.cache_read_input_tokens
    return body


def _parts(exchange: Exchange) -> list[dict[str, Any]]:
    text = exchange.text if exchange.text is not None else exchange.reply.refusal
    parts: list[dict[str, Any]] = [] if text is None else [{"text": text}]
    for name, arguments in exchange.reply.tool_calls:
        parts.append({"functionCall": {"name": name, "args": dict(arguments)}})
    return parts


def _finish_reason(exchange: Exchange) -> str:
    if exchange.reply.finish_reason is not None:
        return FINISH_REASONS[exchange.reply.finish_reason]
    return "STOP" if exchange.reply.refusal is None else "SAFETY"


def _response(
    exchange: Exchange, parts: list[dict[str, Any]], finish_reason: str | None, usage: MeteredUsage
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish_reason is not None:
        candidate["finishReason"] = finish_reason
    response: dict[str, Any] = {
        "candidates": [candidate],
        "modelVersion": exchange.model,
        "responseId": exchange.nonce,
    }
    if exchange.reports_usage:
        response["usageMetadata"] = usage_body(usage)
    return response


def _stream(exchange: Exchange) -> list[dict[str, Any]]:
    """The chunks of a stream; each has the usage so far, so "cumulative" is this protocol's normal."""
    parts: list[dict[str, Any]] = []
    for part in _parts(exchange):
        parts += [{"text": piece} for piece in pieces(part["text"])] if "text" in part else [part]
    parts = parts or [{"text": ""}]
    return [
        _response(
            exchange,
            [part],
            _finish_reason(exchange) if number == len(parts) else None,
            exchange.usage_after(number, len(parts)),
        )
        for number, part in enumerate(parts, start=1)
    ]


_MODEL = r"^/.*?/models/(?P<model>[^:]+):"

ENDPOINTS = (
    Endpoint(PROTOCOL, re.compile(_MODEL + "(?P<verb>(?:streamG|g)enerateContent)$"), read, answer, error),
    Endpoint(
        PROTOCOL, re.compile(_MODEL + "(?P<verb>countTokens)$"), read, answer_count, error, billed=False
    ),
)
