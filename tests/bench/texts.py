"""What providers' answers say beside the counts: ids, and the usage in their own words."""

import numpy as np
from bench import chances
from bench.firm import MODELS

_PREFIXES = {"openai": "chatcmpl-", "anthropic": "msg_01", "gemini": "", "local": "local-"}
# How each provider names the counts that it reports.
_WORDS = {
    "openai": {
        "input_tokens": "prompt_tokens",
        "output_tokens": "completion_tokens",
        "cache_read_input_tokens": "prompt_tokens_details.cached_tokens",
        "reasoning_output_tokens": "completion_tokens_details.reasoning_tokens",
    },
    "anthropic": {
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "cache_read_input_tokens": "cache_read_input_tokens",
        "cache_creation_input_tokens": "cache_creation_input_tokens",
    },
    "gemini": {
        "input_tokens": "promptTokenCount",
        "output_tokens": "candidatesTokenCount",
        "cache_read_input_tokens": "cachedContentTokenCount",
        "reasoning_output_tokens": "thoughtsTokenCount",
    },
}


def response_ids(random: np.random.Generator, model: np.ndarray, refused: np.ndarray) -> list[str | None]:
    prefixes = [_PREFIXES.get(m.provider, "") for m in MODELS]
    tails = chances.hexadecimal(random, len(model), 24)
    rows = zip(model.tolist(), tails, refused.tolist(), strict=True)
    return [None if missing else prefixes[number] + tail for number, tail, missing in rows]


def raw_usages(model: np.ndarray, counts: dict[str, np.ndarray], estimated: np.ndarray) -> np.ndarray:
    """JSON, where the provider reported something."""
    found = np.full(len(model), None, object)
    for number, each in enumerate(MODELS):
        words = _WORDS.get(each.provider, _WORDS["openai"])
        rows = np.flatnonzero((model == number) & ~np.isnan(counts["input_tokens"]) & ~estimated)
        told = {word: counts[name][rows] for name, word in words.items()}
        told = {word: column for word, column in told.items() if len(rows) and not np.isnan(column[0])}
        template = "{{" + ", ".join(f'"{word}": {{}}' for word in told) + "}}"
        columns = [column.astype(np.int64).tolist() for column in told.values()]
        if columns:
            found[rows] = list(map(template.format, *columns))
    return found
