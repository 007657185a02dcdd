"""What a finished run used and said: the answer first, then where it went, then everything else."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from tracking.analysis.today import repriced
from tracking.crew.redact import scrub
from tracking.domain.bill import bill
from tracking.domain.reading import Verification
from tracking.domain.run import RunState
from tracking.export.files import as_csv, as_json, as_markdown, file_name
from tracking.ledger.outputs import TaskOutput
from tracking.report.account import Account, headline, load_account, part_of_sums, tiles, tokens_of_sums
from tracking.report.breakdown import Dimension, Line, breakdown, breakdown_note, calls_of
from tracking.report.format import usd
from tracking.report.loops import loop_notes
from tracking.report.notes import cut_short, reason, stated_note
from tracking.report.today import today_note
from tracking.ui import state
from tracking.ui.again import again_button
from tracking.ui.answers import report, task_outputs
from tracking.ui.budgets.standing import budget_lines
from tracking.ui.calls import calls_section, selected_row
from tracking.ui.cards import cards
from tracking.ui.charts import token_breakdown
from tracking.ui.colours import agent_paints, model_paints
from tracking.ui.data_view import data_section
from tracking.ui.debug import debug_panel
from tracking.ui.live.charts import Picture, charts_section, limits_of
from tracking.ui.palette import paints
from tracking.ui.prose import plain
from tracking.ui.receipt import bill_receipt

_PAINTS: Final = {Dimension.AGENT: agent_paints, Dimension.TASK: paints, Dimension.MODEL: model_paints}
_TABS: Final = ("Report", "Task outputs", "Data", "Calls", "Debug Information")


def results_section(run_id: str) -> None:
    """Everything about one run, from its record alone."""
    account = load_account(state.ledger(), state.run_book(), state.outputs(), run_id, state.now())
    if account is None:
        st.info("There is no run with this id in the ledger.", icon=":material/search_off:")
        return
    outputs = state.outputs().of(run_id)
    tz = st.context.timezone
    st.header(plain(headline(account)), anchor=False)
    _why(account)
    again_button(account.run)
    if note := cut_short(account):
        st.caption(f":material/content_cut: {plain(note)}")
    budget_lines(account.run)
    _summary(account)
    _downloads(account, outputs, tz)
    if account.calls:
        _where_it_went(account)
        _charts(account)
    else:
        st.caption("Where the tokens went can't be told: no call of this run is in the ledger.")
    _details(account, outputs, tz)


def _why(account: Account) -> None:
    """What ended a run that did not complete, with the traceback folded."""
    why = reason(account)
    if why is None:
        return
    show = st.error if account.state is RunState.FAILED else st.warning
    show(
        plain(scrub(why)),
        icon=":material/error:" if account.state is RunState.FAILED else ":material/warning:",
    )
    if trace := (account.run.error or {}).get("traceback"):
        with st.expander("Traceback"):
            st.code(scrub(trace), language=None, wrap_lines=True)


def _summary(account: Account) -> None:
    st.subheader("Token Usage Summary", anchor=False)
    st.markdown(f":small[{source_caption(account)}]")
    for note in (*account.run.notes, *loop_notes(account.run, account.calls)):
        st.markdown(f":small[:orange[:material/warning: {plain(scrub(note))}]]")
    cards(tiles(account, stated=state.settings().cost_shown == "stated"))
    _cost_in_full(account)


def _cost_in_full(account: Account) -> None:
    """What the total is made of, and what it would be today: both from the run's own calls."""
    today = repriced(account.calls, state.price_book(), datetime.now(UTC))
    for note in (stated_note(account), today_note(today)):
        if note:
            st.caption(plain(note))
    if account.calls:
        with st.expander("Receipt of the total cost", icon=":material/receipt_long:"):
            bill_receipt(bill(account.calls), account.totals.cost)


def source_caption(account: Account) -> str:
    """Where the figures come from, coloured by how sure that is: green, amber, or grey."""
    metrics = account.metrics
    text = f"Data source: {plain(scrub(metrics.caption))}"
    refuted = any(reading.refuted and reading.found_in for reading in metrics.readings)
    if metrics.verification is Verification.VERIFIED:
        return f":green[:material/verified: {text}]"
    if metrics.verification is Verification.LEDGER:
        return f":orange[:material/rule: {text}]" if refuted else f":material/fact_check: {text}"
    return f":gray[:material/help: {text}]"


def _downloads(account: Account, outputs: Sequence[TaskOutput], tz: str | None) -> None:
    # Made when they are asked for, not on every run of the script.
    files = (
        ("Markdown", "md", "text/markdown", lambda: as_markdown(account, outputs, tz)),
        ("JSON", "json", "application/json", lambda: as_json(account, outputs)),
        ("CSV of calls", "csv", "text/csv", lambda: as_csv(account.calls)),
    )
    with st.container(horizontal=True, gap="small"):
        for label, extension, mime, content in files:
            st.download_button(
                label,
                content,
                file_name(account, extension),
                mime,
                on_click="ignore",
                icon=":material/download:",
                disabled=extension == "csv" and not account.calls,
                key=f"download_{extension}",
            )


def _where_it_went(account: Account) -> None:
    by = st.segmented_control(
        "Where it went",
        list(Dimension),
        default=Dimension.AGENT,
        required=True,
        format_func=lambda dimension: f"By {dimension}",
        key="breakdown_by",
    )
    lines = breakdown(account.calls, by)
    chart, table = st.columns(2)
    if account.totals.usage.total_tokens:
        chart.plotly_chart(
            token_breakdown(lines, _PAINTS[by](line.name for line in lines), f"Tokens by {by}"),
            key="breakdown_chart",
            alt=f"Tokens by {by}",
        )
    else:
        chart.caption("There are no tokens to draw.")
    with table:
        chosen = st.dataframe(
            _breakdown_frame(lines),
            hide_index=True,
            column_config=_breakdown_columns(by),
            on_select="rerun",
            selection_mode=("single-row", "single-cell"),
            key=f"breakdown_{by}",
            alt=f"Usage by {by}",
        )
        note = breakdown_note(account, by) or ""
        st.caption(plain(f"Select a row to see the receipt of its cost. {note}"))
    if (row := selected_row(chosen)) is not None and row < len(lines):
        with st.container(border=True):
            st.markdown(f"**Receipt: {plain(lines[row].label)}**")
            bill_receipt(bill(calls_of(account.calls, by, lines[row])), lines[row].totals.cost)


def _breakdown_frame(lines: Sequence[Line]) -> pd.DataFrame:
    sums = [line.totals for line in lines]
    frame = pd.DataFrame(
        {
            "name": [line.label for line in lines],
            "tokens": [tokens_of_sums(s) for s in sums],
            "share": [None if line.share is None else round(line.share * 100, 1) for line in lines],
            "cost": [usd(s.cost.amount, s.cost.state) for s in sums],
            "calls": [s.requests for s in sums],
            "failed": [s.failed_requests for s in sums],
            "input": [part_of_sums(s, s.usage.input_tokens) for s in sums],
            "output": [part_of_sums(s, s.usage.output_tokens) for s in sums],
        }
    )
    # Without a refusal the column says nothing, and pushes the last ones out of sight.
    return frame if any(s.failed_requests for s in sums) else frame.drop(columns="failed")


def _breakdown_columns(by: Dimension) -> dict[str, ColumnConfig]:
    column = st.column_config
    return {
        "name": column.TextColumn(str(by).capitalize()),
        "tokens": column.TextColumn("Tokens", alignment="right"),
        "share": column.ProgressColumn(
            "Share",
            format="%.0f %%",
            min_value=0,
            max_value=100,
            width="small",
            help="Of the run's known tokens",
        ),
        "cost": column.TextColumn("Cost", alignment="right"),
        "calls": column.NumberColumn("Calls", format="localized"),
        "failed": column.NumberColumn(
            "Failed", format="localized", help="Refused requests: not billed, not in the sums"
        ),
        "input": column.TextColumn("Input", alignment="right"),
        "output": column.TextColumn("Output", alignment="right"),
    }


@st.fragment
def _charts(account: Account) -> None:
    end = account.run.finished_at or account.run.heartbeat_at or state.now()
    latest = max([end, *(call.ended_at for call in account.calls)])
    charts_section(Picture(account.run, account.tasks, account.calls, (), limits_of(account.run), latest))


def _details(account: Account, outputs: Sequence[TaskOutput], tz: str | None) -> None:
    answer, every, data, calls, debug = st.tabs(list(_TABS), key="results_tab", on_change="rerun")
    with answer:
        report(account, outputs)
    with every:
        task_outputs(account, outputs)
    if data.open:  # the one part that has to read a file
        with data:
            data_section(account.run)
    with calls:
        calls_section(account.calls, tz)
    with debug:
        debug_panel(account)
