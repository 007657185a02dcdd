"""Every provider's spelling of token usage, turned into ours. Foreign names end here.

Two conventions have to be told apart. Input: OpenAI, Gemini and OpenTelemetry report it with what came
from the cache; Anthropic and Bedrock report it without, and the parts beside it. Output: OpenAI and
Anthropic report reasoning inside it, Gemini's `candidatesTokenCount` leaves thoughts out.
Sources: the providers' API references, and the measured payloads in tests/golden/usage_cases.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracking.domain.usage import TokenUsage

_INPUT: Final = (
    "input_tokens",
    "prompt_tokens",
    "inputTokens",
    "promptTokenCount",
    "prompt_token_count",
    "input",  # Langfuse
    "inputTokenCount",  # Bedrock's own, beside whatever the model's vendor says
)
_OUTPUT: Final = (
    "output_tokens",
    "completion_tokens",
    "outputTokens",
    "candidatesTokenCount",
    "candidates_token_count",
    "output",
    "outputTokenCount",
)
# Counts reported beside an input that leaves them out.
_OUTSIDE_READ: Final = (
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cacheReadInputTokenCount",
    "cache_read",
)
_OUTSIDE_WRITE: Final = (
    "cache_creation_input_tokens",
    "cacheWriteInputTokens",
    "cacheWriteInputTokenCount",
    "cache_creation",
)
# Counts reported as parts of the input.
_INSIDE_READ: Final = (
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "input_token_details.cache_read",
    "prompt_cache_hit_tokens",  # DeepSeek
    "cachedContentTokenCount",
    "cached_content_token_count",
    "cached_prompt_tokens",  # crewai's own
    "cached_tokens",
)
_INSIDE_WRITE: Final = (
    "prompt_tokens_details.cache_write_tokens",  # OpenRouter
    "prompt_tokens_details.cache_creation_tokens",  # litellm
    "input_tokens_details.cache_write_tokens",
    "input_token_details.cache_creation",
    "cache_creation_tokens",  # crewai's own
)
_REASONING: Final = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "output_token_details.reasoning",
    "reasoning_tokens",
    "reasoning_output_tokens",
)
_THOUGHTS: Final = ("thoughtsTokenCount", "thoughts_token_count")  # beside Gemini's candidates
_TOOL_PROMPT: Final = ("toolUsePromptTokenCount", "tool_use_prompt_token_count")  # beside Gemini's prompt
_INPUT_AUDIO: Final = ("prompt_tokens_details.audio_tokens", "input_token_details.audio")
_OUTPUT_AUDIO: Final = ("completion_tokens_details.audio_tokens", "output_token_details.audio")
_SEARCHES: Final = ("server_tool_use.web_search_requests", "num_search_queries")
_WRITE_5M: Final = ("cache_creation.ephemeral_5m_input_tokens",)
_WRITE_1H: Final = ("cache_creation.ephemeral_1h_input_tokens",)
_JSON: Final = frozenset({float, str, bool, list})
_EXCLUSIVE_PROVIDERS: Final = frozenset({"anthropic", "bedrock", "aws", "aws.bedrock"})


@dataclass(slots=True)
class NormalizedUsage:
    """Usage as far as it is sound, and in words what was not."""

    usage: TokenUsage | None
    flags: list[str] = field(default_factory=list)
    raw: dict[str, int] = field(default_factory=dict)  # the counts in the provider's own words


def normalize_usage(payload: object, provider: str | None = None) -> TokenUsage:
    """Read a provider's usage payload.

    Args:
        payload: the usage object or dict, or a whole response that has one under `usage`, `usageMetadata`
            or `usage_metadata`; or the list of a stream's events: what they report is cumulative, so that of
            each count the last one holds.
        provider: who sent it, where known; settles what the keys alone leave open.

    Returns:
        The counts, as far as they are sound; all None when the payload says nothing. Never raises.
    """
    return read_usage(payload, provider).usage or TokenUsage()


def read_usage(payload: object, provider: str | None = None) -> NormalizedUsage:
    """`normalize_usage`, with what had to be dropped or bent said in `flags`."""
    reader = _Reader(payload)
    if not reader.says_something():
        return NormalizedUsage(None, reader.flags)
    counts = _input(reader, provider) | _output(reader)
    counts["web_search_requests"] = reader.first(_SEARCHES)
    return NormalizedUsage(TokenUsage(**_sound(counts, reader.flags)), reader.flags, reader.raw)


def _input(reader: _Reader, provider: str | None) -> dict[str, int | None]:
    whole = reader.first(_INPUT)
    outside_read, outside_write = reader.first(_OUTSIDE_READ), reader.first(_OUTSIDE_WRITE)
    short, long = reader.first(_WRITE_5M), reader.first(_WRITE_1H)
    if outside_write is None and (short is not None or long is not None):
        outside_write = (short or 0) + (long or 0)
    exclusive = _is_exclusive(reader, provider, whole, (outside_read or 0) + (outside_write or 0))
    if exclusive and (whole is not None or outside_read or outside_write):
        whole = (whole or 0) + (outside_read or 0) + (outside_write or 0)
    if (tool_prompt := reader.first(_TOOL_PROMPT)) is not None:
        whole = (whole or 0) + tool_prompt
    return {
        "input_tokens": whole,
        "cache_read_input_tokens": outside_read if outside_read is not None else reader.first(_INSIDE_READ),
        "cache_creation_input_tokens": outside_write
        if outside_write is not None
        else reader.first(_INSIDE_WRITE),
        "cache_creation_5m_input_tokens": short,
        "cache_creation_1h_input_tokens": long,
        "input_audio_tokens": reader.first(_INPUT_AUDIO),
    }


def _is_exclusive(reader: _Reader, provider: str | None, whole: int | None, cache: int) -> bool:
    """Whether the input leaves the cache out.

    The key decides where it can: `prompt_tokens` is inclusive everywhere (litellm adds Anthropic's cache
    keys beside it). `input_tokens` beside cache keys is Anthropic's or Bedrock's, unless the total shows
    that the cache is in it already.
    """
    if reader.has("prompt_tokens") or reader.has("promptTokenCount") or reader.has("prompt_token_count"):
        return False
    total, output = reader.first(("total_tokens", "totalTokens")), reader.first(_OUTPUT)
    if total is not None and output is not None and whole is not None and cache:
        if total == whole + output:
            return reader.has("inputTokens") and provider in _EXCLUSIVE_PROVIDERS
        if total == whole + cache + output:
            return True
    if provider is not None and provider not in _EXCLUSIVE_PROVIDERS and whole is not None and cache <= whole:
        return not reader.has("input_tokens_details.cached_tokens") and provider == "litellm"
    return reader.has("inputTokens") or cache > 0


def _output(reader: _Reader) -> dict[str, int | None]:
    whole, thoughts = reader.first(_OUTPUT), reader.first(_THOUGHTS)
    reasoning = reader.first(_REASONING)
    if thoughts is not None:
        whole, reasoning = (whole or 0) + thoughts, thoughts
    return {
        "output_tokens": whole,
        "reasoning_output_tokens": reasoning,
        "output_audio_tokens": reader.first(_OUTPUT_AUDIO),
    }


def _sound(counts: dict[str, int | None], flags: list[str]) -> dict[str, int | None]:
    """Cut parts down to their whole, so that a nonsensical payload never yields a negative remainder."""
    sound = dict(counts)
    _cut(sound, "reasoning_output_tokens", "output_tokens", flags)
    _cut(sound, "output_audio_tokens", "output_tokens", flags)
    _cut(sound, "input_audio_tokens", "input_tokens", flags)
    _cut(sound, "cache_read_input_tokens", "input_tokens", flags)
    whole, read, write = (sound[f"{n}input_tokens"] for n in ("", "cache_read_", "cache_creation_"))
    if whole is not None and write is not None and write > whole - (read or 0):
        flags.append(f"cache writes {write} cut to the {whole - (read or 0)} input tokens left")
        sound["cache_creation_input_tokens"] = whole - (read or 0)
    _cut(sound, "cache_creation_5m_input_tokens", "cache_creation_input_tokens", flags)
    _cut(sound, "cache_creation_1h_input_tokens", "cache_creation_input_tokens", flags)
    return sound


def _cut(counts: dict[str, int | None], part: str, whole: str, flags: list[str]) -> None:
    part_count, whole_count = counts[part], counts[whole]
    if part_count is not None and whole_count is not None and part_count > whole_count:
        flags.append(f"{part} {part_count} cut to {whole} {whole_count}")
        counts[part] = whole_count


class _Reader:
    """Dotted look-ups in a dict or an object, sound counts only."""

    def __init__(self, payload: object) -> None:
        self.flags: list[str] = []
        self._payload = _inner(payload)
        # What JSON parsed is looked up on the crew's thread, some thirty names each time: one dict does it.
        self._flat = _flat(self._payload) if type(self._payload) is dict else None

    @property
    def raw(self) -> dict[str, int]:
        """What is a count and not 0, under its own name."""
        return {} if self._flat is None else {k: n for k, n in self._flat.items() if type(n) is int and n}

    def has(self, path: str) -> bool:
        return self._get(path) is not None

    def first(self, paths: tuple[str, ...]) -> int | None:
        """The first of these that is a sound count.

        A 0 is passed over for a later number: some payloads carry the same count twice, once unfilled.
        """
        found: int | None = None
        flat = self._flat
        for path in paths:
            if flat is not None and path not in flat:
                continue
            count = self._count(path)
            if count:
                return count
            found = count if found is None else found
        return found

    def says_something(self) -> bool:
        return (
            self.first(_INPUT) is not None
            or self.first(_OUTPUT) is not None
            or bool(self.first((*_OUTSIDE_READ, *_OUTSIDE_WRITE, *_THOUGHTS, *_WRITE_5M, *_WRITE_1H)))
        )

    def _count(self, path: str) -> int | None:
        value = self._get(path)
        if type(value) is int and value >= 0:  # nearly always: the rest is for payloads that are not JSON
            return value
        if value is None or isinstance(value, bool | str | bytes):
            return None
        try:
            count = int(value)
        except (TypeError, ValueError, OverflowError):
            return None
        if count < 0 or count != value:
            self.flags.append(f"{path} was {value!r}"[:80])
            return None
        return count

    def _get(self, path: str) -> Any:
        if self._flat is not None:
            return self._flat.get(path)
        if "." not in path:
            return _field(self._payload, path)
        value: Any = self._payload
        for name in path.split("."):
            value = _field(value, name)
            if value is None:
                return None
        return value


def _flat(payload: dict[Any, Any]) -> dict[str, Any] | None:
    """Two levels of a JSON object under dotted names; None: there is something else in it."""
    flat = dict(payload)
    for name, value in payload.items():
        kind = type(value)
        if kind is dict:
            for inner, count in value.items():
                flat[f"{name}.{inner}"] = count
        elif kind is not int and value is not None and kind not in _JSON:
            return None
    return flat


def _field(holder: Any, name: str) -> Any:
    if isinstance(holder, Mapping):
        return holder.get(name)
    return getattr(holder, name, None)


def _inner(payload: object) -> object:
    """The usage inside a whole response, or the payload itself."""
    if isinstance(payload, list | tuple):
        return _last_of_each(payload)
    for name in ("usage", "usageMetadata", "usage_metadata"):
        inner = payload.get(name) if isinstance(payload, Mapping) else getattr(payload, name, None)
        if inner is not None and not callable(inner):
            return inner
    return payload


def _last_of_each(events: Sequence[object]) -> dict[str, Any]:
    """The counts of a stream's events, each as it was reported last."""
    counts: dict[str, Any] = {}
    for event in events:
        holder = event.get("message") if isinstance(event, Mapping) else getattr(event, "message", None)
        usage = _inner(holder if holder is not None else event)
        stated = usage if isinstance(usage, Mapping) else getattr(usage, "__dict__", {})
        counts |= {name: value for name, value in stated.items() if value is not None}
    return counts
