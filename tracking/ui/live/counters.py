"""The figures of a run that goes on: what it used, how fast, and where that leads."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from tracking.analysis.projection import PastRun
from tracking.report.account import Account, Tile, part_of_sums, tokens_of_sums, unknown_notes
from tracking.report.format import counted, share, usd
from tracking.report.live import pace, rates
from tracking.report.projected import outlook
from tracking.ui.cards import cards
from tracking.ui.live.watching import Watched
from tracking.ui.prose import plain


def counters(found: Watched, past: Sequence[PastRun], now: datetime) -> None:
    """A card per sum, and below them in words how fast it goes and where that leads."""
    account = found.account
    cards(_used(account, found.errors))
    words = [outlook(past, account, found.lines, now)]
    if account.run.started_at is not None:
        words.insert(0, pace(rates(account.calls, account.run.started_at, now)))
    st.caption("  \n".join(plain(said) for said in words if said))


def _used(account: Account, errors: int) -> tuple[Tile, ...]:
    sums = account.totals
    usage = sums.usage
    cached = None
    if usage.cache_read_input_tokens is not None and usage.input_tokens:
        cached = usage.cache_read_input_tokens / usage.input_tokens
    split = f"{part_of_sums(sums, usage.input_tokens)} in, {part_of_sums(sums, usage.output_tokens)} out"
    gaps = unknown_notes(account.metrics)
    unpriced = f"{counted(sums.unpriced_requests, 'call')} unpriced" if sums.unpriced_requests else ""
    return (
        Tile("Tokens", tokens_of_sums(sums), gaps or split, warns=bool(gaps)),
        Tile("Cached input", share(cached), "of all input"),
        Tile("Cost", usd(sums.cost.amount, sums.cost.state), unpriced or "so far", warns=bool(unpriced)),
        Tile("Calls", f"{sums.requests:,}", "to models"),
        Tile("Errors", f"{errors:,}", "failed or cut off", warns=errors > 0),
    )
