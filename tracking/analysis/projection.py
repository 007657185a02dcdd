"""Where a run will end, from earlier runs of its kind: a range, or nothing where there are too few.

Each earlier run is asked: when you had done the tasks that this one has done, how much was still to come?
That is added to what this run has used, and the answers make the range.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

T = TypeVar("T", int, datetime)

FEWEST: Final = 3  # earlier runs without which nothing is said
_LOW, _HIGH = 10, 90  # per cent of the answers that lie below


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens and nano-dollars; None is not known."""

    tokens: int | None
    nano_usd: int | None


@dataclass(frozen=True, slots=True)
class PastRun:
    """A completed run. `ended` is when each task ended, since the run's beginning; `tasks` what it used.

    What could not be assigned to a task is in `whole` alone.
    """

    duration: timedelta
    ended: Mapping[str, timedelta]
    tasks: Mapping[str, Used]
    whole: Used


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run is now.

    Attributes:
        done: the tasks that have ended.
        done_at: when the last of them did; the run's beginning where none has.
        of_done: what those tasks used, and `whole` what the run has used, each None where not known.
    """

    began: datetime
    done: Collection[str]
    done_at: datetime
    of_done: Used
    whole: Used


@dataclass(frozen=True, slots=True)
class Range(Generic[T]):
    """From, likeliest, to: the 10th, 50th and 90th percentile of the answers (their extremes when few)."""

    low: T
    middle: T
    high: T


@dataclass(frozen=True, slots=True)
class Projection:
    """What `runs` earlier runs say of the end and of the totals then; None where too few can say it."""

    runs: int
    end: Range[datetime] | None
    tokens: Range[int] | None
    nano_usd: Range[int] | None


def project(past: Sequence[PastRun], standing: Standing, now: datetime) -> Projection:
    """The end and the totals of a run that stands there at `now`.

    A run that has taken longer over what follows than an earlier one did is no longer told by that one
    how long it takes, but that it may end at any moment.
    """
    ends = [max(now, standing.done_at + _rest_of_time(each, standing.done)) for each in past]
    return Projection(
        len(past),
        range_of(ends),
        range_of(_totals(past, standing, "tokens")),
        range_of(_totals(past, standing, "nano_usd")),
    )


def range_of(answers: Sequence[T]) -> Range[T] | None:
    """None of fewer than three answers. Every value is one of the answers (nearest rank)."""
    if len(answers) < FEWEST:
        return None
    ordered = sorted(answers)
    return Range(_ranked(ordered, _LOW), _ranked(ordered, 50), _ranked(ordered, _HIGH))


def _ranked(ordered: Sequence[T], percent: int) -> T:
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def _rest_of_time(past: PastRun, done: Collection[str]) -> timedelta:
    reached = max((past.ended[task] for task in done if task in past.ended), default=timedelta())
    return max(timedelta(), past.duration - reached)


def _totals(past: Sequence[PastRun], standing: Standing, unit: str) -> list[int]:
    """What of the tasks under way is used already is not added to what an earlier run needed for them."""
    whole, of_done = getattr(standing.whole, unit), getattr(standing.of_done, unit)
    if whole is None or of_done is None:
        return []
    rests = [_rest(each, standing.done, unit) for each in past]
    return [of_done + max(whole - of_done, rest) for rest in rests if rest is not None]


def _rest(past: PastRun, done: Collection[str], unit: str) -> int | None:
    whole = getattr(past.whole, unit)
    parts = [getattr(past.tasks[task], unit) for task in done if task in past.tasks]
    if whole is None or None in parts:
        return None
    return int(whole - sum(parts))
