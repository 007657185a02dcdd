"""What a model provider's HTTP exchange says about its bill: which endpoints charge, and what they report.

Bodies are read and dropped: only counts, ids and names leave this module, and a request's body as it came,
which is held until the answer's end (see `estimate`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

from tracking.capture.payloads import NormalizedUsage, read_usage
from tracking.domain.money import nano_usd

# path -> (provider of that protocol, operation). Paths that only count tokens do not match: they are free.
_ENDPOINTS: Final = (
    (re.compile(r"/openai/deployments/(?P<model>[^/]+)/chat/completions$"), "azure", "chat"),
    (re.compile(r"/openai/deployments/(?P<model>[^/]+)/embeddings$"), "azure", "embeddings"),
    (re.compile(r"/chat/completions$"), "openai", "chat"),
    (re.compile(r"/v\d+/completions$"), "openai", "chat"),
    (re.compile(r"/responses$"), "openai", "chat"),
    (re.compile(r"/embeddings$"), "openai", "embeddings"),
    (re.compile(r"/v1/messages$"), "anthropic", "chat"),
    # A model may be an ARN with slashes in it, and httpx has unquoted them.
    (re.compile(r"/model/(?P<model>.+)/converse(?:-stream)?$"), "bedrock", "chat"),
    (re.compile(r"/model/(?P<model>.*embed.*)/invoke$"), "bedrock", "embeddings"),
    (re.compile(r"/model/(?P<model>.+)/invoke(?:-with-response-stream)?$"), "bedrock", "chat"),
    (re.compile(r"/models/(?P<model>[^/:]+):(?:streamG|g)enerateContent$"), "gemini", "chat"),
    (re.compile(r"/models/(?P<model>[^/:]+):(?:batchEmbedContents|embedContent)$"), "gemini", "embeddings"),
)
# Hosts that speak OpenAI's protocol under a name of their own.
_HOSTS: Final = {
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.x.ai": "x-ai",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.cerebras.ai": "cerebras",
    "api.perplexity.ai": "perplexity",
}
# The largest context windows are about two million tokens; a larger body holds images or files.
_MOST_HELD: Final = 16 * 1024 * 1024
# Where a request says what shape its answer must have.
_FORMAT_HOLDERS: Final = ("text", "generationConfig", "output_config")
_FORMATS: Final = ("response_format", "format", "output_format")
_SHAPING: Final = frozenset({*_FORMAT_HOLDERS, *_FORMATS, "tool_choice", "toolConfig"})
# Bedrock's own counts, whosever model it is: in an answer's head, or on the last chunk of a stream.
_BEDROCK_HEADERS: Final = {
    "x-amzn-bedrock-input-token-count": "inputTokenCount",
    "x-amzn-bedrock-output-token-count": "outputTokenCount",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
}
_BEDROCK_METRICS: Final = "amazon-bedrock-invocationMetrics"
_STATED_COST_HEADER: Final = "x-litellm-response-cost"
_LAST_EVENTS: Final = frozenset(
    {"message_stop", "response.completed", "response.incomplete", "response.failed"}
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A charging endpoint: who answers there, what for, and which model the path names, if any."""

    provider_name: str
    operation_name: str
    model: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of itself. `body` is for counting it, should the answer report no usage."""

    model: str | None = None
    structured: bool = False
    body: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class Answer:
    """What the answer said so far. `finished`: its end was seen; `closed`: nothing more will come."""

    usage: dict[str, Any] = field(default_factory=dict)
    model: str | None = None
    response_id: str | None = None
    service_tier: str | None = None
    finished: bool = False
    closed: bool = False
    error_type: str | None = None

    def absorb_head(self, headers: Mapping[str, str]) -> None:
        """Take what Bedrock's headers say. They are found by their names in lower case."""
        self.response_id = headers.get("x-amzn-requestid") or self.response_id
        for name, ours in _BEDROCK_HEADERS.items():
            if (count := headers.get(name) or "").isdecimal():
                self.usage[ours] = int(count)

    def absorb(self, event: object) -> None:
        """Take what an event, or a whole body, says. Counts are cumulative in every protocol: later wins."""
        if not isinstance(event, Mapping):
            return
        body = event.get("response") or event.get("message")
        if not isinstance(body, Mapping):
            body = event
        for holder in (body,) if body is event else (body, event):
            usage = holder.get("usage") or holder.get("usageMetadata")
            if isinstance(usage, Mapping):
                self.usage.update({name: value for name, value in usage.items() if value is not None})
        if isinstance(metrics := event.get(_BEDROCK_METRICS), Mapping):
            self.usage.update(metrics)
            self.closed = True
        self.model = _text(body, "model", "modelVersion") or self.model
        self.response_id = _text(body, "id", "responseId") or self.response_id
        self.service_tier = (
            _text(body, "service_tier")
            or ("fast" if self.usage.get("speed") == "fast" else None)  # Anthropic's, priced as a tier
            or _text(self.usage, "service_tier")
            or self.service_tier
        )
        if isinstance(error := event.get("error") or body.get("error"), Mapping):
            self.error_type = _text(error, "type", "code", "status") or "error"
        self.closed = self.closed or event.get("type") in _LAST_EVENTS or _is_last_of_anthropic(event)
        self.finished = self.finished or self.closed or _is_last(event)

    def stated(self, headers: Mapping[str, str]) -> None:
        """Take what a litellm proxy says in the head that the call cost."""
        if (cost := headers.get(_STATED_COST_HEADER)) is not None:
            self.usage.setdefault("cost", cost)

    def stated_nano_usd(self) -> int | None:
        """What the provider says that the call cost, with what a key of one's own paid elsewhere; or None."""
        if "cost" not in self.usage:
            return None
        cost, details = self.usage["cost"], self.usage.get("cost_details")
        amounts = [cost.get("total_cost") if isinstance(cost, Mapping) else cost]
        if self.usage.get("is_byok") and isinstance(details, Mapping):
            amounts.append(details.get("upstream_inference_cost") or 0)
        try:
            return nano_usd(sum((Decimal(str(amount)) for amount in amounts), Decimal(0)))
        except (ArithmeticError, ValueError):  # it says something that is no amount
            return None

    def token_usage(self, provider: str) -> NormalizedUsage:
        return read_usage(self.usage, provider) if self.usage else NormalizedUsage(None)


class EventStream:
    """Server-sent events, fed in pieces of any size. `hear` is given each of them as well."""

    def __init__(self, answer: Answer, hear: Callable[[object], None]) -> None:
        self._answer = answer
        self._hear = hear
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.strip())

    def close(self) -> None:
        self._line(self._rest.strip())
        self._rest = b""

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == b"[DONE]":
            self._answer.finished = self._answer.closed = True
        else:
            event = parsed(data)
            self._answer.absorb(event)
            self._hear(event)


def endpoint_of(method: str, host: str, path: str) -> Endpoint | None:
    """The charging endpoint behind a URL; None for everything else."""
    if method.upper() != "POST":  # google-genai writes "post"
        return None
    for pattern, provider, operation in _ENDPOINTS:
        if match := pattern.search(path):
            model = match.groupdict().get("model")
            name = _HOSTS.get(host, provider) if provider == "openai" else provider
            return Endpoint(name, operation, unquote(model) if model else None)
    return None


def asked(body: bytes) -> Asked:
    """What a request's JSON body asks for."""
    request = parsed(body)
    if not isinstance(request, Mapping):
        return Asked()
    held = body if len(body) <= _MOST_HELD else b""
    return Asked(_text(request, "model"), _is_structured(request), held)


def _is_structured(request: Mapping[str, Any]) -> bool:
    """Whether the answer must have the shape of a schema."""
    if _SHAPING.isdisjoint(request):
        return False
    for holder in (request, *(request.get(name) for name in _FORMAT_HOLDERS)):
        if not isinstance(holder, Mapping):
            continue
        if holder.get("responseSchema") or holder.get("responseJsonSchema"):
            return True
        wanted = next((holder[name] for name in _FORMATS if holder.get(name)), None)
        if isinstance(wanted, Mapping) and wanted.get("type") in {"json_schema", "json_object"}:
            return True
    return _forces_a_tool(request)


def _forces_a_tool(request: Mapping[str, Any]) -> bool:
    """Whether the answer must call one tool: how a shape is asked for without a schema for answers."""
    config = request.get("toolConfig")
    choice = config.get("toolChoice") if isinstance(config, Mapping) else request.get("tool_choice")
    # Bedrock's {"tool": {"name": …}}, Anthropic's {"type": "tool", …}, OpenAI's {"type": "function", …}
    return isinstance(choice, Mapping) and ("tool" in choice or choice.get("type") in {"tool", "function"})


def parsed(data: bytes) -> object:
    """JSON, or None for whatever is not."""
    try:
        return json.loads(data)
    except ValueError:
        return None


def _text(holder: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = holder.get(name)
        if value and isinstance(value, str):
            return value
    return None


def _is_last_of_anthropic(event: Mapping[str, Any]) -> bool:
    """Whether an event has the final counts. `message_stop`, which follows, many a client does not read."""
    delta = event.get("delta")
    return isinstance(delta, Mapping) and bool(delta.get("stop_reason"))


def _is_last(event: Mapping[str, Any]) -> bool:
    if "stopReason" in event:  # Bedrock
        return True
    choices = event.get("choices") or event.get("candidates") or ()
    return any(
        isinstance(choice, Mapping) and (choice.get("finish_reason") or choice.get("finishReason"))
        for choice in choices
    )
