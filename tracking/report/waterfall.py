"""A run's calls as a waterfall: the row that each is drawn in, the pauses between them, and not too many.

Rows are a task and an agent. Beyond `MOST_MARKS` calls, neighbours in a row are drawn as one mark that says
how many they are; every sum is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tracking.domain.call import CallStatus, CallTotals, LlmCall, Purpose, totals
from tracking.domain.run import TaskProgress
from tracking.domain.under_way import CallUnderWay
from tracking.report.format import NOT_KNOWN
from tracking.report.pauses import pauses

MOST_MARKS: Final = 300
MOST_ROWS: Final = 40
_LANES: Final = 4  # of calls at the same time; more than that are drawn over one another
_NOTHING: Final = timedelta()
_SHARE_OF_GAP: Final = 250  # a pause shorter than this part of the run would be no wider than a line

_Key = tuple[str | None, str | None]  # a task and its agent


@dataclass(frozen=True, slots=True)
class Mark:
    """One call, or neighbouring ones. Times are since the run began; `model` None: several.

    Attributes:
        of: the calls, in the order in which they began; of one under way nothing is known yet: none.
        lane: of `lanes` in its row, from the top: calls at the same time stand below one another.
        expected: output tokens of a call that is under way, estimated from what arrived so far.
    """

    row: int
    begin: timedelta
    end: timedelta
    model: str | None
    of: tuple[LlmCall, ...]
    lane: int = 0
    lanes: int = 1
    running: bool = False
    expected: int | None = None

    @property
    def calls(self) -> int:
        return 1 if self.running else len(self.of)

    @property
    def failed(self) -> int:
        """How many failed or were cut off."""
        return sum(call.status is not CallStatus.OK for call in self.of)

    @property
    def retried(self) -> int:
        """How many asked the same again after a failure."""
        return sum(call.purpose is Purpose.RETRY for call in self.of)

    @property
    def sums(self) -> CallTotals:
        return totals(self.of)

    @property
    def error(self) -> str | None:
        """How the only call failed, without its message."""
        if len(self.of) != 1 or self.of[0].status is CallStatus.OK:
            return None
        return f"{self.of[0].status}: {self.of[0].error_type or NOT_KNOWN}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A pause of a task, see `pauses`, in the row that it is drawn in."""

    row: int
    begin: timedelta
    end: timedelta


@dataclass(frozen=True, slots=True)
class Row:
    """What one agent did for one task; both None: several, see `more`."""

    task_name: str | None
    agent_name: str | None
    more: int = 0  # rows that are drawn as this one


@dataclass(frozen=True, slots=True)
class Waterfall:
    """`joined`: neighbours closer than this are one mark; None: every call has its own."""

    rows: tuple[Row, ...]
    marks: tuple[Mark, ...]
    gaps: tuple[Gap, ...]
    span: timedelta
    joined: timedelta | None


def waterfall(
    calls: Sequence[LlmCall],
    tasks: Sequence[TaskProgress],
    under_way: Sequence[CallUnderWay],
    began: datetime,
    now: datetime,
    most: int = MOST_MARKS,
) -> Waterfall:
    """The calls of a run that began at `began`; `now` is its end, or the time while it has none."""
    rows = _rows(calls, tasks, under_way)
    place = _places(rows)
    ended = [_mark(call, place, began) for call in calls]
    running = [_running(call, place, began, now) for call in under_way]
    span = max([now - began, *(mark.end for mark in ended)], default=_NOTHING)
    few, joined = _joined(ended, most)
    shortest = max(_NOTHING if joined is None else joined, span / _SHARE_OF_GAP)
    gaps = [
        Gap(row, pause.begin, pause.end)
        for pause in pauses(calls, tasks, under_way, began, now)
        if pause.end - pause.begin >= shortest and (row := _row_of(pause.task, rows)) is not None
    ]
    marks = _in_lanes([*few, *running])
    return Waterfall(tuple(rows), tuple(marks), tuple(gaps), span, joined)


def _rows(
    calls: Iterable[LlmCall], tasks: Iterable[TaskProgress], under_way: Iterable[CallUnderWay]
) -> list[Row]:
    """In the order in which the tasks are declared, then in that of the first call."""
    position = {task.task_name: task.position for task in tasks}
    first: dict[_Key, datetime] = {}
    sent: list[LlmCall | CallUnderWay] = [*calls, *under_way]
    for call in sent:
        key = call.task_name, call.agent_name
        first[key] = min(first.get(key, call.started_at), call.started_at)
    last = len(position)
    ordered = sorted(first, key=lambda key: (position.get(key[0] or "", last), first[key]))
    rows = [Row(*key) for key in ordered[:MOST_ROWS]]
    if len(ordered) > MOST_ROWS:
        rows[-1] = Row(None, None, more=len(ordered) - MOST_ROWS + 1)
    return rows


def _places(rows: Sequence[Row]) -> Mapping[_Key, int]:
    return {(row.task_name, row.agent_name): number for number, row in enumerate(rows) if not row.more}


def _mark(call: LlmCall, place: Mapping[_Key, int], began: datetime) -> Mark:
    return Mark(
        place.get((call.task_name, call.agent_name), MOST_ROWS - 1),
        call.started_at - began,
        call.ended_at - began,
        call.billed_model,
        (call,),
    )


def _running(call: CallUnderWay, place: Mapping[_Key, int], began: datetime, now: datetime) -> Mark:
    row = place.get((call.task_name, call.agent_name), MOST_ROWS - 1)
    begin = call.started_at - began
    end = max(begin, now - began)
    return Mark(row, begin, end, call.request_model, (), running=True, expected=call.output_tokens)


def _joined(marks: Sequence[Mark], most: int) -> tuple[list[Mark], timedelta | None]:
    """At most `most` marks: those of a row and model are joined that are least far from one another."""
    if len(marks) <= most:
        return list(marks), None
    models = {(mark.row, mark.model) for mark in marks}
    if len(models) > most // 2:
        marks = [replace(mark, model=None) for mark in marks]
        models = {(mark.row, mark.model) for mark in marks}
    groups: dict[tuple[int, str | None], list[Mark]] = {key: [] for key in models}
    for mark in sorted(marks, key=lambda mark: mark.begin):
        groups[mark.row, mark.model].append(mark)
    far = sorted((far for group in groups.values() for far in _distances(group)), reverse=True)
    near = max(_NOTHING, far[most - len(groups)])
    return [mark for group in groups.values() for mark in _chained(group, near)], near


def _distances(marks: Sequence[Mark]) -> list[timedelta]:
    """At most `most`: those of a row and model are joined that are least far from one another."""
    found, reached = [], marks[0].end
    for mark in marks[1:]:
        found.append(mark.begin - reached)
        reached = max(reached, mark.end)
    return found


def _chained(marks: Sequence[Mark], near: timedelta) -> list[Mark]:
    chains = [[marks[0]]]
    for mark, far in zip(marks[1:], _distances(marks), strict=True):
        if far > near:
            chains.append([mark])
        else:
            chains[-1].append(mark)
    return [_as_one(chain) for chain in chains]


def _as_one(chain: Sequence[Mark]) -> Mark:
    if len(chain) == 1:
        return chain[0]
    every = tuple(call for mark in chain for call in mark.of)
    return replace(chain[0], end=max(mark.end for mark in chain), of=every)


def _in_lanes(marks: Sequence[Mark]) -> list[Mark]:
    """Each in the first lane of its row that is free when it begins."""
    free: dict[int, list[timedelta]] = {}
    placed = []
    for mark in sorted(marks, key=lambda mark: (mark.row, mark.begin)):
        lanes = free.setdefault(mark.row, [])
        lane = next((n for n, until in enumerate(lanes) if until <= mark.begin), len(lanes))
        if lane == len(lanes) and lane < _LANES:
            lanes.append(mark.end)
        else:
            lane = min(lane, _LANES - 1)
            lanes[lane] = max(lanes[lane], mark.end)
        placed.append(replace(mark, lane=lane))
    return [replace(mark, lanes=len(free[mark.row])) for mark in placed]


def _row_of(task: TaskProgress, rows: Sequence[Row]) -> int | None:
    own = [number for number, row in enumerate(rows) if row.task_name == task.task_name and not row.more]
    given = [number for number in own if rows[number].agent_name == task.agent_name]
    return next(iter([*given, *own]), None)
