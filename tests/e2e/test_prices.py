"""The Models & prices page in a browser: rows that are touched, a price that is saved, and how it looks."""

from datetime import UTC, datetime, timedelta

from browser import keep_screenshots, settled, streamlit
from run_support import call, keep, run

from tracking import PriceBook
from tracking.settings import Settings

MODELS = (("openai", "gpt-5"), ("deepseek", "deepseek-chat"), ("openai_compatible", "tuned"))


def used():
    book, calls, now = PriceBook.load(), [], datetime.now(UTC)
    for number in range(6):
        provider, model = MODELS[number % 3]
        at = now - timedelta(days=number)
        one = call(number, provider_name=provider, request_model=model, started_at=at)
        calls.append(one.priced(book.price(model, one.usage, provider=provider, at=at)))
    keep(run(), calls)


def touch(page, row, column):
    """A cell of the first table, which is drawn on a canvas."""
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    page.mouse.click(box["x"] + column, box["y"] + 35 * (row + 1.5))
    settled(page)


def test_a_price_is_found_stated_and_taken_back(page, browser, tmp_path):
    used()
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(f"{url}/prices")
        page.get_by_role("heading", name="3 models seen").wait_for()
        settled(page)
        touch(page, row=0, column=150)
        page.get_by_role("heading", name="deepseek/deepseek-chat").or_(
            page.get_by_role("heading", name="openai_compatible/tuned")
        ).first.wait_for()
        assert "models=" in page.url
        page.goto(f"{url}/prices?models=openai_compatible/tuned")
        page.get_by_role("button", name="Add a price").click()
        for label, value in (("Input", "2"), ("Output", "8"), ("Source", "contract")):
            page.get_by_label(label, exact=True).fill(value)
            page.keyboard.press("Tab")
            settled(page)
        page.get_by_text("What the calls of its period would have cost").wait_for()
        page.get_by_role("button", name="Save this price").click()
        page.get_by_text("Saved: your price of openai_compatible/tuned").wait_for()
        assert "tuned" in Settings().own_prices.read_text("utf-8")
        keep_screenshots(browser, f"{url}/prices", "prices")
        keep_screenshots(browser, f"{url}/prices?models=openai/gpt-5", "prices-one")
        keep_screenshots(
            browser, f"{url}/prices?models=openai/gpt-5&models=deepseek/deepseek-chat", "prices-two"
        )
        page.get_by_role("button", name="Undo the last change").click()
        page.get_by_text("The file is as it was before").wait_for()
        assert Settings().own_prices.read_text("utf-8") == ""
