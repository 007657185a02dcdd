"""A run's account: its figures and the words for them, for the page and for the downloads alike."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tracking.analysis.missing import was_tracked
from tracking.domain.call import CallTotals, LlmCall, totals
from tracking.domain.cost import CostState
from tracking.domain.money import usd as dollars
from tracking.domain.reading import TokenMetrics, Verification
from tracking.domain.reconciliation import reconcile
from tracking.domain.run import Run, RunState, TaskProgress
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore
from tracking.ledger.runs import RunBook
from tracking.report.format import NOT_KNOWN, counted, duration, share, token_total, tokens, usd

MISSING_CALL: Final = "an open call may be missing"


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


def account_of(
    run: Run,
    tasks: Iterable[TaskProgress],
    calls: Iterable[LlmCall],
    now: datetime,
    sums: CallTotals | None = None,
) -> Account:
    """`sums` are the calls' totals where they have been added up already."""
    known = tuple(calls)
    sums = totals(known) if sums is None else sums
    state = run.state_at(now)
    metrics = metrics_of(run, state, sums)
    return Account(run, state, tuple(tasks), known, sums, metrics, elapsed_of(run, state, now))


def metrics_of(run: Run, state: RunState, sums: CallTotals) -> TokenMetrics:
    """The figures as they were settled at the run's end; without that, as the ledger has them so far."""
    settled = (run.readings or {}).get("metrics")
    if settled is not None:
        return TokenMetrics.from_json(settled)
    metrics = reconcile([], sums if was_tracked(run) or sums.requests else None)
    return _at_least(run, metrics) if cut_off(run, state) else metrics


def cut_off(run: Run, state: RunState) -> bool:
    """Whether it was ended before it could settle its figures: a call that was open then is not in them."""
    return state in {RunState.LOST, RunState.STOPPED} and run.started_at is not None and run.readings is None


def _at_least(run: Run, metrics: TokenMetrics) -> TokenMetrics:
    """As lower bounds. Of the ratios nothing is left; on a single free model the missing call is free too."""
    free = metrics.cost_state is CostState.FREE and "model" in run.spec and not run.spec.get("agent_models")
    bounded = metrics.total_cost is not None and not free
    return dataclasses.replace(
        metrics,
        cost_state=CostState.PARTIAL if bounded else metrics.cost_state,
        cost_per_token=None,
        tokens_per_request=None,
        lower_bound=True,
    )


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
    if _nothing_billed(metrics):
        failed = f"{counted(metrics.failed_requests, 'call')} failed"
        return ("no model call was answered",) if metrics.lower_bound else ("nothing was billed", failed)
    used = f"tokens {NOT_KNOWN}" if metrics.total_tokens is None else f"{tokens_of(metrics)} tokens"
    return used, cost_of(metrics), _calls_of(metrics)


def _nothing_billed(metrics: TokenMetrics) -> bool:
    return metrics.requests_made == 0 and metrics.failed_requests > 0


def tokens_of(metrics: TokenMetrics) -> str:
    unknown = metrics.unknown_requests + metrics.lower_bound  # a call that is missing is not known either
    return token_total(metrics.total_tokens, unknown=unknown, estimated=metrics.estimated_requests)


def cost_of(metrics: TokenMetrics) -> str:
    return usd(metrics.total_cost, metrics.cost_state)


def _calls_of(metrics: TokenMetrics) -> str:
    made = metrics.requests_made
    if made is None:
        return f"calls {NOT_KNOWN}"
    return f"{'≥ ' if metrics.lower_bound else ''}{counted(made, 'call')}"


def requests_of(metrics: TokenMetrics) -> str:
    return token_total(metrics.requests_made, unknown=metrics.lower_bound)


def tiles(account: Account, *, stated: bool = False) -> tuple[Tile, Tile, Tile, Tile]:
    """The four figures of the summary, in the order in which they are shown.

    With `stated` the cost is what the providers say themselves, where they say it of every call.
    """
    metrics = account.metrics
    cost = (_stated_tile(account) if stated else None) or _cost_tile(account)
    return _tokens_tile(metrics), cost, _requests_tile(account), _efficiency_tile(metrics)


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
    if metrics.lower_bound:
        notes.append(MISSING_CALL)
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
    if _nothing_billed(metrics) and not metrics.lower_bound:
        note = "nothing was billed"
    elif metrics.unpriced_requests:
        note = f"{counted(metrics.unpriced_requests, 'call')} unpriced"
    elif metrics.lower_bound and metrics.cost_state is not CostState.FREE:
        note = MISSING_CALL
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


def _stated_tile(account: Account) -> Tile | None:
    stated = account.totals.stated
    if not stated.requests or stated.requests < account.totals.requests or account.metrics.lower_bound:
        return None
    note = f"as the providers state it; computed: {cost_of(account.metrics)}"
    return Tile("Total Cost", usd(dollars(stated.nano_usd), CostState.KNOWN), note)


def _requests_tile(account: Account) -> Tile:
    metrics = account.metrics
    if metrics.requests_made is None and was_tracked(account.run) and not metrics.lower_bound:
        failed = metrics.failed_requests
        return Tile(
            "API Requests", "0", f"{failed:,} failed" if failed else "the tracker saw none", warns=True
        )
    made = requests_of(metrics)
    more = "more " if metrics.requests_made else ""
    notes = [f"{metrics.failed_requests:,} {more}failed, not billed"] if metrics.failed_requests else []
    notes += [MISSING_CALL] if metrics.lower_bound else []
    if notes:
        return Tile("API Requests", made, ", ".join(notes), warns=True)
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
