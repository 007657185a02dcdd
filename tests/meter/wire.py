"""What the protocols share: an exchange to answer, the bytes of the answer, and the way to an endpoint."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from meter.record import MeteredUsage
from meter.reply import Reply, RequestSummary

JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"

WORDS_PER_CHUNK = 4


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and everything that was decided about its answer."""

    request: RequestSummary
    reply: Reply
    text: str | None
    usage: MeteredUsage
    created: int  # Unix time, seconds
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex[:24])

    @property
    def model(self) -> str:
        """The model the response names."""
        return self.reply.served_model or self.request.model

    @property
    def reports_usage(self) -> bool:
        return self.reply.usage_mode != "missing"

    @property
    def service_tier(self) -> str | None:
        return self.reply.service_tier or self.request.service_tier

    def usage_after(self, done: int, chunks: int) -> MeteredUsage:
        """What to report with chunk number `done` of `chunks`: the total, or the share generated so far."""
        if self.reply.usage_mode == "every_chunk":
            return self.usage
        output = self.usage.output_tokens * done // chunks
        return replace(
            self.usage,
            output_tokens=output,
            reasoning_output_tokens=min(output, self.usage.reasoning_output_tokens),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes for the socket, and what they told the client.

    A stream's ``chunks`` are its events, one by one; anything else has a single chunk.
    """

    chunks: tuple[bytes, ...]
    content_type: str = JSON
    stream: bool = False
    response_id: str | None = None
    usage_reported: bool = False
    service_tier: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a protocol listens. ``needs_api_version`` tells Azure's callers from OpenAI's on one path;
    without ``writes`` an answer has no output tokens.
    """

    protocol: str
    path: re.Pattern[str]
    read: Callable[[re.Match[str], dict[str, Any]], RequestSummary]
    answer: Callable[[Exchange], Answer]
    error: Callable[[int, Reply], Answer]
    method: str = "POST"
    billed: bool = True
    writes: bool = True
    needs_api_version: bool = False


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def plain(value: Any, **told: Any) -> Answer:
    """A JSON answer that is not streamed; `told` are the other fields of `Answer`."""
    return Answer(chunks=(encode(value),), **told)


def sse(data: Any, event: str | None = None) -> bytes:
    """One server-sent event, with its name where the protocol gives it one."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + encode(data) + b"\n\n"


def pieces(text: str) -> list[str]:
    """The text in the portions a stream sends; joined they are the text again."""
    words = re.findall(r"\s*\S+\s*$|\s*\S+", text) or ([text] if text else [])
    return ["".join(words[i : i + WORDS_PER_CHUNK]) for i in range(0, len(words), WORDS_PER_CHUNK)]
