"""Totals, months and groups, with their arithmetic written out."""

from datetime import date

import pandas as pd
import pytest

from tracking.dataset.figures import (
    Group,
    MonthValue,
    best_and_worst,
    breakdown,
    full_months,
    monthly,
    ratio,
    totals,
)
from tracking.dataset.sales import load_sales

HEADER = "date,region,brand,category,units,revenue,cost"


def frame(*rows: str) -> pd.DataFrame:
    return load_sales("\n".join([HEADER, *rows]).encode(), name="sales.csv").frame


def month_ends(first: str, revenues: list[float], brand: str = "Aurel") -> list[str]:
    days = pd.date_range(first, periods=len(revenues), freq="ME")
    return [
        f"{day:%Y-%m-%d},North,{brand},Tea,1,{amount},0" for day, amount in zip(days, revenues, strict=True)
    ]


def months_of(table: pd.DataFrame) -> list[str]:
    return [f"{month:%Y-%m}" for month in table.index]


def test_months_are_summed_and_a_month_without_sales_is_zero():
    table = monthly(
        frame(
            "2025-01-05,North,Aurel,Tea,2,10.00,4.00",
            "2025-01-20,South,Brisa,Tea,3,20.00,5.00",
            "2025-03-01,North,Aurel,Tea,1,7.00,9.00",
        )
    )
    assert months_of(table) == ["2025-01", "2025-02", "2025-03"]
    assert table["revenue"].tolist() == [30.0, 0.0, 7.0]
    assert table["cost"].tolist() == [9.0, 0.0, 9.0]
    assert table["profit"].tolist() == [21.0, 0.0, -2.0]
    assert table["units"].tolist() == [5, 0, 1]


def daily(first: str, last: str, frequency: str = "D") -> pd.DataFrame:
    return frame(*(f"{day:%Y-%m-%d},N,A,T,1,1,0" for day in pd.date_range(first, last, freq=frequency)))


@pytest.mark.parametrize(
    ("first", "last", "frequency", "full"),
    [
        ("2025-01-01", "2025-03-31", "D", ["2025-01", "2025-02", "2025-03"]),
        ("2025-01-02", "2025-03-30", "D", ["2025-02"]),
        ("2025-01-10", "2025-02-20", "D", []),
        ("2025-05-01", "2025-05-30", "B", ["2025-05"]),  # a Friday: the next working day is in June
        ("2025-03-03", "2025-05-29", "B", ["2025-03", "2025-04"]),  # the 1st of March was a Saturday
        ("2025-03-03", "2025-06-23", "W-MON", ["2025-03", "2025-04", "2025-05"]),  # 30 June is missing
        ("2025-03-03", "2025-06-30", "W-MON", ["2025-03", "2025-04", "2025-05", "2025-06"]),
        ("2025-01-01", "2025-03-01", "MS", ["2025-01", "2025-02", "2025-03"]),
        ("2025-01-15", "2025-01-15", "D", ["2025-01"]),
    ],
)
def test_a_month_is_full_when_the_datas_own_rhythm_leaves_it(first, last, frequency, full):
    assert months_of(full_months(daily(first, last, frequency))) == full


def test_totals_of_a_short_file_have_no_years():
    sums = totals(frame("2025-01-31,North,Aurel,Tea,4,10.00,4.00", "2025-01-31,North,Aurel,Tea,1,2.50,1.00"))
    assert (sums.revenue, sums.profit, sums.units) == (12.5, 7.5, 5.0)
    assert sums.margin == 0.6  # 7.5 / 12.5
    assert sums.price == 2.5  # 12.5 / 5
    assert sums.full_months == 1
    assert (sums.year_revenue, sums.year_profit, sums.year_margin, sums.growth) == (None, None, None, None)


def test_the_last_twelve_months_are_compared_with_the_twelve_before():
    sums = totals(frame(*month_ends("2023-01-31", [999.0, *[100.0] * 12, *[110.0] * 12])))
    assert sums.full_months == 25
    assert sums.year_revenue == 1320.0  # 12 x 110
    assert sums.growth == pytest.approx(0.1)  # 1320 / 1200 - 1


def test_twelve_months_have_a_year_but_no_growth():
    sums = totals(frame(*month_ends("2024-01-31", [100.0] * 12)))
    assert (sums.year_revenue, sums.year_margin, sums.growth) == (1200.0, 1.0, None)


def test_nothing_sold_has_no_ratios():
    sums = totals(frame("2025-01-31,North,Aurel,Tea,0,0,0"))
    assert (sums.margin, sums.price) == (None, None)


@pytest.mark.parametrize("whole", [0.0, -5.0, 1e-12])
def test_a_share_of_nothing_is_none(whole):
    assert ratio(1.0, whole) is None


def test_groups_are_ordered_by_revenue_and_know_their_share_and_margin():
    groups = breakdown(
        frame(
            "2025-01-31,North,Aurel,Tea,1,30.00,15.00",
            "2025-01-31,North,Brisa,Tea,2,50.00,40.00",
            "2025-02-28,South,Brisa,Tea,3,20.00,16.00",
        ),
        "brand",
    )
    assert groups == (
        Group("Brisa", 70.0, 14.0, 5.0, share=0.7, margin=0.2, growth=None),
        Group("Aurel", 30.0, 15.0, 1.0, share=0.3, margin=0.5, growth=None),
    )


def test_a_group_grows_over_the_months_of_the_whole_data():
    rows = [
        *month_ends("2023-01-31", [100.0] * 24),
        *month_ends("2023-01-31", [10.0] * 12 + [5.0] * 6, brand="Brisa"),  # nothing in the last half-year
        *month_ends("2024-12-31", [1.0], brand="Cosmo"),  # nothing in the year before
    ]
    growth = {group.name: group.growth for group in breakdown(frame(*rows), "brand")}
    assert growth == {"Aurel": 0.0, "Brisa": -0.75, "Cosmo": None}  # 30 / 120 - 1


def test_a_group_without_revenue_has_no_margin():
    groups = breakdown(frame("2025-01-31,North,Aurel,Tea,0,0,1", "2025-01-31,North,Brisa,Tea,1,1,0"), "brand")
    assert [(group.name, group.share, group.margin) for group in groups] == [
        ("Brisa", 1.0, 1.0),
        ("Aurel", 0.0, None),
    ]


def test_the_best_and_the_worst_month():
    assert best_and_worst(frame(*month_ends("2025-01-31", [5.0, 9.0, 3.0]))) == (
        MonthValue(date(2025, 2, 1), 9.0),
        MonthValue(date(2025, 3, 1), 3.0),
    )


def test_one_month_is_neither_best_nor_worst():
    assert best_and_worst(frame(*month_ends("2025-01-31", [5.0]))) is None
