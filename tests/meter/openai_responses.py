"""OpenAI's Responses API: ``/v1/responses``, and the unbilled ``/v1/responses/input_tokens``."""

import json
import re
from collections.abc import Iterator
from typing import Any

from meter.counting import prompt_of
from meter.openai_chat import error, served_tier
from meter.record import MeteredUsage
from meter.reply import RequestSummary
from meter.wire import SSE, Answer, Endpoint, Exchange, pieces, plain, sse

PROTOCOL = "openai.responses"

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    text_format = (body.get("text") or {}).get("format") or {}
    return RequestSummary(
        protocol=PROTOCOL,
        path=match.string,
        model=body.get("model", ""),
        stream=bool(body.get("stream")),
        prompt=prompt_of(body, "instructions", "input", "tools", "text"),
        tool_names=tuple(tool["name"] for tool in body.get("tools") or () if "name" in tool),
        body=body,
        structured=text_format.get("type") in {"json_schema", "json_object"},
        service_tier=served_tier(body),
    )


def answer(exchange: Exchange) -> Answer:
    told: dict[str, Any] = {
        "response_id": f"resp_{exchange.nonce}",
        "service_tier": exchange.service_tier,
        "usage_reported": exchange.reports_usage,
    }
    if exchange.request.stream:
        return Answer(chunks=tuple(_stream(exchange)), content_type=SSE, stream=True, **told)
    return plain(_final(exchange), **told)


def answer_count(exchange: Exchange) -> Answer:
    return plain({"object": "response.input_tokens", "input_tokens": exchange.usage.input_tokens})


def usage_body(usage: MeteredUsage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_input_tokens,
            "cache_write_tokens": usage.cache_creation_input_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_output_tokens},
        "total_tokens": usage.total_tokens,
    }


def _response(exchange: Exchange, status: str, usage: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": f"resp_{exchange.nonce}",
        "object": "response",
        "created_at": exchange.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": exchange.request.body.get("instructions"),
        "metadata": {},
        "model": exchange.model,
        "output": [],
        "parallel_tool_calls": True,
        "service_tier": exchange.service_tier,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
    }


def _final(exchange: Exchange) -> dict[str, Any]:
    usage = usage_body(exchange.usage) if exchange.reports_usage else None
    cause = INCOMPLETE.get(exchange.reply.finish_reason or "")
    response = _response(exchange, "incomplete" if cause else "completed", usage)
    if cause:
        response["incomplete_details"] = {"reason": cause}
    return response | {"output": _items(exchange)}


def _items(exchange: Exchange) -> list[dict[str, Any]]:
    """The finished output: reasoning, then the message, then the tool calls, as the provider orders them."""
    items: list[dict[str, Any]] = []
    if exchange.usage.reasoning_output_tokens:
        items.append({"type": "reasoning", "id": f"rs_{exchange.nonce}", "summary": []})
    part = _part(exchange)
    if part is not None:
        message = {"type": "message", "id": f"msg_{exchange.nonce}", "role": "assistant"}
        items.append(message | {"status": "completed", "content": [part]})
    for index, (name, arguments) in enumerate(exchange.reply.tool_calls):
        items.append(
            {
                "type": "function_call",
                "id": f"fc_{exchange.nonce}_{index}",
                "call_id": f"call_{exchange.nonce}_{index}",
                "name": name,
                "arguments": json.dumps(arguments),
                "status": "completed",
            }
        )
    return items


def _part(exchange: Exchange) -> dict[str, Any] | None:
    if exchange.reply.refusal is not None:
        return {"type": "refusal", "refusal": exchange.reply.refusal}
    if exchange.text is not None:
        return {"type": "output_text", "text": exchange.text, "annotations": [], "logprobs": []}
    return None


def _stream(exchange: Exchange) -> Iterator[bytes]:
    """The event sequence of a streamed response.

    Usage is the last event's business; the repeating usage modes put it on the opening events too.
    """
    events = [*_opening(exchange)]
    for index, item in enumerate(_items(exchange)):
        events += [event | {"output_index": index} for event in _item_events(item)]
    final = _final(exchange)
    events.append({"type": f"response.{final['status']}", "response": final})
    for number, event in enumerate(events):
        yield sse(event | {"sequence_number": number}, event["type"])


def _opening(exchange: Exchange) -> Iterator[dict[str, Any]]:
    repeats = exchange.reply.usage_mode in {"every_chunk", "cumulative"}
    for number, name in enumerate(("created", "in_progress")):
        usage = usage_body(exchange.usage_after(number, 3)) if repeats else None
        yield {"type": f"response.{name}", "response": _response(exchange, "in_progress", usage)}


def _item_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    empty: dict[str, dict[str, Any]] = {"message": {"content": []}, "function_call": {"arguments": ""}}
    begun = empty.get(item["type"], {})
    yield {"type": "response.output_item.added", "item": item | begun | {"status": "in_progress"}}
    if item["type"] == "message":
        yield from _part_events(item["id"], item["content"][0])
    elif item["type"] == "function_call":
        name = "response.function_call_arguments"
        for piece in pieces(item["arguments"]):
            yield {"type": f"{name}.delta", "item_id": item["id"], "delta": piece}
        done = {"item_id": item["id"], "name": item["name"], "arguments": item["arguments"]}
        yield {"type": f"{name}.done"} | done
    yield {"type": "response.output_item.done", "item": item}


def _part_events(item_id: str, part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    where = {"item_id": item_id, "content_index": 0}
    key = "text" if part["type"] == "output_text" else "refusal"
    more: dict[str, Any] = {"logprobs": []} if key == "text" else {}
    name = f"response.{part['type']}"
    yield {"type": "response.content_part.added", "part": part | {key: ""}} | where
    for piece in pieces(part[key]):
        yield {"type": f"{name}.delta", "delta": piece} | where | more
    yield {"type": f"{name}.done", key: part[key]} | where | more
    yield {"type": "response.content_part.done", "part": part} | where


ENDPOINTS = (
    Endpoint(PROTOCOL, re.compile(r"^(?:/.*)?/responses$"), read, answer, error),
    Endpoint(
        PROTOCOL, re.compile(r"^(?:/.*)?/responses/input_tokens$"), read, answer_count, error, billed=False
    ),
)
