"""A crew that goes round in circles, in sentences."""

from collections.abc import Iterable
from typing import Final

from tracking.analysis.loops import Loop, Sign, find_loops
from tracking.domain.call import LlmCall
from tracking.domain.run import Run
from tracking.domain.spec import LoopGuard
from tracking.report.format import counted, spoken

# How the reason begins with which the guard stops a run.
STOPPED_BY: Final = "loop guard: "


def loop_sentence(loop: Loop) -> str:
    """Who goes round in circles, at what, and what that took."""
    who, task = loop.agent_name or "An agent", spoken(loop.task_name)
    if loop.sign is Sign.UNENDING:
        return f"{who} made {loop.calls:,} calls for {task} without finishing it ({loop.tokens:,} tokens)"
    return (
        f"{who} made {loop.calls:,} calls in a row for {task} that are alike ({loop.tokens:,} tokens): "
        f"inputs of much the same size, answers of exactly {counted(loop.output_tokens or 0, 'token')}"
    )


def loop_notes(run: Run, calls: Iterable[LlmCall]) -> tuple[str, ...]:
    """The loops among a run's calls, a sentence each.

    None where its settings would not hear of them, or where one ended it: the reason says it already.
    """
    if (run.stop_reason or "").startswith(STOPPED_BY):
        return ()
    if run.spec.get("settings", {}).get("loop_guard", LoopGuard.OFF) == LoopGuard.OFF:
        return ()
    # In the order in which they ended, as the run's own process heard of them.
    ended = sorted(calls, key=lambda call: (call.ended_at, call.call_id))
    return tuple(f"Loop guard: {loop_sentence(loop)}." for loop in find_loops(ended))
