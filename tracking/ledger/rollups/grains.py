"""Spans of time that are added up once and for all, and how a range is put together from them.

Times are microseconds since 1970 in UTC; ranges include their start and exclude their end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tracking.ledger.database import microseconds, moment

SECOND: Final = 1_000_000
QUARTER: Final = 900  # of an hour: every time zone's day begins at one
HOUR: Final = 3_600
DAY: Final = 86_400  # of UTC; days that begin p seconds later are kept under the grain DAY + p
MONTH: Final = 2_592_000  # a calendar month of UTC; only a name


@dataclass(frozen=True, slots=True)
class Piece:
    """All buckets of a grain from `start` to before `end`; None: no bound."""

    grain: int
    start: int | None
    end: int | None


@dataclass(slots=True)
class Cover:
    """A range as buckets, and the edges that no bucket fits into, where single calls have to be read."""

    pieces: list[Piece] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)


def cover(since: int | None, until: int | None, grains: Sequence[int]) -> Cover:
    """Put a range together from as few buckets as possible.

    `grains` are those that there are, the coarsest first; the buckets of each hold whole ones of the next.
    """
    found = Cover()
    _cover(found, since, until, tuple(grains))
    return found


def _cover(found: Cover, since: int | None, until: int | None, grains: tuple[int, ...]) -> None:
    if since is not None and until is not None and since >= until:
        return
    if not grains:
        # A range without bounds is covered by its coarsest buckets: only closed edges come here.
        if since is not None and until is not None:
            found.edges.append((since, until))
        return
    grain, *finer = grains
    first = None if since is None else ceiling(since, grain)
    last = None if until is None else floor(until, grain)
    if first is not None and last is not None and first >= last:
        _cover(found, since, until, tuple(finer))
        return
    found.pieces.append(Piece(grain, first, last))
    if since is not None:
        _cover(found, since, first, tuple(finer))
    if until is not None:
        _cover(found, last, until, tuple(finer))


def floor(time: int, grain: int) -> int:
    """The start of the bucket that holds `time`."""
    if grain == MONTH:
        return microseconds(
            moment(time).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        )
    phase = phase_of(grain) * SECOND
    length = length_of(grain) * SECOND
    return (time - phase) // length * length + phase


def ceiling(time: int, grain: int) -> int:
    """`time` itself where a bucket begins, or the start of the next one."""
    start = floor(time, grain)
    return start if start == time else after(start, grain)


def after(start: int, grain: int) -> int:
    """The end of the bucket that begins at `start`."""
    return next_month(start) if grain == MONTH else start + length_of(grain) * SECOND


def months(since: int, until: int) -> list[tuple[int, int]]:
    """The months that a range touches, each with its end."""
    found = []
    start = floor(since, MONTH)
    while start < until:
        end = next_month(start)
        found.append((start, end))
        start = end
    return found


def next_month(start: int) -> int:
    begun = moment(start).astimezone(UTC)
    return microseconds(datetime(begun.year + begun.month // 12, begun.month % 12 + 1, 1, tzinfo=UTC))


def length_of(grain: int) -> int:
    """Seconds; not of a month."""
    return DAY if DAY <= grain < 2 * DAY else grain


def phase_of(grain: int) -> int:
    """How many seconds after midnight of UTC the days of a grain begin."""
    return grain - DAY if DAY <= grain < 2 * DAY else 0


def bucket_sql(time: str, grain: int) -> str:
    """`floor` in SQL, of any grain but a month."""
    phase, length = phase_of(grain) * SECOND, length_of(grain) * SECOND
    shifted = f"({time} - {phase})" if phase else time
    return f"{time} - {shifted} % {length}"
