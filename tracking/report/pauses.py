"""Where a task's time went that no call took: into its tools, and the crew's own work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracking.domain.call import LlmCall
from tracking.domain.run import TaskProgress
from tracking.domain.under_way import CallUnderWay

_Stretch = tuple[timedelta, timedelta]


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch of a task in which no call of it was under way. Times are since the run began."""

    task: TaskProgress
    begin: timedelta
    end: timedelta


def pauses(
    calls: Sequence[LlmCall],
    tasks: Sequence[TaskProgress],
    under_way: Sequence[CallUnderWay],
    began: datetime,
    now: datetime,
) -> list[Pause]:
    """All of them, task by task in order; a task that has not ended is looked at until `now`."""
    busy = _busy(calls, under_way, began, now)
    return [
        Pause(task, begin, end)
        for task in tasks
        if task.started_at is not None
        for begin, end in _between(
            busy.get(task.task_name, []), task.started_at - began, (task.finished_at or now) - began
        )
    ]


def time_in(found: Iterable[Pause]) -> dict[str, timedelta]:
    """How long the pauses of each task were together."""
    times: dict[str, timedelta] = {}
    for pause in found:
        name = pause.task.task_name
        times[name] = times.get(name, timedelta()) + pause.end - pause.begin
    return times


def _busy(
    calls: Iterable[LlmCall], under_way: Iterable[CallUnderWay], began: datetime, now: datetime
) -> dict[str | None, list[_Stretch]]:
    found: dict[str | None, list[_Stretch]] = {}
    for call in calls:
        found.setdefault(call.task_name, []).append((call.started_at - began, call.ended_at - began))
    for waiting in under_way:
        found.setdefault(waiting.task_name, []).append((waiting.started_at - began, now - began))
    return found


def _between(busy: Iterable[_Stretch], begin: timedelta, until: timedelta) -> list[_Stretch]:
    """What of the time from `begin` to `until` nothing covers."""
    found, reached = [], begin
    for start, end in sorted(busy):
        if start > reached:
            found.append((reached, min(start, until)))
        reached = max(reached, end)
    if reached < until:
        found.append((reached, until))
    return [(start, end) for start, end in found if end > start]
