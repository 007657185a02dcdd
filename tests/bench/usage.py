"""What made calls used, how long they took, and how they ended: columns of numbers, by model."""

import numpy as np
from bench import chances
from bench.firm import EMBEDDINGS, MODELS

from tracking.domain.usage import COUNTS

_LONGEST_PROMPT, _LONGEST_ANSWER = 180_000, 32_000
ERRORS = ("RateLimitError", "APITimeoutError", "InternalServerError", "BadRequestError")

Columns = dict[str, np.ndarray]


def counts_of(random: np.random.Generator, model: np.ndarray, progress: np.ndarray) -> Columns:
    """Tokens as providers report them, NaN where one does not. A run's prompts grow as it goes on."""
    prompt, answer = (np.array([getattr(m, name) for m in MODELS])[model] for name in ("prompt", "answer"))
    asked = chances.heavy(random, prompt * (0.5 + 1.5 * progress), 0.8, _LONGEST_PROMPT)
    said = chances.heavy(random, answer, 0.9, _LONGEST_ANSWER)
    fits = (asked >= 1_024) & (random.random(len(model)) < 0.6)
    read = np.where(fits, chances.part(random, asked, 4, 2) // 128 * 128, 0)
    written = np.where(random.random(len(model)) < 0.2, chances.part(random, asked - read, 2, 2), 0)
    reasons = chances.part(random, said, 2, 2)
    searched = np.where(random.random(len(model)) < 0.04, random.integers(1, 4, len(model)), 0)

    def reported(by: list[bool], column: np.ndarray) -> np.ndarray:
        return np.where(np.array(by)[model], column.astype(float), np.nan)

    thinks = [m.thinks is True for m in MODELS]
    counts = dict.fromkeys(COUNTS, np.full(len(model), np.nan))
    counts |= {
        "input_tokens": asked.astype(float),
        "output_tokens": reported([m.name != EMBEDDINGS for m in MODELS], said),
        "cache_read_input_tokens": reported([m.reads for m in MODELS], read),
        "cache_creation_input_tokens": reported([m.writes for m in MODELS], written),
        "cache_creation_5m_input_tokens": reported([m.writes for m in MODELS], written),
        "cache_creation_1h_input_tokens": reported([m.writes for m in MODELS], written * 0),
        "reasoning_output_tokens": reported(
            [m.thinks is not None and m.name != EMBEDDINGS for m in MODELS],
            np.where(np.array(thinks)[model], reasons, 0),
        ),
        "web_search_requests": reported([m.searches for m in MODELS], searched),
    }
    return counts


def outcomes_of(random: np.random.Generator, model: np.ndarray, counts: Columns) -> Columns:
    """Which calls were refused, cut short, or told nothing of their usage. One in thirty is one of these."""
    lot = random.random(len(model))
    refused, unread, cut = lot < 0.013, (lot >= 0.013) & (lot < 0.0145), (lot >= 0.0145) & (lot < 0.019)
    silent = (lot >= 0.019) & (lot < 0.027)
    counted = (lot >= 0.027) & (lot < 0.037)
    lost = cut & (random.random(len(model)) < 0.3)
    return {
        "refused": refused,
        "error": refused | unread,
        "incomplete": cut,
        "unknown": refused | silent | lost,
        "estimated": counted | (cut & ~lost),
        "kind": random.choice(len(ERRORS), len(model), p=(0.6, 0.2, 0.15, 0.05)),
    }


def durations_of(random: np.random.Generator, model: np.ndarray, counts: Columns) -> np.ndarray:
    """Microseconds: a while before the first word, then as fast as the model speaks; some hang."""
    speed = np.array([m.speed or 1 for m in MODELS])[model]
    seconds = 0.25 + np.nan_to_num(counts["output_tokens"]) / speed + counts["input_tokens"] / 30_000
    seconds *= random.lognormal(0, 0.3, len(model))
    seconds *= np.where(random.random(len(model)) < 0.004, random.uniform(3, 12, len(model)), 1)
    return np.rint(np.minimum(seconds, 600) * chances.SECOND).astype(np.int64)


def since_start(random: np.random.Generator, duration: np.ndarray, first: np.ndarray) -> np.ndarray:
    """One call after the other, with a little work in between."""
    passed = np.cumsum(duration + random.exponential(0.4 * chances.SECOND, len(duration)).astype(np.int64))
    before = np.concatenate([[0], passed[:-1]])
    return before - before[first]
