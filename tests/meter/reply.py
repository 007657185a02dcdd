"""What a test asks the provider to answer, and what it may look at before it decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """A request as every protocol can tell it; ``body`` is the decoded JSON for what only one can.

    ``prompt`` is all text the model would read (instructions, messages, tool definitions), one string
    per line. ``index`` counts billable requests from 0, in the order they arrived.
    """

    protocol: str
    path: str
    model: str
    stream: bool
    prompt: str
    tool_names: tuple[str, ...]
    body: Mapping[str, Any]
    structured: bool = False
    service_tier: str | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer. Every default gives an ordinary successful reply.

    Args:
        text: the answer; None gives a default that CrewAI's agents accept as final.
        tool_calls: ``(name, arguments)`` pairs; with them ``text`` defaults to nothing.
        refusal: the model's words on declining; there is no text then.
        finish_reason: ``"stop"``, ``"length"`` or ``"content_filter"``, translated to each protocol's own
            word; None gives a tool call or a stop, whichever the reply is.
        input_tokens: including both cache counts; None counts the request (see `meter.counting`).
        output_tokens: including reasoning; None counts the reply.
        cache_read_input_tokens: read from the cache.
        cache_creation_input_tokens: written to the cache, whatever its lifetime.
        cache_creation_1h_input_tokens: the part of the writes that lives an hour (Anthropic only).
        reasoning_output_tokens: metered everywhere, on the wire only where the protocol has a field.
        usage_mode: ``"missing"`` reports nothing (and is billed all the same); ``"every_chunk"`` puts the
            final totals on every chunk of a stream, ``"cumulative"`` the totals so far. Both are ways to
            be counted double. A reply that is not streamed has one chunk, so for it they are normal.
        status: 400 or more sends the protocol's error body instead, unbilled.
        retry_after_seconds: told to the client with an error; tiny by default to keep retries quick.
        error_message: of the error body.
        cut_after_chunks: drop the connection after so many events of a stream, or halfway through a reply
            that is not streamed. The whole usage is billed.
        delay_seconds: wait before the first byte.
        between_chunks: called before each further event of a stream with its number, from 1; it may wait.
        service_tier: the tier served, where it differs from the one asked for.
        served_model: the model named in the response, where it differs from the requested one.
        cost: US dollars, reported as OpenRouter does in ``usage.cost`` (OpenAI chat only).
    """

    text: str | None = None
    tool_calls: tuple[tuple[str, Mapping[str, Any]], ...] | list[tuple[str, Mapping[str, Any]]] = ()
    refusal: str | None = None
    finish_reason: Literal["stop", "length", "content_filter"] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0
    reasoning_output_tokens: int = 0
    usage_mode: Literal["normal", "missing", "every_chunk", "cumulative"] = "normal"
    status: int = 200
    retry_after_seconds: float = 0.01
    error_message: str = "the metering provider was told to fail this request"
    cut_after_chunks: int | None = None
    delay_seconds: float = 0.0
    between_chunks: Callable[[int], object] | None = None
    service_tier: str | None = None
    served_model: str | None = None
    cost: Decimal | None = None
