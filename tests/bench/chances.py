"""How the made history is spread: over the year, over runs, over sizes."""

from datetime import datetime, timedelta

import numpy as np

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

# Of offices in Europe and America: by the hour of UTC.
_HOURS = np.array(
    [3, 2, 1, 1, 1, 2, 6, 18, 40, 55, 52, 38, 34, 52, 70, 74, 66, 50, 38, 28, 20, 14, 9, 5], float
)
_MOST_CALLS_A_RUN = 600


def micros(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def zipf(count: int, exponent: float = 1.0) -> np.ndarray:
    """The chances of `count` things, each less asked for than the one before."""
    weights = 1 / np.arange(1, count + 1) ** exponent
    return weights / weights.sum()


def run_sizes(random: np.random.Generator, calls: int, mean: float) -> np.ndarray:
    """How many calls each run has: most a few dozen, some hundreds, `calls` in all."""
    drawn = random.lognormal(np.log(mean) - 0.3, 0.8, 64 + int(2 * calls / mean))
    sizes = np.clip(np.rint(drawn), 1, _MOST_CALLS_A_RUN).astype(np.int64)
    passed = np.cumsum(sizes)
    last = int(np.searchsorted(passed, calls))
    sizes = sizes[: last + 1]
    sizes[-1] -= passed[last] - calls
    return sizes


def hours_weights(random: np.random.Generator, first: datetime, days: int) -> np.ndarray:
    """How much happens in each hour: more by day, on weekdays, in campaigns, and as the firm grows."""
    weekday = (np.arange(days) + first.weekday()) % 7
    day = np.linspace(1, 2.2, days) * np.where(weekday < 5, 1.0, 0.12) * random.lognormal(0, 0.25, days)
    for start in random.integers(0, days, 9):
        day[start : start + int(random.integers(3, 11))] *= random.uniform(1.8, 4)
    return np.outer(day, _HOURS).ravel()


def run_starts(random: np.random.Generator, count: int, first: datetime, days: int) -> np.ndarray:
    """When runs begin, in microseconds, in order. A third of them begin together, as batches do."""
    weights = hours_weights(random, first, days)
    hour = random.choice(len(weights), count, p=weights / weights.sum())
    within = random.random(count) * HOUR
    batched = random.random(count) < 0.35
    batch_at = random.random(len(weights)) * 0.9 * HOUR
    within[batched] = batch_at[hour[batched]] + random.exponential(20 * SECOND, int(batched.sum()))
    # The last hour is left for the last runs to end in.
    return np.sort(
        np.minimum(micros(first) + hour * HOUR + within.astype(np.int64), micros(first) + days * DAY - HOUR)
    )


def heavy(random: np.random.Generator, middle: np.ndarray, spread: float, most: int) -> np.ndarray:
    """Whole numbers from 1 to `most` around `middle`; one in a hundred is several times as large."""
    size = len(middle)
    drawn = middle * random.lognormal(0, spread, size)
    drawn *= np.where(random.random(size) < 0.01, 1 + random.pareto(1.5, size) * 4, 1.0)
    return np.clip(np.rint(drawn), 1, most).astype(np.int64)


def part(random: np.random.Generator, whole: np.ndarray, a: float, b: float) -> np.ndarray:
    """A part of each, by a beta distribution: never more than the whole."""
    return (whole * random.beta(a, b, len(whole))).astype(np.int64)


def hexadecimal(random: np.random.Generator, count: int, digits: int) -> list[str]:
    text = random.bytes(count * digits // 2).hex()
    return [text[start : start + digits] for start in range(0, count * digits, digits)]
