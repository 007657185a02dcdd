"""The text in a request that a model reads, and in an answer that it wrote: what a provider counts as tokens.

All protocols say it in parts, of which one reader knows the names: OpenAI's chat completions, completions,
responses and embeddings, Anthropic's messages, Gemini's contents, Bedrock's converse. A part that it does not
know makes the whole impossible to count: nothing is left out in silence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Any, Final

# Of one text. The largest context windows are about two million tokens.
MOST_CHARACTERS: Final = 8 * 1024 * 1024


class Gap(StrEnum):
    """Why tokens can't be counted from a text."""

    MEDIA = "what is not text (images, audio, files) cannot be counted"
    SERVER_TOOL = "what a tool at the provider's adds cannot be seen"
    KEPT_THERE = "a part of it is kept by the provider"
    TOO_LONG = "it is too long to be counted"
    UNREAD_REQUEST = "the request could not be read"
    UNREAD_ANSWER = "the answer could not be read"


@dataclass(slots=True)
class Text:
    """What was said in one direction. `tokens`: instead of text, they were sent themselves."""

    pieces: list[str] = field(default_factory=list, repr=False)
    messages: int = 0
    tokens: int = 0
    gap: Gap | None = None
    characters: int = 0

    def add(self, piece: str) -> None:
        if self.gap is not None:
            return
        self.characters += len(piece)
        if self.characters > MOST_CHARACTERS:
            self.lacks(Gap.TOO_LONG)
        else:
            self.pieces.append(piece)

    def add_json(self, value: object) -> None:
        """What a model is shown as JSON, or writes as such."""
        self.add(
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        )

    def lacks(self, gap: Gap) -> None:
        """It can't be counted any more: what was kept of it is of no use."""
        self.gap = gap
        self.pieces.clear()


# Of a request: what is said, and what is said before it.
_CONVERSATION: Final = frozenset({"messages", "contents", "content", "input", "requests", "prompt"})
_SYSTEM: Final = frozenset({"system", "instructions", "systemInstruction", "system_instruction"})
_TOOLS: Final = frozenset({"tools", "functions"})
_SHAPES: Final = frozenset(
    {"response_format", "text", "output_format", "output_config", "generationConfig", "generation_config"}
)
_SCHEMAS: Final = frozenset(
    {"json_schema", "schema", "responseSchema", "responseJsonSchema", "response_schema"}
)
_KEPT_THERE: Final = frozenset({"previous_response_id", "conversation", "cachedContent", "cached_content"})
_SEARCHES: Final = frozenset({"web_search_options", "plugins", "mcp_servers", "container"})
# Of a tool: what tells one of the crew's own, which a model only asks for, from one that the provider runs.
_OWN_TOOL: Final = frozenset(
    {"function", "parameters", "input_schema", "toolSpec", "functionDeclarations", "function_declarations"}
)
# Of a message or a part of one: what is text or has parts in turn,
_SAID: Final = frozenset(
    {
        "text",
        "refusal",
        "content",
        "parts",
        "message",
        "summary",
        "output",
        "name",
        "arguments",
        "partial_json",
    }
    | {"thinking", "reasoning", "reasoning_content", "reasoningContent", "reasoningText"}
    | {"tool_calls", "function", "function_call", "functionCall", "functionResponse", "toolUse", "toolResult"}
    | {"custom"}
)
# what is read or written as JSON,
_DATA: Final = frozenset({"input", "args", "response", "json"})
# and what is neither.
_ASIDE: Final = frozenset(
    {"cache_control", "cachePoint", "annotations", "citations", "logprobs", "reasoning_details", "metadata"}
    | {"content_filter_results", "content_filter_result", "extra_content", "caller"}
)
_KINDS: Final = frozenset(
    {"text", "message", "input_text", "output_text", "refusal", "summary_text", "reasoning", "reasoning_text"}
    | {"thinking", "redacted_thinking", "tool_use", "tool_result", "function", "function_call", "custom"}
    | {"function_call_output", "custom_tool_call", "custom_tool_call_output"}
    | {"text_delta", "thinking_delta", "input_json_delta", "signature_delta", "citations_delta"}
)
# What a provider, or a gateway before it, sends in a shape of its own.
_ODD_SHAPES: Final = (TypeError, ValueError, AttributeError, RecursionError)
# Of an answer, whole or in events.
_WRITTEN: Final = ("content", "output", "delta", "content_block", "start")
_CHOSEN: Final = ("message", "delta", "content", "text")
_WRITTEN_DELTAS: Final = frozenset(
    f"response.{what}.delta"
    for what in (
        *("output_text", "refusal", "reasoning_text", "reasoning_summary_text"),
        *("function_call_arguments", "custom_tool_call_input"),
    )
)


def sent(request: object) -> Text:
    """What a request has a model read; `request` is its decoded JSON."""
    text = Text()
    try:
        if isinstance(request, dict):
            _read_request(request, text)
    except _ODD_SHAPES:
        text.lacks(Gap.UNREAD_REQUEST)
    if not text.pieces and not text.tokens and text.gap is None:
        text.lacks(Gap.UNREAD_REQUEST)
    return text


def hear(event: object, text: Text) -> None:
    """Add what an event of a stream, or a whole answer, says that the model wrote."""
    try:
        if isinstance(event, dict):
            _read_answer(event, text)
    except _ODD_SHAPES:
        text.lacks(Gap.UNREAD_ANSWER)


def _read_request(request: dict[str, Any], text: Text) -> None:
    for name, value in request.items():
        if not value:
            continue
        if name in _KEPT_THERE or (name == "prompt" and isinstance(value, dict)):
            text.lacks(Gap.KEPT_THERE)
        elif name in _SEARCHES:
            text.lacks(Gap.SERVER_TOOL)
        elif name in _CONVERSATION:
            _read(value, text)
        elif name in _SYSTEM:
            text.messages += not (isinstance(value, dict) and "role" in value)
            _read(value, text)
        elif name in _TOOLS:
            _tools(value, text)
        elif name == "toolConfig":  # Bedrock's holds the tools, Gemini's does not
            _tools(value.get("tools") or (), text)
        elif name in _SHAPES and isinstance(value, dict):
            _schema(value, text)


def _read_answer(event: dict[str, Any], text: Text) -> None:
    kind = event.get("type")
    if isinstance(kind, str) and kind.startswith("response."):
        _read_response_event(kind, event, text)
        return
    for name in _WRITTEN:
        if name in event:
            _read(event[name], text)
    for choice in chain(event.get("choices") or (), event.get("candidates") or ()):
        for name in _CHOSEN:
            if isinstance(choice, dict) and name in choice:
                _read(choice[name], text)


def _read_response_event(kind: str, event: dict[str, Any], text: Text) -> None:
    """OpenAI's responses tell everything twice, in pieces and whole: the pieces are taken."""
    if kind in _WRITTEN_DELTAS:
        text.add(str(event.get("delta") or ""))
    elif kind == "response.output_item.added":
        item = event.get("item") or {}
        if item.get("type") not in _KINDS:
            text.lacks(Gap.SERVER_TOOL)
        text.add(str(item.get("name") or ""))


def _read(value: object, text: Text) -> None:
    if isinstance(value, str):
        text.add(value)
    elif isinstance(value, dict):
        _part(value, text)
    elif isinstance(value, list):
        for item in value:
            _read(item, text)
    elif isinstance(value, int):  # embeddings of a text that was cut into tokens already
        text.tokens += 1


def _part(part: dict[str, Any], text: Text) -> None:
    text.messages += "role" in part
    if part.get("type", "text") not in _KINDS:
        text.lacks(Gap.MEDIA)
        return
    for name, value in part.items():
        if name in _SAID:
            _read(value, text)
        elif name in _DATA and value:  # a tool call begins with {}, and its arguments follow
            text.add_json(value)
        elif name not in _ASIDE and value and isinstance(value, dict | list):
            text.lacks(Gap.MEDIA)


def _tools(tools: Any, text: Text) -> None:
    for tool in tools:
        if tool.get("type") == "custom" or not _OWN_TOOL.isdisjoint(tool):
            text.add_json(tool.get("function", tool))
        elif "cachePoint" not in tool:
            text.lacks(Gap.SERVER_TOOL)


def _schema(holder: dict[str, Any], text: Text) -> None:
    for name, value in holder.items():
        if name in _SCHEMAS:
            text.add_json(value)
        elif isinstance(value, dict):
            _schema(value, text)
