"""A run's account: its figures and the words for them, for the page and for the downloads alike."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tracking.analysis.missing import was_tracked
from tracking.domain.call import CallTotals, LlmCall, totals
from tracking.domain.cost import CostState
from tracking.domain.reading import TokenMetrics, Verification
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import Run, RunState, TaskProgress
from tracking.domain.usage import UsageState
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore
from tracking.ledger.runs import RunBook
from tracking.ui.format import NOT_KNOWN, counted, duration, share, spoken, token_total, tokens, usd

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
class Account:
    """A run with everything it used. `state` is the one a person should see, `totals` adds up `calls`."""

    run: Run
    state: RunState
    tasks: tuple[TaskProgress, ...]
    calls: tuple[LlmCall, ...]
    totals: CallTotals
    metrics: TokenMetrics
    elapsed: timedelta | None


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure, and what has to stand beside it. `warns`: the note says that something is missing."""

    label: str
    value: str
    note: str = ""
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One agent, task or model. `name` is None for calls that nobody could be named for."""

    name: str | None
    label: str  # the name as it is said
    totals: CallTotals
    share: float | None  # of the run's known tokens


def load_account(
    ledger: Ledger, book: RunBook, outputs: OutputStore, run_id: str, now: datetime
) -> Account | None:
    """Read a run with its tasks and calls: three queries. None: there is no such run."""
    run = ledger.run(run_id)
    if run is None:
        return None
    run = with_message(run, outputs)
    return account_of(run, book.tasks(run_id), ledger.calls(run_id=run_id), now)


def with_message(run: Run, outputs: OutputStore) -> Run:
    """The run with its failure's message, which the ledger does not hold where it may quote what was said."""
    if not run.error or run.error.get("message"):
        return run
    return dataclasses.replace(run, error={**run.error, "message": outputs.failure(run.run_id) or ""})


def account_of(run: Run, tasks: Iterable[TaskProgress], calls: Iterable[LlmCall], now: datetime) -> Account:
    known = tuple(calls)
    sums = totals(known)
    state = run.state_at(now)
    return Account(run, state, tuple(tasks), known, sums, metrics_of(run, sums), elapsed_of(run, state, now))


def metrics_of(run: Run, sums: CallTotals) -> TokenMetrics:
    """The figures as they were settled at the run's end; without that, as the ledger has them so far."""
    settled = (run.readings or {}).get("metrics")
    if settled is not None:
        return TokenMetrics.from_json(settled)
    return reconcile([], sums if was_tracked(run) or sums.requests else None)


def elapsed_of(run: Run, state: RunState, now: datetime) -> timedelta | None:
    """How long it ran. A lost run ran until its last sign of life, not until somebody noticed."""
    if state is RunState.LOST and run.started_at and run.heartbeat_at:
        return run.heartbeat_at - run.started_at
    return run.elapsed(now)


def headline(account: Account) -> str:
    """The answer in a line: `Done in 38 s: 1,247 tokens, $0.0025, 3 calls`."""
    used = ", ".join(_used(account))
    if account.elapsed is None:
        return "Waiting to begin" if not account.state.is_final else f"{_ended(account)} before it began"
    took = duration(account.elapsed)
    if account.state is RunState.COMPLETED:
        return f"Done in {took}: {used}"
    if not account.state.is_final:
        return f"Running for {took}: {used} so far"
    return f"{_ended(account)} after {took}: {used}"


def _ended(account: Account) -> str:
    kind = (account.run.error or {}).get("type")
    if account.state is RunState.FAILED and kind:
        return f"Failed with {kind}"
    return str(account.state).capitalize()


def _used(account: Account) -> tuple[str, ...]:
    metrics = account.metrics
    if metrics.verification is Verification.NO_DATA and was_tracked(account.run):
        # One that was open when a run was ended is not in the ledger.
        sent = metrics.failed_requests or account.state in {RunState.STOPPED, RunState.LOST}
        return ("no model call was answered" if sent else "no model call was seen",)
    used = f"tokens {NOT_KNOWN}" if metrics.total_tokens is None else f"{tokens_of(metrics)} tokens"
    return used, cost_of(metrics), _calls_of(metrics)


def tokens_of(metrics: TokenMetrics) -> str:
    return token_total(
        metrics.total_tokens, unknown=metrics.unknown_requests, estimated=metrics.estimated_requests
    )


def cost_of(metrics: TokenMetrics) -> str:
    return usd(metrics.total_cost, metrics.cost_state)


def _calls_of(metrics: TokenMetrics) -> str:
    made = metrics.requests_made
    return f"calls {NOT_KNOWN}" if made is None else counted(made, "call")


def reason(account: Account) -> str | None:
    """Why a run did not complete, in a sentence; None when it did, or may still."""
    run = account.run
    if account.state is RunState.FAILED:
        return (run.error or {}).get("message") or run.stop_reason or "It failed without leaving a message."
    if account.state is RunState.LOST:
        silent = "Its process went silent. Its calls are kept, and nothing is repeated"
        return _interrupted(run, run.stop_reason or silent)
    if account.state is RunState.STOPPED:
        return _interrupted(run, run.stop_reason or "It was stopped on request")
    return None


def _interrupted(run: Run, why: str) -> str:
    """Why a run was ended, and what its figures may lack: nothing where it could still settle them itself."""
    sentence = f"{why[:1].upper()}{why[1:]}."
    if run.started_at is None or run.readings is not None:
        return sentence
    return f"{sentence} A call that was open then is not in these figures, and may be billed."


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


def tiles(account: Account) -> tuple[Tile, Tile, Tile, Tile]:
    """The four figures of the summary, in the order in which they are shown."""
    metrics = account.metrics
    return _tokens_tile(metrics), _cost_tile(account), _requests_tile(account), _efficiency_tile(metrics)


def _tokens_tile(metrics: TokenMetrics) -> Tile:
    gaps = unknown_notes(metrics)
    split = f"{tokens(metrics.input_tokens)} in, {tokens(metrics.output_tokens)} out"
    if metrics.cache_read_input_tokens and metrics.input_tokens:
        split += f", {share(metrics.cache_read_input_tokens / metrics.input_tokens)} of input cached"
    if metrics.total_tokens is None:
        return Tile("Total Tokens", NOT_KNOWN, gaps or "no token data", warns=True)
    return Tile("Total Tokens", tokens_of(metrics), gaps or split, warns=bool(gaps))


def tokens_of_sums(sums: CallTotals) -> str:
    """The tokens of some calls. Where all were refused, nothing was used: that is known, and 0."""
    if not sums.requests:
        return "0"
    total = sums.usage.total_tokens
    return token_total(total, unknown=sums.unknown_requests, estimated=sums.estimated_requests)


def part_of_sums(sums: CallTotals, count: int | None) -> str:
    """One of the counts of some calls, with the same rules."""
    if not sums.requests:
        return "0"
    return token_total(count, unknown=sums.unknown_requests, estimated=sums.estimated_requests)


def unknown_notes(metrics: TokenMetrics) -> str:
    notes = []
    if metrics.estimated_requests:
        notes.append(_estimated(metrics))
    if metrics.unknown_requests:
        notes.append(f"{counted(metrics.unknown_requests, 'call')} reported no usage")
    return ", ".join(notes)


def _estimated(metrics: TokenMetrics) -> str:
    """What stands after the total: `of which 1,200 are estimated (1 call)`."""
    part, calls = metrics.estimated_tokens, counted(metrics.estimated_requests, "call")
    if part is None:  # settled before that was kept
        return f"{calls} estimated"
    return f"{'all' if part == metrics.total_tokens else f'of which {part:,} are'} estimated ({calls})"


def _cost_tile(account: Account) -> Tile:
    metrics = account.metrics
    note = "nothing could be priced" if metrics.total_cost is None else "each call at its own rates"
    if metrics.unpriced_requests:
        note = f"{counted(metrics.unpriced_requests, 'call')} unpriced"
    elif metrics.verification is Verification.UNVERIFIED:
        note = "without tracked calls nothing can be priced"
    elif metrics.cost_state is CostState.PARTIAL:
        note = "part of a call has no known rate"
    elif metrics.cost_state is CostState.ESTIMATED:
        note = "priced from estimated tokens"
    elif metrics.cost_state is CostState.FREE:
        note = "a price of 0 is known"
    warns = metrics.cost_state not in {CostState.KNOWN, CostState.FREE}
    return Tile("Total Cost", cost_of(metrics), note, warns=warns)


def _requests_tile(account: Account) -> Tile:
    metrics = account.metrics
    if metrics.requests_made is None and was_tracked(account.run):
        failed = metrics.failed_requests
        return Tile(
            "API Requests", "0", f"{failed:,} failed" if failed else "the tracker saw none", warns=True
        )
    made = NOT_KNOWN if metrics.requests_made is None else f"{metrics.requests_made:,}"
    if metrics.failed_requests:
        return Tile("API Requests", made, f"{metrics.failed_requests:,} more failed, not billed", warns=True)
    return Tile("API Requests", made, "billed" if account.calls else "as crewai counts them")


def _efficiency_tile(metrics: TokenMetrics) -> Tile:
    """Unknown tokens are missing from both sides of each ratio, so that neither is even a bound then."""
    per_token, per_request = metrics.cost_per_token, metrics.tokens_per_request
    if metrics.unknown_requests or per_request is None:
        note = unknown_notes(metrics) or "needs tokens and requests"
        return Tile("Efficiency", NOT_KNOWN, note, warns=True)
    price = usd(per_token, metrics.cost_state)
    unit = "per token, " if "$" in price else ""
    return Tile("Efficiency", price, f"{unit}{round(per_request):,} tokens/request")


def breakdown(calls: Sequence[LlmCall], by: Dimension) -> tuple[Line, ...]:
    """The calls by agent, task or model, the largest first. Every call is in exactly one line."""
    groups: dict[str | None, list[LlmCall]] = {}
    for call in calls:
        groups.setdefault(_NAME_OF[by](call), []).append(call)
    whole = totals(calls).usage.total_tokens
    lines = [_line(name, by, totals(group), whole) for name, group in groups.items()]
    return tuple(sorted(lines, key=lambda line: (-(line.totals.usage.total_tokens or 0), line.label)))


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
    nameless = next((line for line in breakdown(account.calls, by) if line.name is None), None)
    if nameless is None:
        return None
    used = tokens(nameless.totals.usage.total_tokens)
    return f"{counted(nameless.totals.requests, 'call')} ({used} tokens) could not be assigned to any {by}."
