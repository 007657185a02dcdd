"""What a model wrote appears as it wrote it: only a browser knows what Streamlit makes of a text."""

import dataclasses

from browser import settled, streamlit
from run_support import agreeing, keep, outputs, run, tasks, three_calls

from tracking.domain.run import RunState

WRITTEN = (
    "All :red[bad] news, a :green-badge[sure] thing, :small[or not], Status:small print.",
    ':color[loud]{background="#ff0"} and :rainbow-background[louder], at 12:30[a].',
    "A :fire: under :material/warning: and :streamlit: with :+1: for https://example.com/a:b here.",
    "First -> second, 3 >= 2, <script>alert(1)</script> for $5 or $6.",
)


def test_a_models_text_appears_as_it_was_written(page, tmp_path):
    calls, text = three_calls(), "\n\n".join(WRITTEN)
    texts = [dataclasses.replace(output, text=text, figures="") for output in outputs()]
    keep(run(metrics=agreeing(calls)), calls, tasks(*[RunState.COMPLETED] * 3), texts)
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(f"{url}/runs?run=run")
        page.get_by_text("First").first.wait_for()
        settled(page)
        report = page.get_by_test_id("stMarkdownContainer").filter(has_text="First").first
        shown = [line.strip() for line in report.inner_text().split("\n") if line.strip()]
        assert [line.replace("\N{WORD JOINER}", "") for line in shown] == list(WRITTEN)
        assert report.locator("[class*=stMarkdown][style], [role=img], img, script").count() == 0
