"""Anthropic's Messages API: ``/v1/messages``, and the unbilled ``/v1/messages/count_tokens``.

Its ``input_tokens`` is without cache reads and writes, and reasoning has no field: the meter's input is
the sum of its three, and metered reasoning is somewhere inside its output.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from meter.counting import prompt_of
from meter.record import MeteredUsage
from meter.reply import Reply, RequestSummary
from meter.wire import SSE, Answer, Endpoint, Exchange, pieces, plain, sse

PROTOCOL = "anthropic.messages"

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    return RequestSummary(
        protocol=PROTOCOL,
        path=match.string,
        model=body.get("model", ""),
        stream=bool(body.get("stream")),
        prompt=prompt_of(body, "system", "messages", "tools"),
        tool_names=tuple(tool["name"] for tool in body.get("tools") or ()),
        body=body,
        structured="output_format" in body or "output_config" in body,
        # What a request may name ("auto", "standard_only") is not what the response names.
        service_tier="standard",
    )


def answer(exchange: Exchange) -> Answer:
    told: dict[str, Any] = {
        "response_id": f"msg_{exchange.nonce}",
        "service_tier": exchange.service_tier if exchange.reports_usage else None,
        "usage_reported": exchange.reports_usage,
    }
    if exchange.request.stream:
        events = tuple(sse(event, event["type"]) for event in stream(exchange))
        return Answer(chunks=events, content_type=SSE, stream=True, **told)
    return plain(message(exchange), **told)


def answer_count(exchange: Exchange) -> Answer:
    return plain({"input_tokens": exchange.usage.input_tokens})


def error(status: int, reply: Reply) -> Answer:
    kind = ERROR_TYPES.get(status, "api_error")
    return plain({"type": "error", "error": {"type": kind, "message": reply.error_message}})


def message(exchange: Exchange) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    body = _opening(exchange) | {"content": _blocks(exchange), "stop_reason": _stop_reason(exchange)}
    if exchange.reports_usage:
        body["usage"] = usage_body(exchange.usage, exchange.service_tier)
    return body


def usage_body(usage: MeteredUsage, service_tier: str | None) -> dict[str, Any]:
    hour = usage.cache_creation_1h_input_tokens
    return _counts(usage) | {
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_creation_input_tokens - hour,
            "ephemeral_1h_input_tokens": hour,
        },
        "service_tier": service_tier,
    }


def _counts(usage: MeteredUsage) -> dict[str, Any]:
    return {
        "input_tokens": usage.uncached_input_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "output_tokens": usage.output_tokens,
    }


def _opening(exchange: Exchange) -> dict[str, Any]:
    return {
        "id": f"msg_{exchange.nonce}",
        "type": "message",
        "role": "assistant",
        "model": exchange.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _blocks(exchange: Exchange) -> list[dict[str, Any]]:
    text = exchange.text if exchange.text is not None else exchange.reply.refusal
    blocks: list[dict[str, Any]] = [] if text is None else [{"type": "text", "text": text}]
    for index, (name, arguments) in enumerate(exchange.reply.tool_calls):
        call_id = f"toolu_{exchange.nonce}_{index}"
        blocks.append({"type": "tool_use", "id": call_id, "name": name, "input": dict(arguments)})
    return blocks


def _stop_reason(exchange: Exchange) -> str:
    if exchange.reply.finish_reason is not None:
        return STOP_REASONS[exchange.reply.finish_reason]
    if exchange.reply.refusal is not None:
        return "refusal"
    return "tool_use" if exchange.reply.tool_calls else "end_turn"


def stream(exchange: Exchange) -> list[dict[str, Any]]:
    """The event sequence of a streamed message.

    ``message_start`` has the input's usage and one token of output; the output's total is in
    ``message_delta``, whose counts are totals so far and replace the earlier ones. The repeating usage
    modes send three of those, with the input counts in them, as newer models do.
    """
    opening = _opening(exchange)
    if exchange.reports_usage:
        begun = usage_body(exchange.usage, exchange.service_tier)
        opening["usage"] = begun | {"output_tokens": min(1, exchange.usage.output_tokens)}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": opening}, {"type": "ping"}]
    for index, block in enumerate(_blocks(exchange)):
        events += [event | {"index": index} for event in _block_events(block)]
    return [*events, *_message_deltas(exchange), {"type": "message_stop"}]


def _block_events(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        yield {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    else:
        yield {"type": "content_block_start", "content_block": block | {"input": {}}}
        arguments = pieces(json.dumps(block["input"]))
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in arguments]
    for delta in deltas:
        yield {"type": "content_block_delta", "delta": delta}
    yield {"type": "content_block_stop"}


def _message_deltas(exchange: Exchange) -> Iterator[dict[str, Any]]:
    repeats = exchange.reply.usage_mode in {"every_chunk", "cumulative"}
    last = 3 if repeats else 1
    for number in range(1, last + 1):
        reason = _stop_reason(exchange) if number == last else None
        event: dict[str, Any] = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
        }
        if repeats:
            event["usage"] = _counts(exchange.usage_after(number, last))
        elif exchange.reports_usage:
            event["usage"] = {"output_tokens": exchange.usage.output_tokens}
        yield event


ENDPOINTS = (
    Endpoint(PROTOCOL, re.compile(r"^(?:/.*)?/messages$"), read, answer, error),
    Endpoint(
        PROTOCOL, re.compile(r"^(?:/.*)?/messages/count_tokens$"), read, answer_count, error, billed=False
    ),
)
