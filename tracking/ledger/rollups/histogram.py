"""Histograms in logarithmic buckets: any quantile within 1 %, from a few hundred numbers.

The method is DDSketch's (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch", VLDB
2019): bucket b holds the values in (γ^(b-1), γ^b], and 2 γ^b / (γ + 1) is at most (γ - 1) / (γ + 1) away
from each.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from typing import Final, Self

import numpy as np

GAMMA: Final = 1.02  # (γ - 1) / (γ + 1) is 0.99 %
_LOG: Final = math.log(GAMMA)
_ZERO: Final = -1  # the bucket of nothing: no logarithm reaches it, for values are whole numbers
_BUCKETS: Final = 2_208  # so many hold every number of 63 bits
_HEAD: Final = struct.Struct("<hB")  # the first bucket that holds anything, and how many bytes a count has


def bucket(value: int) -> int:
    """The bucket of a value that is not negative."""
    return _ZERO if value <= 0 else math.ceil(math.log(value) / _LOG)


def bucket_sql(value: str) -> str:
    """`bucket` in PostgreSQL."""
    log = f"LN(CAST({value} AS DOUBLE PRECISION)) / {_LOG!r}"
    return f"CASE WHEN {value} <= 0 THEN {_ZERO} ELSE CAST(CEIL({log}) AS INTEGER) END"


class Histogram:
    """How many values are in each bucket."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, np.int64)

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Self:
        """From how many values are in which bucket."""
        found = cls()
        found.add(counts)
        return found

    def add(self, counts: Mapping[int, int]) -> None:
        """Take more values, by how many are in which bucket."""
        for each, count in counts.items():
            self._counts[each - _ZERO] += count

    def add_bytes(self, kept: bytes) -> None:
        """Take the values of another one, which `to_bytes` gave."""
        first, width = _HEAD.unpack_from(kept)
        counts = np.frombuffer(kept, f"<u{width}", offset=_HEAD.size)
        start = first - _ZERO
        self._counts[start : start + len(counts)] += counts.astype(np.int64)

    def to_bytes(self) -> bytes:
        """As the database holds it, without the empty buckets at both ends. Equal ones give equal bytes."""
        [filled] = self._counts.nonzero()
        first, end = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
        width = np.min_scalar_type(int(self._counts.max())).itemsize
        return _HEAD.pack(first + _ZERO, width) + self._counts[first:end].astype(f"<u{width}").tobytes()

    def quantiles(self, wanted: Iterable[float]) -> list[float]:
        """The values that stand at these fractions of all, by nearest rank, each within 1 %; of none: nan."""
        ranks = self._counts.cumsum()
        count = int(ranks[-1])
        if not count:
            return [math.nan for _ in wanted]
        places = ranks.searchsorted([max(1, math.ceil(fraction * count)) for fraction in wanted])
        return [_value(int(place) + _ZERO) for place in places]


def _value(each: int) -> float:
    return 0.0 if each == _ZERO else 2 * GAMMA**each / (GAMMA + 1)
