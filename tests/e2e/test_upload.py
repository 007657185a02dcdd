"""A person's own file through the real uploader, which takes a file out before it hands over the next one."""

from browser import settled, streamlit

SALES = """date,region,brand,category,units,revenue,cost
2024-01-31,Nordics,Aster,Tea,10,100.00,60.00
2024-02-29,Baltics,Aster,Juice,12,120.00,70.00
"""


def test_a_file_that_is_replaced_gives_way_to_the_next_one(page, tmp_path):
    with streamlit(tmp_path / "dashboard.log", DASHBOARD_WORKER_MANAGED="true") as (url, _):
        page.goto(url)
        for name in ("first.csv", "second.csv", "third.csv"):
            (tmp_path / name).write_text(SALES)
            settled(page)
            page.get_by_label("Use my own sales data").locator("input").set_input_files(tmp_path / name)
            page.get_by_test_id("stMarkdown").filter(has_text=f"{name} · 2 rows").wait_for()
        settled(page)
        page.get_by_role("button", name="Use the sample instead").click()
        page.get_by_test_id("stMarkdown").filter(has_text="(sample) · 15,000 rows").wait_for()
