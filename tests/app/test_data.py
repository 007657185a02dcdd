"""The data section: the sample, an upload that can be used, and one that can't."""

from pathlib import Path

import pytest
from app.preview import prompts_shown, spec_shown, text_shown
from streamlit.testing.v1 import AppTest

GOOD = b"""date,region,brand,category,units,revenue,cost
2024-01-31,Nordics,Aster,Tea,10,100.00,60.00
2024-02-29,Baltics,Aster,Juice,12,120.00,70.00
"""
BAD = GOOD + b"2024-03-31,Nordics,Aster,Tea,many,100.00,60.00\n"
ANALYZE, RUNS = "tracking/ui/pages/analyze.py", "tracking/ui/pages/runs.py"


def upload(at: AppTest, name: str, content: bytes) -> AppTest:
    return at.file_uploader[0].set_value((name, content, "text/csv")).run()


def test_the_sample_is_used_by_default(page):
    at = page()
    assert "**beverage_sales.csv** (sample) · 15,000 rows · 2022-06 → 2025-06" in text_shown(at)
    assert spec_shown(at)["dataset"] == {"name": "beverage_sales.csv", "sha256": None}


def test_an_upload_is_used_kept_and_offers_its_own_names(page, dashboard_home):
    at = upload(page(), "north.csv", GOOD)
    assert not at.exception
    assert "**north.csv** · 2 rows · 2024-01 → 2024-02" in text_shown(at)
    assert sorted(at.multiselect(key="form.market.regions").options) == ["Baltics", "Nordics"]
    dataset = spec_shown(at)["dataset"]
    assert dataset["name"] == "north.csv"
    assert (dashboard_home / "uploads" / f"{dataset['sha256']}.csv").read_bytes() == GOOD


def test_the_expected_revenue_is_in_the_datas_own_currency(page):
    at = page()
    at.selectbox(key="form.preset").set_value("forecast").run()
    field = "form.market.expected_revenue"
    assert at.number_input(key=field).label == r"Expected revenue (\$)"
    upload(at, "north.csv", GOOD.replace(b"100.00", "€100.00".encode()))
    at.number_input(key=field).set_value(5_000).run()
    assert at.number_input(key=field).label == "Expected revenue (€)"
    assert "Expected revenue: €5,000" in prompts_shown(at)


def test_a_selection_that_the_new_data_lacks_is_dropped(page):
    at = page()
    at.multiselect(key="form.market.regions").set_value(["Europe"]).run()
    upload(at, "north.csv", GOOD)
    assert spec_shown(at)["market"]["regions"] == []


def test_metrics_that_the_data_cannot_answer_for_are_not_offered(page):
    at = upload(page(), "north.csv", GOOD)  # one brand, two months
    offered = at.multiselect(key="form.market.key_metrics").options
    assert "Revenue share" not in offered
    assert "Growth" not in offered


def test_an_upload_survives_a_visit_to_another_page(page):
    at = upload(page(), "north.csv", GOOD)
    at.switch_page(RUNS).run()
    at.switch_page(ANALYZE).run()
    at.run()
    assert "**north.csv** · 2 rows" in text_shown(at)


def test_a_bad_upload_names_row_and_column_and_blocks_the_run(page):
    at = upload(page(), "north.csv", BAD)
    assert not at.exception
    assert any("row 4, column 'units': found 'many'" in error.value for error in at.error)
    assert at.button(key="execute.run").disabled


@pytest.mark.parametrize("content", [GOOD, BAD])
def test_the_way_back_to_the_sample_is_one_click(page, content):
    at = upload(page(), "north.csv", content)
    next(button for button in at.button if button.label == "Use the sample instead").click().run()
    assert spec_shown(at)["dataset"]["sha256"] is None
    assert not at.button(key="execute.run").disabled
    at.run()
    assert spec_shown(at)["dataset"]["sha256"] is None


def test_an_upload_that_is_gone_is_said_to_be_gone(page, dashboard_home: Path):
    at = upload(page(), "north.csv", GOOD)
    for file in (dashboard_home / "uploads").iterdir():
        file.unlink()
    at.run()
    assert any("no longer kept" in error.value for error in at.error)
