"""Where a run's tokens and money went: its calls by agent, task or model."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tracking.domain.call import CallTotals, LlmCall, totals
from tracking.domain.run import RunState
from tracking.report.account import MISSING_CALL, Account
from tracking.report.format import counted, spoken, token_total, tokens

UNATTRIBUTED: Final = "unattributed"


class Dimension(StrEnum):
    """By what a run's calls can be told apart."""

    AGENT = "agent"
    TASK = "task"
    MODEL = "model"


_NAME_OF: Final[dict[Dimension, Callable[[LlmCall], str | None]]] = {
    Dimension.AGENT: lambda call: call.agent_name,
    Dimension.TASK: lambda call: call.task_name,
    Dimension.MODEL: lambda call: call.billed_model,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One agent, task or model. `name` is None for calls that nobody could be named for."""

    name: str | None
    label: str  # the name as it is said
    totals: CallTotals
    share: float | None  # of the run's known tokens


def breakdown(calls: Sequence[LlmCall], by: Dimension) -> tuple[Line, ...]:
    """The calls by agent, task or model, the largest first. Every call is in exactly one line."""
    groups: dict[str | None, list[LlmCall]] = {}
    for call in calls:
        groups.setdefault(_NAME_OF[by](call), []).append(call)
    sums = {name: totals(group) for name, group in groups.items()}
    known = [each.usage.total_tokens for each in sums.values() if each.usage.total_tokens is not None]
    lines = [_line(name, by, each, sum(known) if known else None) for name, each in sums.items()]
    return tuple(sorted(lines, key=lambda line: (-(line.totals.usage.total_tokens or 0), line.label)))


def calls_of(calls: Sequence[LlmCall], by: Dimension, line: Line) -> list[LlmCall]:
    """The calls that a line of this breakdown adds up."""
    return [call for call in calls if _NAME_OF[by](call) == line.name]


def _line(name: str | None, by: Dimension, sums: CallTotals, whole: int | None) -> Line:
    part = sums.usage.total_tokens
    label = UNATTRIBUTED if name is None else spoken(name) if by is Dimension.TASK else name
    return Line(name, label, sums, part / whole if part is not None and whole else None)


def breakdown_note(account: Account, by: Dimension) -> str | None:
    """What of the total the breakdown can't place, in a sentence; None when it places everything."""
    shown, placed = account.metrics.total_tokens, account.totals.usage.total_tokens
    if not account.calls:
        return None
    if shown is not None and shown != (placed or 0):
        source = account.metrics.source
        return f"The calls add up to {tokens(placed)} tokens; the total of {tokens(shown)} is from {source}."
    notes = []
    if nameless := next((line for line in breakdown(account.calls, by) if line.name is None), None):
        used, made = tokens(nameless.totals.usage.total_tokens), counted(nameless.totals.requests, "call")
        notes.append(f"{made} ({used} tokens) could not be assigned to any {by}.")
    if account.metrics.lower_bound:
        notes.append(f"{MISSING_CALL[0].upper()}{MISSING_CALL[1:]} here.")
    return " ".join(notes) or None


def tokens_by_task(account: Account, lines: Iterable[Line] | None = None) -> dict[str | None, str]:
    """What each task used, as it is written: at least that much where a call of its own may be missing.

    `lines` are the calls by task where they have been added up already.
    """
    cut = {task.task_name for task in account.tasks if task.state is not RunState.COMPLETED}
    open_ended = cut if account.metrics.lower_bound else set()
    return {
        line.name: token_total(
            line.totals.usage.total_tokens,
            unknown=line.totals.unknown_requests + (line.name in open_ended),
            estimated=line.totals.estimated_requests,
        )
        for line in (breakdown(account.calls, Dimension.TASK) if lines is None else lines)
        if line.totals.requests
    }
