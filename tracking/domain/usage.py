"""Token counts of one call, or of many added up, under OpenTelemetry's GenAI names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import Self

from tracking.errors import UsageError


class UsageState(StrEnum):
    """Where a call's token counts come from."""

    REPORTED = "reported"  # the provider said so
    ESTIMATED = "estimated"  # counted by us, or a lower bound; never mixed into reported sums unmarked
    UNKNOWN = "unknown"  # nobody said; the counts are None


# part -> the count it is a part of
_PARTS = {
    "cache_read_input_tokens": "input_tokens",
    "cache_creation_input_tokens": "input_tokens",
    "cache_creation_5m_input_tokens": "cache_creation_input_tokens",
    "cache_creation_1h_input_tokens": "cache_creation_input_tokens",
    "input_audio_tokens": "input_tokens",
    "reasoning_output_tokens": "output_tokens",
    "output_audio_tokens": "output_tokens",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Token counts. A count that was not reported is None, never 0.

    `input_tokens` includes what was read from and written to a prompt cache, `output_tokens` includes
    reasoning: the parts are subsets, never added on top. The two cache writes by lifetime are parts of
    `cache_creation_input_tokens`. `web_search_requests` counts searches billed per request, not tokens.

    Raises:
        UsageError: a count is negative, or a part is larger than its whole.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation_5m_input_tokens: int | None = None
    cache_creation_1h_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    web_search_requests: int | None = None

    def __post_init__(self) -> None:
        counts = counts_of(self)
        if min(filter(None, counts), default=0) < 0:
            name, count = next((n, c) for n, c in zip(COUNTS, counts, strict=True) if c is not None and c < 0)
            raise UsageError(f"{name} ({count}) cannot be negative")
        if not any(counts[2:]):  # of a page of calls most have no parts
            return
        for part, whole in _PLACES:
            part_count, whole_count = counts[part], counts[whole]
            if part_count and whole_count is not None and part_count > whole_count:
                raise UsageError(
                    f"{COUNTS[part]} ({part_count}) cannot exceed {COUNTS[whole]} ({whole_count})"
                )
        if self.cache_tokens > (self.input_tokens or 0) and self.input_tokens is not None:
            raise UsageError(
                f"cache reads and writes ({self.cache_tokens}) cannot exceed "
                f"input_tokens ({self.input_tokens})"
            )

    @classmethod
    def restored(cls, counts: Iterable[int | None]) -> Self:
        """The same again from its counts, in the order of `COUNTS`.

        They were checked when it was first made and are not checked again: a page reads thousands of them.
        """
        usage = object.__new__(cls)
        for put, count in zip(_PUTS, counts, strict=True):
            put(usage, count)
        return usage

    @property
    def cache_tokens(self) -> int:
        """Input tokens that touched a prompt cache, read or written."""
        return (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)

    @property
    def uncached_input_tokens(self) -> int | None:
        """Input tokens billed at the full input rate."""
        return None if self.input_tokens is None else self.input_tokens - self.cache_tokens

    @property
    def total_tokens(self) -> int | None:
        """Input plus output. None when neither is known; the known one when only one is."""
        return _add(self.input_tokens, self.output_tokens)

    def __add__(self, other: TokenUsage) -> Self:
        """Count by count. None plus a number is the number: how many calls are unknown is kept elsewhere."""
        others = other._by_name()
        return type(self)(**{name: _add(count, others[name]) for name, count in self._by_name().items()})

    @classmethod
    def sum(cls, usages: Iterable[TokenUsage]) -> Self:
        """All of them added up, as `+` does it."""
        columns = zip(*map(counts_of, usages), strict=True)
        sums = [[count for count in column if count is not None] for column in columns]
        return cls(**{name: sum(known) for name, known in zip(COUNTS, sums, strict=False) if known})

    def __sub__(self, part: TokenUsage) -> Self:
        """What is left of a sum without one of its parts."""
        parts = part._by_name()
        left = {n: None if c is None else c - (parts[n] or 0) for n, c in self._by_name().items()}
        return type(self)(**left)

    def counts(self) -> dict[str, int]:
        """The counts that are known, by name."""
        return {name: count for name, count in self._by_name().items() if count is not None}

    def apart(self, names: Collection[str]) -> dict[str, int]:
        """The known counts among `names`, without those of their parts that are among them too.

        With the names that have a rate of their own, this is what each rate is charged for: no token twice.
        """
        known = {name: count for name, count in self.counts().items() if name in names}
        apart = dict(known)
        for part, count in known.items():
            whole = next((name for name in wholes(part) if name in known), None)
            if whole is not None:
                apart[whole] -= count
        return apart

    def outside(self, names: Collection[str]) -> list[str]:
        """The counts above 0 that are neither among `names` nor part of one that is."""
        return [
            name
            for name, count in self.counts().items()
            if count and name not in names and not any(whole in names for whole in wholes(name))
        ]

    def _by_name(self) -> dict[str, int | None]:
        return dict(zip(COUNTS, counts_of(self), strict=True))


# Usage is made and priced for every call on the crew's thread: its fields are looked up once, not each time.
COUNTS = tuple(field.name for field in fields(TokenUsage))
counts_of: Callable[[TokenUsage], tuple[int | None, ...]] = attrgetter(*COUNTS)
_PUTS: tuple[Callable[[TokenUsage, int | None], None], ...] = tuple(
    getattr(TokenUsage, name).__set__ for name in COUNTS
)
_PLACES = tuple((COUNTS.index(part), COUNTS.index(whole)) for part, whole in _PARTS.items())


def wholes(part: str) -> Iterator[str]:
    """What a count is a part of, the nearest first."""
    while part in _PARTS:
        part = _PARTS[part]
        yield part


def _add(a: int | None, b: int | None) -> int | None:
    if a is None:
        return b
    return a if b is None else a + b
