"""Whether a crew goes round in circles, told from the sizes of its calls: nothing that was said is kept.

Two signs. A call that is asked again and again: for the same task the same agent sends about as much as the
time before and is answered in exactly as many tokens. And a task with more calls than any ordinary one takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tracking.domain.call import LlmCall, Purpose


class Sign(StrEnum):
    """What a loop was known by."""

    REPEATED = "repeated"  # calls in a row that are alike
    UNENDING = "unending"  # a task with too many calls


@dataclass(frozen=True, slots=True)
class LoopRules:
    """When calls count as a loop.

    Attributes:
        in_a_row: so many alike. crewai ends a crew with an error when a tool is called with the same words a
            fifth time: the fourth is the last that a person, or the guard, can forestall.
        input_per_cent: within how much of the first one inputs are alike. A model that looks up one figure
            after another adds some fifty tokens a time: in three steps that is more, up to 5,000 tokens. A
            conversation that grows by the same question and answer each time is alike however much that is.
        most_calls: of one task. crewai ends an agent's attempt at a task after 25 calls (`max_iter`): twice
            as many are only reached where something begins the attempts again.
    """

    in_a_row: int = 4
    input_per_cent: int = 3
    most_calls: int = 50


# How much the length of a counter or an id in a tool's answer differs from turn to turn.
_SAME_GROWTH: Final = 2


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop, as far as it has gone. `tokens` is input plus output of its `calls`."""

    sign: Sign
    agent_name: str | None
    task_name: str
    calls: int
    tokens: int
    output_tokens: int | None = None  # of each of its calls; None: they differ


@dataclass(slots=True)
class _Streak:
    """Calls in a row that are alike.

    Attributes:
        first: the first one's input.
        growth: of the input, from the call before to the last one; None: there was none.
        likely: tokens of the call before the first, where that was answered in as many tokens. It is one of
            them if the next one grows by as much as the first did; 0: it is not.
    """

    first: int
    input_tokens: int
    output_tokens: int
    growth: int | None = None
    calls: int = 1
    tokens: int = 0
    likely: int = 0


@dataclass(slots=True)
class _Task:
    agent_name: str | None = None
    calls: int = 0
    tokens: int = 0


@dataclass(slots=True)
class LoopWatch:
    """Told of every call as it ends. Holds a few numbers for each agent and task, however many calls come.

    Not for several threads at once.
    """

    rules: LoopRules = field(default_factory=LoopRules)
    _streaks: dict[tuple[str | None, str, Purpose], _Streak] = field(default_factory=dict)
    _tasks: dict[str, _Task] = field(default_factory=dict)

    def saw(self, call: LlmCall) -> Loop | None:
        """The loop that this call is the next of, if there is one; the same one again while it goes on.

        A call without a task, of unknown size or that was refused says nothing of a loop.
        """
        usage, task_name = call.usage, call.task_name
        if task_name is None or usage is None or call.operation_name != "chat":
            return None
        read, written = usage.input_tokens, usage.output_tokens
        if read is None or written is None:
            return None
        task = self._tasks.setdefault(task_name, _Task())
        task.agent_name, task.calls = call.agent_name, task.calls + 1
        task.tokens += read + written
        streak = self._prolonged((call.agent_name, task_name, call.purpose), read, written)
        if streak.calls >= self.rules.in_a_row:
            return Loop(
                Sign.REPEATED, call.agent_name, task_name, streak.calls, streak.tokens, streak.output_tokens
            )
        if task.calls > self.rules.most_calls:
            return Loop(Sign.UNENDING, task.agent_name, task_name, task.calls, task.tokens)
        return None

    def _prolonged(self, key: tuple[str | None, str, Purpose], read: int, written: int) -> _Streak:
        """The streak that a call of this size belongs to, with it."""
        before = self._streaks.get(key)
        if before is None:
            streak = _Streak(read, read, written, tokens=read + written)
        else:
            streak = self._next(before, read, written)
        self._streaks[key] = streak
        return streak

    def _next(self, before: _Streak, read: int, written: int) -> _Streak:
        growth, tokens, same = read - before.input_tokens, read + written, written == before.output_tokens
        evenly = before.growth is not None and abs(growth - before.growth) <= _SAME_GROWTH
        close = abs(read - before.first) * 100 <= before.first * self.rules.input_per_cent
        if not same or not (evenly or close):
            likely = before.input_tokens + before.output_tokens if same else 0
            return _Streak(read, read, written, growth, tokens=tokens, likely=likely)
        calls, so_far = before.calls + 1, before.tokens + tokens
        if evenly and before.calls == 1 and before.likely:
            calls, so_far = calls + 1, so_far + before.likely
        return _Streak(before.first, read, written, growth, calls, so_far)


def find_loops(calls: Iterable[LlmCall], rules: LoopRules | None = None) -> list[Loop]:
    """The loops in a run's calls, in the order in which they began, each as far as it went."""
    watch, found = LoopWatch(rules or LoopRules()), dict[tuple[Sign, str | None, str], Loop]()
    for call in calls:
        if (loop := watch.saw(call)) is not None:
            key = (loop.sign, loop.agent_name, loop.task_name)
            if key not in found or loop.calls > found[key].calls:
                found[key] = loop
    return list(found.values())
