"""First render of the empty dashboard against a bare Streamlit page with as many elements of each kind."""

from statistics import median

import pytest
from browser import chromium, settled, streamlit
from streamlit.testing.v1 import AppTest

from tracking.settings import REPOSITORY

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

ROUNDS = 9
MOST = 1.5
# How a bare page draws one of each kind that our page draws, as counted on our page itself.
KINDS = {
    "text_input": "st.text_input(name, key=name)",
    "number_input": "st.number_input(name, key=name)",
    "selectbox": 'st.selectbox(name, ["a", "b", "c"], key=name)',
    "multiselect": 'st.multiselect(name, ["a", "b", "c"], ["a"], key=name)',
    "toggle": "st.toggle(name, key=name)",
    "checkbox": "st.checkbox(name, key=name)",
    "button": "st.button(name, key=name)",
    "file_uploader": "st.file_uploader(name, key=name)",
    "dataframe": 'st.dataframe({"a": [1, 2, 3]})',
    "markdown": "st.markdown(name)",
    "caption": "st.caption(name)",
    "code": "st.code(name)",
    "json": 'st.json({"a": 1})',
}


def bare_page():
    """A page of as many elements of each kind as ours, in one column of a tab, with nothing behind them."""
    app = AppTest.from_file(str(REPOSITORY / "dashboard.py"), default_timeout=60).run()
    lines = [
        "import streamlit as st",
        "st.set_page_config(layout='wide')",
        "st.title('Marketing Research Swarm')",
    ]
    lines.append("one, two, three = st.tabs(['One', 'Two', 'Three'])")
    counts = {kind: len(app.get(kind)) for kind in KINDS}
    lines.append("with one:")
    lines.extend(
        f"    name = '{kind} {number}'; {KINDS[kind]}"
        for kind, count in counts.items()
        for number in range(count)
    )
    return "\n".join(lines), counts


def render_seconds(page, url):
    """From asking for the page until its title is drawn and nothing runs any more."""
    page.goto("about:blank")
    started = page.evaluate("performance.timeOrigin + performance.now()")
    page.goto(url, wait_until="commit")
    page.get_by_role("heading", name="Marketing Research Swarm").wait_for()
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stStatusWidget\"]')")
    return (page.evaluate("performance.timeOrigin + performance.now()") - started) / 1000


def test_an_empty_page_renders_within_one_and_a_half_times_a_bare_one(tmp_path, home, capsys, monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")  # a worker that warms up would be measured too
    with chromium() as browser, streamlit(tmp_path / "ours.log") as (ours, _):
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(ours)
        page.get_by_text("Worker").first.wait_for()
        settled(page)
        script, counts = bare_page()
        bare_script = tmp_path / "bare.py"
        bare_script.write_text(script)
        (tmp_path / ".streamlit").symlink_to(REPOSITORY / ".streamlit")
        with streamlit(tmp_path / "bare.log", script=bare_script) as (bare, _):
            for url in (ours, bare):
                render_seconds(page, url)  # warm-up: caches and imports
            # In turn, so that both see the same machine.
            pairs = [(render_seconds(page, ours), render_seconds(page, bare)) for _ in range(ROUNDS)]
    ratio = median(a / b for a, b in pairs)
    with capsys.disabled():
        print(
            f"\n{counts}\nfirst render: ours {median(a for a, _ in pairs):.3f} s, "
            f"bare with as many elements {median(b for _, b in pairs):.3f} s, ratio {ratio:.2f}"
        )
    assert ratio <= MOST
