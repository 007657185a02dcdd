"""The calls of a run as a table, and the receipt of the one that is selected."""

from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.domain.call import LlmCall
from tracking.domain.usage import TokenUsage
from tracking.report.breakdown import UNATTRIBUTED
from tracking.report.calls import Facet, Order, choices, chosen, ordered
from tracking.report.format import counted, spoken, usd, zone
from tracking.ui.receipt import call_receipt


def calls_section(calls: Sequence[LlmCall], tz: str | None) -> None:
    """Every call, or those that are chosen; selecting one shows how its cost was computed."""
    if not calls:
        st.info("No call is in the ledger for this run.", icon=":material/info:")
        return
    shown, key = _chosen(calls)
    if not shown:
        st.caption("No call matches what is chosen.")
        return
    few = "" if len(shown) == len(calls) else f"{len(shown):,} of {counted(len(calls), 'call')}. "
    st.caption(
        f"{few}Select a call to see its receipt. What is empty was not reported: it is not known, and not 0."
    )
    selected = st.dataframe(
        calls_frame(shown),
        hide_index=True,
        height=min(460, 38 + 35 * len(shown)),
        column_config=_columns(tz),
        placeholder="",
        on_select="rerun",
        selection_mode=("single-row", "single-cell"),
        key=f"calls_table{key}",  # another choice has another selection
        alt="The calls of this run",
    )
    if (row := selected_row(selected)) is not None and row < len(shown):
        call_receipt(shown[row], tz)


def _chosen(calls: Sequence[LlmCall]) -> tuple[list[LlmCall], str]:
    """The calls a person wants to see, in their order, and a text that stands for that choice."""
    wanted: dict[Facet, Collection[str]] = {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for facet in Facet:
            words = choices(calls, facet)
            if len(words) > 1:
                wanted[facet] = st.multiselect(
                    str(facet).capitalize(), words, placeholder="all", key=f"calls_{facet}", width=190
                )
        picked = st.selectbox("Order", list(Order), key="calls_order", width=190)
    order = Order.OLDEST if picked is None else picked
    choice = [sorted(words) for words in wanted.values()]
    key = f"_{order}_{choice}" if any(choice) or order is not Order.OLDEST else ""
    return ordered(chosen(calls, wanted), order), key


def selected_row(event: object) -> int | None:
    """The row of a table's selection, whether its box was ticked or one of its cells was touched."""
    selection = getattr(event, "selection", None) or {}
    rows, cells = selection.get("rows") or [], selection.get("cells") or []
    if rows:
        return int(rows[0])
    return int(cells[0][0]) if cells else None


def calls_frame(calls: Sequence[LlmCall]) -> pd.DataFrame:
    """One row per call. Counts that nobody reported are missing, not 0; money is exact."""
    usages = [call.usage or TokenUsage() for call in calls]
    return pd.DataFrame(
        {
            "start": [call.started_at for call in calls],
            "duration": [call.duration for call in calls],
            "agent": [call.agent_name or UNATTRIBUTED for call in calls],
            "task": [UNATTRIBUTED if call.task_name is None else spoken(call.task_name) for call in calls],
            "model": [call.billed_model for call in calls],
            "input": pd.array([usage.input_tokens for usage in usages], dtype="Int64"),
            "cached": pd.array([usage.cache_read_input_tokens for usage in usages], dtype="Int64"),
            "output": pd.array([usage.output_tokens for usage in usages], dtype="Int64"),
            "reasoning": pd.array([usage.reasoning_output_tokens for usage in usages], dtype="Int64"),
            "cost": [usd(call.cost.amount, call.cost.state) for call in calls],
            "state": [str(call.usage_state) for call in calls],
            "status": [str(call.status) for call in calls],
            "sources": [", ".join(call.sources) for call in calls],
        }
    )


def _columns(tz: str | None) -> dict[str, ColumnConfig]:
    column = st.column_config
    seen_in = tz if zone(tz) else "UTC"
    return {
        "start": column.DatetimeColumn(
            "Start", format="HH:mm:ss.SSS", timezone=seen_in, help=f"Time zone: {seen_in}"
        ),
        "duration": column.NumberColumn("Duration", format="%.2f s", width="small"),
        "agent": column.TextColumn("Agent"),
        "task": column.TextColumn("Task"),
        "model": column.TextColumn("Model"),
        "input": column.NumberColumn(
            "Input", format="localized", help="Input tokens, the cached ones included"
        ),
        "cached": column.NumberColumn(
            "Cached", format="localized", help="Input tokens read from the provider's cache"
        ),
        "output": column.NumberColumn("Output", format="localized", help="Output tokens, reasoning included"),
        "reasoning": column.NumberColumn(
            "Reasoning", format="localized", help="Output tokens spent on reasoning"
        ),
        "cost": column.TextColumn("Cost", alignment="right"),
        "state": column.TextColumn("Usage", help="reported by the provider, estimated by us, or unknown"),
        "status": column.TextColumn("Status"),
        "sources": column.TextColumn("Seen by", help="What saw the call, the most trusted first"),
    }
