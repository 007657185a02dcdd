"""Why a run shows no token data: which of four causes the evidence points to, and what to do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tracking.domain.call import CallTotals
from tracking.domain.run import Run, RunState


class Cause(StrEnum):
    TRACKING_OFF = "token tracking was disabled"
    NOT_REPORTED = "the crew or its provider reports no usage"
    COLLECTING_FAILED = "an error occurred while usage was collected"
    NO_CALL = "no model call was made"


ADVICE: Final = {
    Cause.TRACKING_OFF: "Switch on Enable Token Tracking under the optimization settings and run it again.",
    Cause.NOT_REPORTED: "Choose a provider or model that reports usage; with streamed answers, "
    "switch streaming off or ask the provider to include usage.",
    Cause.COLLECTING_FAILED: "Read the tracker's errors under What happened, "
    "and check that the ledger's disk is writable and not full.",
    Cause.NO_CALL: "Check the model's key and address, and read the log under What happened.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The likeliest cause with what points to it, and the causes left, in the order to look at them."""

    cause: Cause
    evidence: str
    advice: str
    others: tuple[Cause, ...]


def explain(run: Run, calls: CallTotals) -> Explanation:
    """Name the likeliest cause. To be asked only of a run without token data.

    A switch that was off explains everything, an error of the tracker's own explains missing calls, and
    only then do the calls that were seen say something about the provider.
    """
    found = _tracking_off(run) or _collecting_failed(run) or _not_reported(calls) or _no_call(run, calls)
    cause, evidence = found
    return Explanation(cause, evidence, ADVICE[cause], tuple(c for c in Cause if c is not cause))


def was_tracked(run: Run) -> bool:
    """Whether a ledger of calls was kept for this run: as recorded, else as asked for."""
    recorded = run.evidence.get("tracking")
    if isinstance(recorded, bool):
        return recorded
    asked: object = run.spec.get("settings", {}).get("track_tokens", True)
    return asked is not False


def _tracking_off(run: Run) -> tuple[Cause, str] | None:
    if was_tracked(run):
        return None
    return Cause.TRACKING_OFF, "This run was made with token tracking switched off."


def _collecting_failed(run: Run) -> tuple[Cause, str] | None:
    tracker = run.evidence.get("tracker") or {}
    lost, errors = tracker.get("lost") or 0, tracker.get("errors") or []
    if not lost and not errors:
        return None
    evidence = "The tracker itself failed"
    if lost:
        evidence += f" and lost {lost:,} of its records"
    return Cause.COLLECTING_FAILED, f"{evidence}: {errors[0]}" if errors else f"{evidence}."


def _not_reported(calls: CallTotals) -> tuple[Cause, str] | None:
    if not calls.requests:
        return None
    made = _were(calls.requests, "call")
    return Cause.NOT_REPORTED, f"{made} made, and no token counts came back."


def _no_call(run: Run, calls: CallTotals) -> tuple[Cause, str]:
    if calls.failed_requests:
        refused = _were(calls.failed_requests, "request")
        evidence = f"{refused} refused by the provider, and none was answered."
    elif run.error:
        evidence = f"The run failed with {run.error.get('type', 'an error')} before its first model call."
    elif not run.state.is_final:
        evidence = "The run has not called a model yet."
    elif run.state is RunState.COMPLETED:
        evidence = "The run completed without a single model call."
    else:
        why = f": {run.stop_reason}" if run.stop_reason else ""
        evidence = f"The run was {run.state} before a model call was answered{why}."
    return Cause.NO_CALL, evidence


def _were(count: int, noun: str) -> str:
    return f"{count:,} {noun} was" if count == 1 else f"{count:,} {noun}s were"
