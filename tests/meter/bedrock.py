"""Amazon Bedrock's Converse API: ``/model/{id}/converse`` and ``/converse-stream``.

Like Anthropic's, its input is without cache and reasoning has no count of its own. A response has no id
in its body: the request id in the headers is the one. ``/count-tokens`` is unbilled.
"""

import json
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from meter.counting import prompt_of
from meter.record import MeteredUsage
from meter.reply import Reply, RequestSummary
from meter.wire import Answer, Endpoint, Exchange, encode, pieces, plain

PROTOCOL = "bedrock.converse"

EVENT_STREAM = "application/vnd.amazon.eventstream"
STRING_HEADER = 7  # the event stream's type number for a string

ERROR_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    # CountTokens wraps the request it counts.
    asked = (body.get("input") or {}).get("converse") or body
    tools = (asked.get("toolConfig") or {}).get("tools") or ()
    return RequestSummary(
        protocol=PROTOCOL,
        path=match.string,
        model=match["model"],
        stream=match["verb"] == "converse-stream",
        prompt=prompt_of(asked, "system", "messages", "toolConfig"),
        tool_names=tuple(tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool),
        body=body,
        service_tier=(asked.get("serviceTier") or {}).get("type"),
    )


def answer(exchange: Exchange) -> Answer:
    told: dict[str, Any] = {
        "response_id": exchange.nonce,
        "service_tier": exchange.service_tier,
        "usage_reported": exchange.reports_usage,
        "headers": {"x-amzn-RequestId": exchange.nonce},
    }
    if exchange.request.stream:
        events = tuple(frame(name, payload) for name, payload in _stream(exchange))
        return Answer(chunks=events, content_type=EVENT_STREAM, stream=True, **told)
    body = {
        "output": {"message": {"role": "assistant", "content": _blocks(exchange)}},
        "stopReason": _stop_reason(exchange),
    }
    return plain(body | _metadata(exchange, exchange.usage), **told)


def answer_count(exchange: Exchange) -> Answer:
    return plain({"inputTokens": exchange.usage.input_tokens})


def error(status: int, reply: Reply) -> Answer:
    name = ERROR_TYPES.get(status, "InternalServerException")
    return plain({"message": reply.error_message}, headers={"x-amzn-ErrorType": name})


def usage_body(usage: MeteredUsage) -> dict[str, Any]:
    return {
        "inputTokens": usage.uncached_input_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.total_tokens,
        "cacheReadInputTokens": usage.cache_read_input_tokens,
        "cacheWriteInputTokens": usage.cache_creation_input_tokens,
    }


def frame(event_type: str, payload: dict[str, Any]) -> bytes:
    """One message of the AWS event stream: lengths and headers, each part under its own CRC-32."""
    named = {":event-type": event_type, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(_header(name, value) for name, value in named.items())
    body = encode(payload)
    # Two lengths and their checksum come first, and a checksum of everything last: 16 bytes in all.
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    message = prelude + headers + body
    return message + struct.pack("!I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", STRING_HEADER, len(text)) + text


def _metadata(exchange: Exchange, usage: MeteredUsage) -> dict[str, Any]:
    body: dict[str, Any] = {"metrics": {"latencyMs": 1}}
    if exchange.reports_usage:
        body["usage"] = usage_body(usage)
    if exchange.service_tier is not None:
        body["serviceTier"] = {"type": exchange.service_tier}
    return body


def _blocks(exchange: Exchange) -> list[dict[str, Any]]:
    text = exchange.text if exchange.text is not None else exchange.reply.refusal
    blocks: list[dict[str, Any]] = [] if text is None else [{"text": text}]
    for index, (name, arguments) in enumerate(exchange.reply.tool_calls):
        call = {"toolUseId": f"tooluse_{exchange.nonce}_{index}", "name": name, "input": dict(arguments)}
        blocks.append({"toolUse": call})
    return blocks


def _stop_reason(exchange: Exchange) -> str:
    if exchange.reply.finish_reason is not None:
        return STOP_REASONS[exchange.reply.finish_reason]
    if exchange.reply.refusal is not None:
        return "content_filtered"
    return "tool_use" if exchange.reply.tool_calls else "end_turn"


def _stream(exchange: Exchange) -> Iterator[tuple[str, dict[str, Any]]]:
    """The event sequence of a stream; the repeating usage modes send its metadata three times over."""
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(_blocks(exchange)):
        for name, event in _block_events(block):
            yield name, event | {"contentBlockIndex": index}
    yield "messageStop", {"stopReason": _stop_reason(exchange)}
    last = 3 if exchange.reply.usage_mode in {"every_chunk", "cumulative"} else 1
    for number in range(1, last + 1):
        yield "metadata", _metadata(exchange, exchange.usage_after(number, last))


def _block_events(block: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "text" in block:
        # Text has no opening event, only a tool call has one.
        deltas: list[dict[str, Any]] = [{"text": piece} for piece in pieces(block["text"])]
    else:
        call = block["toolUse"]
        yield (
            "contentBlockStart",
            {"start": {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}},
        )
        deltas = [{"toolUse": {"input": piece}} for piece in pieces(json.dumps(call["input"]))]
    for delta in deltas:
        yield "contentBlockDelta", {"delta": delta}
    yield "contentBlockStop", {}


_MODEL = r"^/model/(?P<model>.+)/"

ENDPOINTS = (
    Endpoint(PROTOCOL, re.compile(_MODEL + "(?P<verb>converse|converse-stream)$"), read, answer, error),
    Endpoint(
        PROTOCOL, re.compile(_MODEL + "(?P<verb>count-tokens)$"), read, answer_count, error, billed=False
    ),
)
