"""The charts and the calls of a run that goes on: heavier than its counters, so drawn less often."""

from typing import Final

import streamlit as st

from tracking.domain.run import RunState
from tracking.ui import state
from tracking.ui.calls import calls_section
from tracking.ui.live.charts import Picture, charts_section, limits_of
from tracking.ui.live.garbage import spare_what_stays
from tracking.ui.live.watching import watch

_EVERY: Final = 4.0  # seconds


@st.fragment(run_every=_EVERY)
def live_charts(run_id: str) -> None:
    """Nothing while the run waits, or when it has ended: the page is about to be made anew then."""
    found = watch(run_id).now(state.now())
    if found is None or found.account.state is not RunState.RUNNING:
        return
    seen = found.seen
    charts_section(
        Picture(seen.run, seen.tasks, seen.calls, seen.under_way, limits_of(seen.run), state.now())
    )
    with st.expander("All calls", key="live_calls", on_change="rerun") as shown:
        if shown.open:
            calls_section(seen.calls, st.context.timezone)
    spare_what_stays()
