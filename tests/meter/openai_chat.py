"""OpenAI chat completions: ``/chat/completions`` under any prefix."""

import json
import re
from typing import Any

from meter.counting import prompt_of
from meter.record import MeteredUsage
from meter.reply import Reply, RequestSummary
from meter.wire import SSE, Answer, Endpoint, Exchange, pieces, plain, sse

PROTOCOL = "openai.chat"

DONE = b"data: [DONE]\n\n"

ERROR_TYPES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}


def read(match: re.Match[str], body: dict[str, Any]) -> RequestSummary:
    return RequestSummary(
        protocol=PROTOCOL,
        path=match.string,
        model=body.get("model", ""),
        stream=bool(body.get("stream")),
        prompt=prompt_of(body, "messages", "tools", "response_format"),
        tool_names=tuple(tool["function"]["name"] for tool in body.get("tools") or () if "function" in tool),
        body=body,
        structured=(body.get("response_format") or {}).get("type") in {"json_schema", "json_object"},
        service_tier=served_tier(body),
    )


def served_tier(body: dict[str, Any]) -> str:
    """OpenAI names the tier it served, so "auto" and silence both come back as "default"."""
    asked = body.get("service_tier")
    return "default" if asked in {None, "auto"} else str(asked)


def answer(exchange: Exchange) -> Answer:
    response_id = f"chatcmpl-{exchange.nonce}"
    told: dict[str, Any] = {"response_id": response_id, "service_tier": exchange.service_tier}
    if exchange.request.stream:
        return Answer(
            chunks=tuple(stream(exchange, response_id)),
            content_type=SSE,
            stream=True,
            usage_reported=exchange.reports_usage
            and (_asked_for_usage(exchange) or _repeats_usage(exchange)),
            **told,
        )
    body = _envelope(exchange, response_id, "chat.completion")
    body["choices"] = [
        {
            "index": 0,
            "message": _message(exchange),
            "logprobs": None,
            "finish_reason": finish_reason(exchange),
        }
    ]
    if exchange.reports_usage:
        body["usage"] = usage_body(exchange.usage, exchange.reply)
    return plain(body, usage_reported=exchange.reports_usage, **told)


def error(status: int, reply: Reply) -> Answer:
    kind, code = ERROR_TYPES.get(status, ("server_error", None))
    return plain({"error": {"message": reply.error_message, "type": kind, "param": None, "code": code}})


def usage_body(usage: MeteredUsage, reply: Reply) -> dict[str, Any]:
    body: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_input_tokens,
            "cache_write_tokens": usage.cache_creation_input_tokens,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_output_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if reply.cost is not None:
        # A JSON number, as OpenRouter sends it: the shortest decimal that reads back as this float.
        body["cost"] = float(reply.cost)
    return body


def finish_reason(exchange: Exchange) -> str:
    if exchange.reply.finish_reason is not None:
        return exchange.reply.finish_reason
    return "tool_calls" if exchange.reply.tool_calls else "stop"


def tool_calls(exchange: Exchange) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{exchange.nonce}_{index}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for index, (name, arguments) in enumerate(exchange.reply.tool_calls)
    ]


def stream(exchange: Exchange, response_id: str) -> list[bytes]:
    """The events of a streamed completion.

    With ``stream_options.include_usage`` every chunk has ``"usage": null`` but an additional last one,
    which has the usage and no choices. Without it nothing is reported, unless the reply's usage mode
    repeats it on every chunk, as some gateways do.
    """
    deltas = _deltas(exchange)
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas
    ]
    choices[-1]["finish_reason"] = finish_reason(exchange)
    events = []
    for number, choice in enumerate(choices, start=1):
        chunk = _envelope(exchange, response_id, "chat.completion.chunk") | {"choices": [choice]}
        if _repeats_usage(exchange):
            chunk["usage"] = usage_body(exchange.usage_after(number, len(choices)), exchange.reply)
        elif _asked_for_usage(exchange):
            chunk["usage"] = None
        events.append(sse(chunk))
    if _asked_for_usage(exchange) and exchange.reports_usage:
        last = _envelope(exchange, response_id, "chat.completion.chunk")
        events.append(sse(last | {"choices": [], "usage": usage_body(exchange.usage, exchange.reply)}))
    return [*events, DONE]


def _deltas(exchange: Exchange) -> list[dict[str, Any]]:
    first: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
    deltas = [first]
    deltas += [{"content": piece} for piece in pieces(exchange.text or "")]
    deltas += [{"refusal": piece} for piece in pieces(exchange.reply.refusal or "")]
    for index, call in enumerate(tool_calls(exchange)):
        # The name comes first and the arguments in portions, as the provider sends them.
        arguments = call["function"]["arguments"]
        opening = call | {"index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [opening]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in pieces(arguments)
        ]
    return [*deltas, {}]


def _message(exchange: Exchange) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": exchange.text,
        "refusal": exchange.reply.refusal,
        "annotations": [],
    }
    if exchange.reply.tool_calls:
        message["tool_calls"] = tool_calls(exchange)
    return message


def _envelope(exchange: Exchange, response_id: str, kind: str) -> dict[str, Any]:
    return {
        "id": response_id,
        "object": kind,
        "created": exchange.created,
        "model": exchange.model,
        "service_tier": exchange.service_tier,
        "system_fingerprint": "fp_meter",
    }


def _asked_for_usage(exchange: Exchange) -> bool:
    return bool((exchange.request.body.get("stream_options") or {}).get("include_usage"))


def _repeats_usage(exchange: Exchange) -> bool:
    return exchange.reply.usage_mode in {"every_chunk", "cumulative"}


ENDPOINTS = (Endpoint(PROTOCOL, re.compile(r"^(?:/.*)?/chat/completions$"), read, answer, error),)
