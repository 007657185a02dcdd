"""Receipts: how a cost was computed, line by line, for one call or for many."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import streamlit as st

from tracking.domain.bill import Item, bill
from tracking.domain.call import LlmCall, StatedCost
from tracking.domain.cost import REQUESTS, Cost, Line, Receipt
from tracking.domain.money import NANO_PER_USD
from tracking.domain.money import usd as dollars
from tracking.domain.usage import TokenUsage, UsageState, wholes
from tracking.pricing.origin import address_in
from tracking.report.format import NOT_KNOWN, counted, decimals, duration, exact, spoken, tokens, usd, when
from tracking.ui.prose import plain

_NAMES: Final = {
    "cache_read_input_tokens": "Input read from the cache",
    "cache_creation_input_tokens": "Input written to the cache",
    "cache_creation_5m_input_tokens": "Input written to the cache for 5 minutes",
    "cache_creation_1h_input_tokens": "Input written to the cache for an hour",
    "reasoning_output_tokens": "Reasoning",
    "web_search_requests": "Web searches",
    REQUESTS: "Requests",
}


def call_receipt(call: LlmCall, tz: str | None) -> None:
    """One call: what it reported, what of that was charged at which rate, and by which price card."""
    with st.container(border=True):
        st.markdown(f"**Receipt: {plain(usd(call.cost.amount, call.cost.state))}**")
        facts = [
            when(call.started_at, tz, seconds=True),
            duration(call.duration),
            f"asked for {call.request_model}, answered by {call.response_model or NOT_KNOWN}",
            call.operation_name,
        ]
        if call.service_tier:
            facts.append(f"service tier {call.service_tier}")
        if call.error_type:
            facts.append(f"{call.status}: {call.error_type}")
        st.caption(plain(" · ".join(facts)))
        if call.raw_usage:
            words = ", ".join(f"{name} {count:,}" for name, count in call.raw_usage.items())
            st.caption(plain(f"In the provider's own words: {words}."))
        st.caption(plain(reported(call.usage, call.usage_state)))
        items = bill([call])
        if not items:
            st.write("The provider refused it and reported no usage: it was not billed.")
        elif call.cost.receipt is None:
            st.write("No price was looked up for this call.")
        else:
            _arithmetic(items, call.cost)
        if call.stated_nano_usd is not None:
            st.caption(plain(_stated(call.stated_nano_usd, call.cost.nano_usd)))
        if call.notes:
            st.caption(plain(f"Usage {call.usage_state}: {'; '.join(call.notes)}"))


def bill_receipt(items: Sequence[Item], cost: Cost) -> None:
    """Many calls: per model and price card the sums, and what they come to."""
    if not items:
        st.write("There is no billed call in the ledger that this could be made of.")
        return
    _arithmetic(items, cost)
    stated = sum((item.totals.stated for item in items), StatedCost())
    if stated.requests:
        of = f"Of {counted(stated.requests, 'call')}: "
        st.caption(plain(of + _stated(stated.nano_usd, stated.computed_nano_usd)))


def _stated(nano: int, computed: int | None) -> str:
    """What a provider itself says, and by how much that is not what was computed."""
    said = f"the provider itself says {exact(dollars(nano))}"
    if computed is None:
        return f"{said}, and no price list says anything."
    off = nano - computed
    difference = (
        f"{exact(dollars(abs(off)))} {'more' if off > 0 else 'less'} than computed" if off else "as computed"
    )
    return f"{said}, {difference}. It stands beside the cost and is never added to it."


def _arithmetic(items: Sequence[Item], cost: Cost) -> None:
    # Amounts stand one below the other at the right, which st.table does for numbers, but not for exact text.
    heads = ("Charged for", "Count × rate per million", "Amount")
    rows = [heads, ("---", "---:", "---:"), *receipt_rows(items, cost)]
    st.markdown("\n".join(f"| {' | '.join(row)} |" for row in rows), width="content")
    for item in items:
        if item.receipt is not None and item.receipt.rates:
            st.caption(_provenance(item.receipt))


def reported(usage: TokenUsage | None, state: UsageState) -> str:
    """What is known of a call's use, parts beside their whole: the rates are charged for these counts."""
    if usage is None:
        return "Its usage is not known."
    counts = usage.counts()
    said = []
    for name, count in counts.items():
        whole = next((each for each in wholes(name) if each in counts), None)
        of = "" if whole is None else f" (part of {name_of(whole).lower()})"
        said.append(f"{name_of(name).lower()} {count:,}{of}")
    return f"{str(state).capitalize()}: {', '.join(said)}." if said else "It reported no counts."


def receipt_rows(items: Sequence[Item], cost: Cost) -> list[tuple[str, str, str]]:
    """What was charged for, the arithmetic, the amount; in Markdown. The last row is the cost itself.

    Every amount has as many digits as the finest needs. Where there are several items, each begins with a row
    that names its model and says what it comes to.
    """
    amounts = [each for item in items for each in (*(line.amount for line in item.lines), item.rounding)]
    places = max(map(decimals, amounts), default=2)
    rows = [row for item in items for row in _rows(item, places, headed=len(items) > 1)]
    return [*rows, ("**Total**", "", f"**{plain(_in_full(cost, places))}**")]


def _rows(item: Item, places: int, *, headed: bool) -> Iterator[tuple[str, str, str]]:
    cost = item.totals.cost
    if headed:
        calls = counted(item.totals.requests, "call")
        yield f"**{plain(item.model)}**", calls, f"*{plain(_in_full(cost, places))}*"
    if not item.lines:
        yield plain(_without_lines(item)), "", "" if headed else plain(usd(cost.amount, cost.state))
        return
    for line in item.lines:
        if line.count:
            unit = "" if line.per == 1_000_000 else " per thousand"
            arithmetic = f"{tokens(line.count)} × {exact(line.rate)}{unit}"
            yield plain(_charged(line, item)), plain(arithmetic), plain(exact(line.amount, places))
    if item.rounding:
        yield _difference(item), "", plain(exact(item.rounding, places))


def name_of(count: str) -> str:
    """A count as a person says it: `input_tokens` is "Input"."""
    return _NAMES.get(count) or spoken(count.removesuffix("_tokens"))


def _charged(line: Line, item: Item) -> str:
    parts = any(line.name in wholes(other.name) for other in item.lines if other.count)
    return f"{name_of(line.name)}, the rest" if parts else name_of(line.name)


def _difference(item: Item) -> str:
    if abs(item.rounding) * 2 * NANO_PER_USD <= item.totals.requests:
        return "Each call rounded to a billionth of a dollar"
    return "Not told by these counts"


def _in_full(cost: Cost, places: int) -> str:
    """The cost with all its digits, marked as it is everywhere else."""
    if cost.amount is None or not cost.amount:
        return usd(cost.amount, cost.state)
    mark = usd(cost.amount, cost.state).partition("$")[0].replace(" ", "\N{NO-BREAK SPACE}")
    return f"{mark}{exact(cost.amount, places)}"


def _without_lines(item: Item) -> str:
    if item.receipt is None:
        return "No price was looked up"
    why = item.receipt.note or item.receipt.source
    return f"{why[:1].upper()}{why[1:]}"


def _provenance(receipt: Receipt) -> str:
    """Whose rates these are, for which time, and the card they are on, in a line of Markdown."""
    said = [f"{plain(receipt.model)} of {plain(receipt.provider)}", source_link(receipt.source)]
    said.append(plain(f"in force {period(receipt.since, receipt.until)}"))
    if receipt.card:
        said.append(plain(f"price card {receipt.card}"))
    if receipt.note:
        said.append(plain(receipt.note))
    return " · ".join(said)


def source_link(source: str) -> str:
    """A source as Markdown; the page it names can be opened."""
    address = address_in(source)
    if address is None:
        return plain(source)
    before, _, after = source.partition(address)
    shown = address.removeprefix("https://").removeprefix("http://").rstrip("/")
    return f"{plain(before)}[{plain(shown)}](<{address.replace('>', '%3E')}>){plain(after)}"


def period(since: datetime | None, until: datetime | None) -> str:
    """`from 18 Jul 2024`, `1 Jan 2025 to 1 Mar 2025`: the days are UTC's, as price lists state them."""
    if since is None:
        return "at any time" if until is None else f"until {date(until)}"
    return f"from {date(since)}" if until is None else f"{date(since)} to {date(until)}"


def date(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}" + (f", {moment:%H:%M} UTC" if moment.hour or moment.minute else "")
