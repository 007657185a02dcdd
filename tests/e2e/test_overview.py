"""Overview, Health and Runs in a browser, over some hundred calls, and how they look with none."""

import re

from browser import keep_screenshots, settled, streamlit
from history_support import keep_weeks


def test_what_was_spent_is_told_period_by_period_and_leads_to_its_runs(page, browser, tmp_path):
    keep_weeks(480)
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(f"{url}/overview")
        page.get_by_role("heading", name=re.compile(r"^\$[\d.]+ in 30 days, \d+ % of it by ")).wait_for()
        page.get_by_text("than in the 30 days before").wait_for()
        settled(page)
        cut = "els => els.filter(el => el.scrollWidth > el.clientWidth + 1).map(el => el.textContent)"
        assert page.locator('[data-testid="stMetricValue"]').evaluate_all(cut) == []
        assert page.locator(".js-plotly-plot .barlayer .trace").count() == 7  # six models and the others
        page.get_by_role("radio", name="7 days").or_(page.get_by_role("button", name="7 days")).first.click()
        page.get_by_role("heading", name=re.compile("in 7 days")).wait_for()
        assert "period=7+days" in page.url
        page.get_by_text("Dearest runs").wait_for()
        settled(page)
        table = page.get_by_test_id("stDataFrame").nth(1)
        table.scroll_into_view_if_needed()
        settled(page)
        box = table.bounding_box()
        page.mouse.click(box["x"] + 90, box["y"] + 35 * 1.5)
        page.wait_for_url(re.compile(r"/runs\?run=run\d+"))
        page.get_by_role("heading", name=re.compile("^Done in")).wait_for()
        page.goto(f"{url}/overview")
        page.get_by_text("Data behind this chart").click()
        page.get_by_test_id("stDataFrame").nth(3).wait_for()
        keep_screenshots(browser, f"{url}/overview", "overview")
        keep_screenshots(browser, f"{url}/runs", "runs")


def test_the_ledger_says_how_it_is_and_compares_itself(page, browser, tmp_path):
    keep_weeks(300)
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(url)
        page.get_by_text(re.compile("^SQLite, 50 runs")).click()
        page.get_by_text("Its health").click()
        page.get_by_role("heading", name="The ledger is sound: 300 calls").wait_for()
        page.get_by_text("all calls add up to the same").wait_for()
        page.get_by_role("button", name="Compare every month with its calls").click()
        page.get_by_role("heading", name="The ledger is sound: 300 calls").wait_for()
        settled(page)
        keep_screenshots(browser, f"{url}/health", "health")


def test_with_nothing_to_tell_each_page_says_what_to_do(page, browser, tmp_path):
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(f"{url}/overview")
        page.get_by_role("heading", name="Nothing has been spent yet").wait_for()
        page.goto(f"{url}/health")
        page.get_by_role("heading", name="The ledger is sound, and has no call yet").wait_for()
        keep_screenshots(browser, f"{url}/overview", "overview-empty")
        keep_screenshots(browser, f"{url}/health", "health-empty")
