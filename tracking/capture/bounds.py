"""The most tokens that a request can use, as far as the request itself tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tracking.capture.estimate import input_tokens
from tracking.capture.texts import Gap, sent
from tracking.capture.wire import parsed

# Where each protocol says how much a model may write: OpenAI's three, Anthropic's; Gemini's and Bedrock's in
# tables of their own.
_LIMITS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens", "maxTokens")
_HOLDERS: Final = ("generationConfig", "generation_config", "inferenceConfig", "textGenerationConfig")
_CHOICES: Final = ("n", "best_of", "candidateCount", "candidate_count")
_CACHES: Final = ("cache_control", "cachePoint")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a request can use at most.

    Attributes:
        input_tokens: counted with OpenAI's tokenizer; None: it can't be counted, see `gap`.
        output_tokens: for each of `answers`, its own limit; None: it names none.
        writes_cache: it asks for its input to be kept in a cache.
    """

    input_tokens: int | None
    output_tokens: int | None
    answers: int = 1
    writes_cache: bool = False
    service_tier: str | None = None
    gap: Gap | None = None


def bounds(body: bytes, operation_name: str) -> Bounds:
    """Read a request's JSON body."""
    request = parsed(body) if body else None
    if not isinstance(request, Mapping):
        return Bounds(None, None, gap=Gap.UNREAD_REQUEST)
    text = sent(request)
    counted = None if text.gap is not None else input_tokens(text)
    return Bounds(
        input_tokens=counted,
        output_tokens=0 if operation_name == "embeddings" else _most(request, _LIMITS),
        answers=_answers(request),
        writes_cache=any(name.encode() in body for name in _CACHES),
        service_tier=_tier(request),
        gap=text.gap,
    )


def _most(request: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The largest of what a request says under these names."""
    holders = [request, *(request[name] for name in _HOLDERS if isinstance(request.get(name), Mapping))]
    found = [holder[name] for holder in holders for name in names if name in holder]
    counts = [count for count in found if isinstance(count, int) and not isinstance(count, bool)]
    return max((count for count in counts if count > 0), default=None)  # -1: as many as it likes


def _answers(request: Mapping[str, Any]) -> int:
    """How many answers are written: also those of OpenAI's completions of which only the best is sent."""
    prompt = request.get("prompt")
    questions = (
        len(prompt) if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list) else 1
    )
    return questions * (_most(request, _CHOICES) or 1)


def _tier(request: Mapping[str, Any]) -> str | None:
    """The tier that is asked for. One that the provider chooses by itself is not known before."""
    if request.get("speed") == "fast":  # Anthropic's
        return "fast"
    tier = request.get("service_tier") or request.get("serviceTier")
    if isinstance(tier, Mapping):  # Bedrock's
        tier = tier.get("type")
    return tier if isinstance(tier, str) else None
