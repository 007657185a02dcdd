"""What stands beside a run's figures, in sentences."""

from collections.abc import Sequence

from tracking.domain.cost import CostState
from tracking.domain.money import usd as dollars
from tracking.domain.run import RunState
from tracking.domain.usage import UsageState
from tracking.ledger.outputs import TaskOutput
from tracking.report.account import Account, cut_off
from tracking.report.format import counted, usd


def reason(account: Account) -> str | None:
    """Why a run did not complete, in a sentence; None when it did, or may still."""
    run = account.run
    if account.state is RunState.FAILED:
        return (run.error or {}).get("message") or run.stop_reason or "It failed without leaving a message."
    if account.state is RunState.LOST:
        silent = "Its process went silent. Its calls are kept, and nothing is repeated"
        return _interrupted(account, run.stop_reason or silent)
    if account.state is RunState.STOPPED:
        return _interrupted(account, run.stop_reason or "It was stopped on request")
    return None


def _interrupted(account: Account, why: str) -> str:
    """Why a run was ended, and what its figures may lack: nothing where it could still settle them itself."""
    sentence = f"{why[:1].upper()}{why[1:]}."
    if not cut_off(account.run, account.state):
        return sentence
    return f"{sentence} A call that was open then is not in these figures, and may be billed."


def stated_note(account: Account) -> str | None:
    """What the providers themselves say that the calls cost, in a sentence; None where they say nothing."""
    stated = account.totals.stated
    if not stated.requests:
        return None
    of = "" if stated.requests == account.totals.requests else f" of {account.totals.requests:,}"
    theirs = usd(dollars(stated.nano_usd), CostState.KNOWN)
    if not stated.difference:
        return f"The providers state the same {theirs} for {stated.requests:,}{of} calls."
    computed = usd(dollars(stated.computed_nano_usd), CostState.KNOWN)
    return (
        f"For {stated.requests:,}{of} calls the providers state {theirs}; computed for the same: {computed}."
    )


def cut_short(account: Account) -> str | None:
    """How many answers took all the output they were allowed, in a sentence; None when none did."""
    limit = account.run.spec.get("settings", {}).get("max_output_tokens")
    reported = [call.usage for call in account.calls if call.usage_state is UsageState.REPORTED]
    outputs = [usage.output_tokens or 0 for usage in reported if usage is not None]
    reached = sum(limit is not None and output >= limit for output in outputs)
    if not reached:
        return None
    return (
        f"{reached:,} of {counted(len(outputs), 'answer')} reached the limit of {limit:,} output tokens and "
        "may break off, or say nothing where the model thinks first. Raise Max output tokens to avoid that."
    )


def unfinished(account: Account, outputs: Sequence[TaskOutput]) -> str | None:
    """That the last output is not the report that was meant; None when it is."""
    if len(outputs) >= len(account.tasks):
        return None
    return f"{len(outputs)} of {counted(len(account.tasks), 'task')} finished: this is the last one's answer."
