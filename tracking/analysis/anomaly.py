"""Whether a run cost, or took, much more than those before it.

The rule is the modified z-score of Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), as in
NIST's Engineering Statistics Handbook, section 1.3.5.17: 0.6745 × (value less median) / MAD is above 3.5.
MAD is the median of the absolute deviations from the median. Both stay where they are when some of the
earlier ones were outliers themselves, unlike mean and standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

FEWEST: Final = 8  # earlier runs: of fewer the spread says little

_SCORE: Final = Fraction(7, 2)
_NORMAL: Final = Fraction(6745, 10_000)  # the MAD of a normal distribution of deviation 1
# Runs that are nearly alike have next to no spread: a few per cent more would stand out, and are no news.
_LEAST_EXCESS: Final = Fraction(1, 2)  # of the median


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A value that is far above what is usual: the median of so many `earlier` ones."""

    value: int
    usual: Fraction
    earlier: int

    @property
    def times(self) -> Fraction:
        return self.value / self.usual


def anomaly(value: int, earlier: Sequence[int]) -> Anomaly | None:
    """Whether a value stands out above the earlier ones of its kind; None: it doesn't, or they are too few.

    Values are integers of any unit, nano-dollars or microseconds, none negative. Where most of the earlier
    ones are 0 nothing is told: there is nothing to be a multiple of.
    """
    if len(earlier) < FEWEST:
        return None
    usual = _median([Fraction(each) for each in earlier])
    if usual == 0:
        return None
    spread = _median([abs(each - usual) for each in earlier])
    excess = value - usual
    if excess <= _LEAST_EXCESS * usual or _NORMAL * excess <= _SCORE * spread:
        return None
    return Anomaly(value, usual, len(earlier))


def _median(values: Sequence[Fraction]) -> Fraction:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
