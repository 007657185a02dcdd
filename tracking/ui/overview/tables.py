"""Where it went, the dearest runs, and how long models took: tables of a period."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.report.account import tokens_of_sums
from tracking.report.breakdown import Dimension
from tracking.report.format import duration, usd
from tracking.report.overview import DearRun, Latency, Overview, Part, dearest_runs, latencies, where
from tracking.ui import state
from tracking.ui.calls import selected_row
from tracking.ui.prose import plain

_MOST_ROWS: Final = 100
_RUNS_PAGE: Final = "tracking/ui/pages/runs.py"


def where_section(found: Overview) -> None:
    """By agent, task or model, the dearest first."""
    st.subheader("Where it went", anchor=False)
    by = st.segmented_control(
        "Where it went",
        list(Dimension),
        default=Dimension.AGENT,
        required=True,
        format_func=lambda dimension: f"By {dimension}",
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    parts = _parts(found, by)
    st.dataframe(
        where_frame(parts[:_MOST_ROWS], found),
        hide_index=True,
        height=min(460, 38 + 35 * min(len(parts), _MOST_ROWS)),
        column_config=_where_columns(by, found),
        alt=f"Spending by {by}",
    )
    if len(parts) > _MOST_ROWS:
        st.caption(f"These are the dearest {_MOST_ROWS:,} of {len(parts):,}.")


def _parts(found: Overview, by: Dimension) -> Sequence[Part]:
    if by is Dimension.TASK:
        return where(state.ledger(), found.period, by)
    return found.models if by is Dimension.MODEL else found.agents


def where_frame(parts: Sequence[Part], found: Overview) -> pd.DataFrame:
    """A row per part; failed calls only where there are any."""
    sums = [part.totals for part in parts]
    frame = pd.DataFrame(
        {
            "name": [part.label for part in parts],
            "cost": [usd(s.cost.amount, s.cost.state) if s.requests else "" for s in sums],
            "share": [None if part.share is None else round(part.share * 100, 1) for part in parts],
            "tokens": [tokens_of_sums(s) for s in sums],
            "calls": [s.requests for s in sums],
            "failed": [s.failed_requests for s in sums],
            "unpriced": [s.unpriced_requests for s in sums],
        }
    )
    unused = [
        name
        for name, count in (
            ("failed", found.whole.failed_requests),
            ("unpriced", found.whole.unpriced_requests),
        )
        if not count
    ]
    return frame.drop(columns=unused)


def _where_columns(by: Dimension, found: Overview) -> dict[str, ColumnConfig]:
    column = st.column_config
    of = "known cost" if found.whole.cost.nano_usd else "known tokens"
    return {
        "name": column.TextColumn(str(by).capitalize()),
        "cost": column.TextColumn("Cost", alignment="right", width=105),
        "share": column.ProgressColumn(
            "Share", format="%.1f %%", min_value=0, max_value=100, width=120, help=f"Of the period's {of}"
        ),
        "tokens": column.TextColumn("Tokens", alignment="right"),
        "calls": column.NumberColumn("Calls", format="localized"),
        "failed": column.NumberColumn(
            "Failed", format="localized", help="Refused requests: not billed, not in the sums"
        ),
        "unpriced": column.NumberColumn(
            "Unpriced", format="localized", help="Calls whose cost is not known, and in no total"
        ),
    }


def runs_section(found: Overview) -> None:
    """The dearest runs; selecting one opens it."""
    runs = dearest_runs(state.ledger(), found.period, found.whole)
    if not runs:
        return
    st.subheader("Dearest runs", anchor=False)
    chosen = st.dataframe(
        runs_frame(runs),
        hide_index=True,
        column_config=_run_columns(),
        on_select="rerun",
        selection_mode=("single-row", "single-cell"),
        key=f"dearest_runs.{found.period.words}",  # of another period it is another table
        alt="The dearest runs",
    )
    st.caption("Select a run to open it.")
    if (row := selected_row(chosen)) is not None and row < len(runs):
        st.switch_page(_RUNS_PAGE, query_params={state.RUN: runs[row].run_id})


def runs_frame(runs: Sequence[DearRun]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": [run.name or run.run_id for run in runs],
            "cost": [usd(run.totals.cost.amount, run.totals.cost.state) for run in runs],
            "share": [None if run.share is None else round(run.share * 100, 1) for run in runs],
            "tokens": [tokens_of_sums(run.totals) for run in runs],
            "calls": [run.totals.requests for run in runs],
        }
    )


def _run_columns() -> dict[str, ColumnConfig]:
    column = st.column_config
    return {
        "name": column.TextColumn("Run"),
        "cost": column.TextColumn("Cost", alignment="right", width=90),
        "share": column.ProgressColumn(
            "Share",
            format="%.1f %%",
            min_value=0,
            max_value=100,
            width=120,
            help="Of the period's known cost",
        ),
        "tokens": column.TextColumn("Tokens", alignment="right"),
        "calls": column.NumberColumn("Calls", format="localized"),
    }


def latency_section(found: Overview) -> None:
    """Half, 95 % and 99 % of a model's answers took no longer than this."""
    lines = latencies(state.ledger(), found.period)
    if not lines:
        return
    st.subheader("How long answers took", anchor=False)
    st.dataframe(
        latency_frame(lines),
        hide_index=True,
        height=min(460, 38 + 35 * len(lines)),
        column_config=_latency_columns(),
        alt="How long answers took, by model",
    )
    days = "" if found.period.since is None else " Whole days of UTC."
    st.caption(f"Of billed calls, each within 1 %: half of them took at most the median.{days}")


def latency_frame(lines: Sequence[Latency]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": [line.model for line in lines],
            "p50": [duration(line.p50) for line in lines],
            "p95": [duration(line.p95) for line in lines],
            "p99": [duration(line.p99) for line in lines],
            "calls": [line.requests for line in lines],
        }
    )


def _latency_columns() -> dict[str, ColumnConfig]:
    column = st.column_config
    return {
        "model": column.TextColumn("Model"),
        "p50": column.TextColumn("Median", alignment="right", width=80),
        "p95": column.TextColumn("p95", alignment="right", width=80, help="95 % took at most this"),
        "p99": column.TextColumn("p99", alignment="right", width=80, help="99 % took at most this"),
        "calls": column.NumberColumn("Calls", format="localized", width=80),
    }


def empty_note(found: Overview) -> str:
    """What a period without any call is told."""
    return plain(f"No call was made {found.period.words}. Choose a longer period to see earlier ones.")
