"""What a page costs that watches a run, against a bare page with as many elements that is drawn as often."""

import time

import pytest
from browser import chromium, settled, streamlit
from live_runs import NOTE_CHANGES, cpu_seconds, delays, going

from tracking import Ledger
from tracking.settings import REPOSITORY, Settings

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

SECONDS = 30
MOST = 2.0
MOST_TO_SCREEN = 1.5
# What the fragment of a second draws of a run with three tasks, and the one of four seconds with one chart.
BARE = """
import streamlit as st
import plotly.graph_objects as go
st.set_page_config(layout="wide")

@st.fragment(run_every=1.0)
def watched():
    ticks = st.session_state.setdefault("ticks", [0])
    ticks[0] += 1
    with st.container(horizontal=True):
        st.subheader(f"Running {ticks[0]}")
        st.button("Stop")
        st.button("Stop after this task")
    with st.container(horizontal=True):
        for number in range(5):
            with st.container(border=True):
                st.metric(f"Figure {number}", f"{ticks[0]:,}", width="content")
                st.caption("what stands beside it", width="content")
    st.caption("how fast it goes, and where that leads")
    st.progress(0.3, text="1 of 3 tasks done")
    st.table([{"": "running", "Task": n, "Agent": "A", "Time": ticks[0], "Tokens": n} for n in range(3)])
    names = ("Newest calls", "Agent", "Time", "Tokens", "Cost", "Task", "Model")
    st.table([{name: f"{n + ticks[0]}" for name in names} for n in range(7)])
    st.caption("earlier calls are in the table below")

@st.fragment(run_every=4.0)
def drawn():
    st.segmented_control("Chart", ["one", "two", "three", "four"], default="one")
    st.segmented_control("Colour", ["one", "two"], default="one")
    marks = list(range(300))
    figure = go.Figure()
    hover = [f"call {n}" for n in marks]
    figure.add_bar(orientation="h", base=marks, x=[1] * 300, y=[0] * 300, customdata=hover)
    st.plotly_chart(figure, key="chart")
    st.caption("a note")
    st.expander("Data behind this chart")
    st.expander("All calls")

watched()
drawn()
"""


def test_watching_a_run_costs_at_most_twice_a_bare_page_that_draws_as_much(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")
    bare_script = tmp_path / "bare.py"
    bare_script.write_text(BARE)
    (tmp_path / ".streamlit").symlink_to(REPOSITORY / ".streamlit")
    with (
        Ledger.open(Settings().ledger_url) as ledger,
        going(ledger, "run", already=300) as run,
        chromium() as browser,
        streamlit(tmp_path / "ours.log") as (ours, our_process),
        streamlit(tmp_path / "bare.log", script=bare_script) as (bare, bare_process),
    ):
        page = shown(browser, f"{ours}/runs?run=run", "Colour by model")
        page.evaluate(NOTE_CHANGES, "Calls")
        shown(browser, bare, "Stop after this task")
        # At the same time, so that both see the same machine.
        before = [cpu_seconds(process.pid) for process in (our_process, bare_process)]
        time.sleep(SECONDS)
        after = [cpu_seconds(process.pid) for process in (our_process, bare_process)]
        late = sorted(delays(page.evaluate("changes"), run))
    ours_share, bare_share = ((b - a) / SECONDS for a, b in zip(before, after, strict=True))
    with capsys.disabled():
        print(
            f"\nwatching a run of 300 calls and more: {100 * ours_share:.1f} % of a core, bare page "
            f"{100 * bare_share:.1f} %, ratio {ours_share / bare_share:.2f}; from a call's end to the "
            f"screen: median {late[len(late) // 2]:.2f} s, longest {late[-1]:.2f} s of {len(late)}"
        )
    assert ours_share <= MOST * bare_share
    assert late[len(late) // 2] <= MOST_TO_SCREEN


def shown(browser, url, text):
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(180_000)
    page.goto(url, wait_until="commit")
    page.get_by_text(text).first.wait_for()
    settled(page)
    page.wait_for_timeout(3000)  # what is imported and kept the first time
    return page
