"""Sums per calendar day of any time zone: the days together are the range, whatever clocks do in between."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from tracking.ledger.database import microseconds, moment
from tracking.ledger.rollups.grains import DAY, HOUR, QUARTER, SECOND, Piece, bucket_sql, cover
from tracking.ledger.rollups.query import Question, Source, Statement, in_order, merged_rows
from tracking.ledger.rollups.remembered import Rows

_A_DAY: Final = DAY * SECOND
_BUCKET: Final = "bucket"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a time zone that a range touches.

    Attributes:
        starts: when each begins, in microseconds; and last, when the day after them does.
    """

    days: tuple[date, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, zone: tzinfo, since: int, until: int) -> Calendar:
        return cls._of(zone, *(moment(time).astimezone(zone).date() for time in (since, until - 1)))

    @classmethod
    @lru_cache(maxsize=64)  # the same few are asked for again and again, and each day is a look into the zone
    def _of(cls, zone: tzinfo, first: date, last: date) -> Calendar:
        days = tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
        starts = (*days, last + timedelta(days=1))
        return cls(days, tuple(microseconds(datetime(d.year, d.month, d.day, tzinfo=zone)) for d in starts))

    def start_of(self, time: int) -> int:
        """When the day of a moment begins."""
        return self.starts[bisect_right(self.starts, time) - 1]

    def named(self, starts: Iterable[int]) -> list[date]:
        """The days that begin then."""
        day_of = dict(zip(self.starts, self.days, strict=False))
        return [day_of[start] for start in starts]


def phases_wanted(calendar: Calendar, kept: Iterable[int]) -> set[int]:
    """When days begin, in seconds after midnight of UTC, as far as that is not kept."""
    whole = (a for a, b in zip(calendar.starts, calendar.starts[1:], strict=False) if b - a == _A_DAY)
    return {start % _A_DAY // SECOND for start in whole} - {0, *kept}


def daily(
    source: Source, question: Question, measures: Sequence[str], calendar: Calendar, kept: Sequence[int]
) -> Rows:
    """The start of the day, the groups and the measures, day by day. The question has a range.

    `kept`: when days begin that have been added up as such, beside UTC's.
    """
    statement = Statement(question, measures, source.watermark, _BUCKET)
    by_quarter = bucket_sql("started_at", QUARTER)
    rollup = question.rollup
    only_utc = {start % _A_DAY for start in calendar.starts} == {0}
    if rollup is None or not (rollup.days_of_zones or only_utc):
        statement.add_calls(by_quarter)
    else:
        spans = list(_spans(question, calendar))
        whole = [(start, end) for start, end in spans if end - start == _A_DAY]
        for piece, bucket in _days(whole, {0, *kept}):
            statement.add_days(piece, bucket)
        finer = [grain for grain in (HOUR, QUARTER) if grain in rollup.grains]
        for start, end in spans:
            if end - start != _A_DAY:  # cut by the range, or not 24 hours long
                _add_part(statement, start, end, finer)
        statement.add_new(by_quarter)
    return _per_day(statement.rows(source), calendar, measures)


def _days(whole: Iterable[tuple[int, int]], kept: set[int]) -> Iterator[tuple[Piece, str]]:
    """Whole days, as they are kept, or put together from hours."""
    stretch: Piece | None = None
    for start, end in whole:
        grain = DAY + start % _A_DAY // SECOND
        if stretch is not None and (stretch.grain, stretch.end) == (grain, start):
            stretch = Piece(grain, stretch.start, end)
            continue
        if stretch is not None:
            yield _as_kept(stretch, kept)
        stretch = Piece(grain, start, end)
    if stretch is not None:
        yield _as_kept(stretch, kept)


def _add_part(statement: Statement, start: int, end: int, grains: Sequence[int]) -> None:
    """Part of a day, from hours and single calls."""
    found = cover(start, end, grains)
    for piece in found.pieces:
        statement.add_piece(piece, str(start))
    for a, b in found.edges:
        statement.add_edge(a, b, str(start))


def _as_kept(stretch: Piece, kept: set[int]) -> tuple[Piece, str]:
    phase = stretch.grain - DAY
    if phase in kept:
        return stretch, "start"
    finer = QUARTER if phase % HOUR else HOUR
    return Piece(finer, stretch.start, stretch.end), bucket_sql("start", stretch.grain)


def _spans(question: Question, calendar: Calendar) -> Iterator[tuple[int, int]]:
    """The days, the first and the last cut to the range."""
    assert question.since is not None
    assert question.until is not None
    for start, end in zip(calendar.starts, calendar.starts[1:], strict=False):
        a, b = max(start, question.since), min(end, question.until)
        if a < b:
            yield a, b


def _per_day(rows: Rows, calendar: Calendar, measures: Sequence[str]) -> Rows:
    """Rows come in order; only those of hours and of new calls have others of the same day."""
    if {row[0] for row in rows} <= set(calendar.starts):
        return rows
    of_days = ((calendar.start_of(time), *rest) for time, *rest in rows)
    return in_order(measures, merged_rows(measures, of_days))
