"""The calls under way and the newest that ended, for a page that is drawn again every second."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pandas as pd
import streamlit as st

from tracking.domain.call import CallStatus, LlmCall
from tracking.domain.under_way import CallUnderWay
from tracking.domain.usage import UsageState
from tracking.report.breakdown import UNATTRIBUTED
from tracking.report.format import counted, duration, spoken, token_total, usd
from tracking.ui.prose import plain

MOST: Final = 6  # rows of each kind
_RUNNING: Final = ":blue[:material/progress_activity:] running"
_ENDED: Final = {
    CallStatus.OK: ":green[:material/check_circle:] ended",
    CallStatus.ERROR: ":red[:material/error:] failed",
    CallStatus.INCOMPLETE: ":orange[:material/link_off:] cut off",
}


def newest_calls(calls: Sequence[LlmCall], under_way: Sequence[CallUnderWay], now: datetime) -> None:
    """A small table, what is under way first. Nothing where there was no call yet."""
    if not calls and not under_way:
        st.caption("No model was called yet.")
        return
    st.table(
        newest_frame(calls, under_way, now),
        border="horizontal",
        hide_index=True,
        alt="The calls under way, and the newest that ended",
    )
    left_out = max(0, len(under_way) - MOST), max(0, len(calls) - MOST)
    notes = [f"{left_out[0]:,} more under way"] if left_out[0] else []
    notes += [f"{counted(left_out[1], 'earlier call')} in the table below"] if left_out[1] else []
    if notes:
        st.caption(f"{', '.join(notes)}.")


def newest_frame(calls: Sequence[LlmCall], under_way: Sequence[CallUnderWay], now: datetime) -> pd.DataFrame:
    """What is under way, the oldest first, then what ended, the newest first.

    Tokens of a call under way are those that came so far, estimated until its provider reports them.
    """
    rows = [_running(call, now) for call in under_way[:MOST]]
    ended = sorted(
        calls[-4 * MOST :], key=lambda call: call.ended_at, reverse=True
    )  # they are in order of begin
    rows += [_ended(call) for call in ended[:MOST]]
    return pd.DataFrame(rows)


def _running(call: CallUnderWay, now: datetime) -> dict[str, str]:
    so_far = (
        "" if call.output_tokens is None else f"{token_total(call.output_tokens, estimated=1)} out so far"
    )
    return {
        "Newest calls": _RUNNING,
        "Agent": plain(call.agent_name or UNATTRIBUTED),
        "Time": duration(now - call.started_at),
        "Tokens": so_far,
        "Cost": "",
        "Task": _task(call.task_name),
        "Model": plain(call.request_model),
    }


def _ended(call: LlmCall) -> dict[str, str]:
    total = None if call.usage is None else call.usage.total_tokens
    used = token_total(total, estimated=call.usage_state is UsageState.ESTIMATED)
    return {
        "Newest calls": _ENDED[call.status],
        "Agent": plain(call.agent_name or UNATTRIBUTED),
        "Time": duration(call.duration),
        "Tokens": used if call.billed else "not billed",
        "Cost": plain(usd(call.cost.amount, call.cost.state)) if call.billed else "",
        "Task": _task(call.task_name),
        "Model": plain(call.billed_model),
    }


def _task(name: str | None) -> str:
    return UNATTRIBUTED if name is None else plain(spoken(name))
