"""Seasonality, forecast and elasticity on data whose answer is known."""

from datetime import date

import pandas as pd
import pytest

from tracking.dataset.figures import MonthValue
from tracking.dataset.outlook import Elasticity, elasticity, forecast, seasonality
from tracking.dataset.sales import load_sales


def months(first: str, revenues: list[float]) -> pd.DataFrame:
    days = pd.date_range(first, periods=len(revenues), freq="ME")
    rows = [
        f"{day:%Y-%m-%d},North,Aurel,Tea,1,{amount},0" for day, amount in zip(days, revenues, strict=True)
    ]
    text = "\n".join(["date,region,brand,category,units,revenue,cost", *rows])
    return load_sales(text.encode(), name="sales.csv").frame


NONE = (None,) * 12


def test_the_index_of_a_repeated_year_is_each_month_over_the_mean():
    year = [60.0, 60.0, *[100.0] * 8, 140.0, 140.0]  # mean 100
    assert seasonality(months("2023-01-31", year * 2)) == pytest.approx([amount / 100 for amount in year])


def test_the_index_begins_in_january_whenever_the_data_begins():
    year = [100.0] * 11 + [160.0]  # July to June, mean 105
    index = seasonality(months("2022-07-31", year * 3))
    assert index[5] == pytest.approx(160 / 105)
    assert index[6] == pytest.approx(100 / 105)


@pytest.mark.parametrize("revenues", [[100.0], [100.0] * 23, [0.0] * 24])
def test_less_than_two_years_or_no_revenue_has_no_seasonality(revenues):
    assert seasonality(months("2023-01-31", revenues)) == NONE


def test_the_forecast_is_last_years_month_times_the_growth():
    outlook = forecast(months("2023-01-31", [100.0] * 12 + [110.0] * 11 + [220.0]), 13)
    assert outlook is not None
    assert outlook.method == "seasonal naive with yearly growth"
    assert outlook.growth == pytest.approx(
        0.1916667, abs=1e-6
    )  # (11 x 110 + 220) / 1200 - 1 = 1430 / 1200 - 1
    assert [month.month for month in outlook.months[:2]] == [date(2025, 1, 1), date(2025, 2, 1)]
    assert outlook.months[0].revenue == pytest.approx(131.083333)  # 110 x 1430 / 1200
    assert outlook.months[11].revenue == pytest.approx(262.166667)  # 220 x 1430 / 1200
    assert outlook.months[12].revenue == pytest.approx(156.207639)  # 110 x (1430 / 1200)^2
    assert outlook.backtest_error is None  # needs three years


def test_one_year_is_repeated_as_it_is():
    outlook = forecast(months("2024-01-31", [float(amount) for amount in range(1, 13)]), 2)
    assert outlook is not None
    assert (outlook.method, outlook.growth) == ("seasonal naive", None)
    assert outlook.months == (MonthValue(date(2025, 1, 1), 1.0), MonthValue(date(2025, 2, 1), 2.0))
    assert outlook.total == 3.0


def test_growth_that_is_no_growth_isnt_continued():
    outlook = forecast(months("2023-01-31", [1.0] * 12 + [100.0] * 12), 1)
    assert outlook is not None
    assert (outlook.growth, outlook.total) == (None, 100.0)


def test_the_method_is_tested_on_the_year_it_doesnt_know():
    # Known: 100s then 110s, so the third year is expected at 121 a month; it came to 110.
    outlook = forecast(months("2022-01-31", [100.0] * 12 + [110.0] * 24), 1)
    assert outlook is not None
    assert outlook.backtest_error == pytest.approx(0.1)  # 11 / 110


@pytest.mark.parametrize("revenues", [[100.0], [100.0] * 11])
def test_less_than_a_year_has_no_forecast(revenues):
    assert forecast(months("2024-01-31", revenues), 6) is None


@pytest.mark.parametrize("periods", [0, -1, 61])
def test_the_horizon_has_bounds(periods):
    with pytest.raises(ValueError, match=rf"periods \({periods}\) must be 1 to 60"):
        forecast(months("2024-01-31", [100.0] * 12), periods)


def priced(slope: float, prices: list[float], first: str = "2023-01-31") -> pd.DataFrame:
    """Two brands in one store with their own level, a month effect on both, and prices that move apart."""
    days = pd.date_range(first, periods=len(prices), freq="ME")
    rows = []
    for number, (day, price) in enumerate(zip(days, prices, strict=True)):
        for brand, level, own in (("Aurel", 1e6, price), ("Brisa", 3e6, 4 * prices[-1 - number])):
            units = round(level * (1 + number / 10) * own**slope)
            rows.append(f"{day:%Y-%m-%d},North,{brand},Tea,{units},{own},1,0")
    text = "\n".join(["date,region,brand,category,units,price,revenue,cost", *rows])
    return load_sales(text.encode(), name="sales.csv").frame


def test_the_slope_is_found_under_levels_and_months():
    prices = [2.0, 2.0, 1.5, 2.0, 1.8, 2.0, 2.2, 1.6, 2.0, 1.9, 2.0, 1.7]
    (found,) = elasticity(priced(-1.5, prices))
    assert (found.category, found.observations) == ("Tea", 24)
    assert found.slope == pytest.approx(-1.5, abs=1e-4)
    assert found.standard_error == pytest.approx(0, abs=1e-4)


def test_constant_prices_have_no_elasticity():
    assert elasticity(priced(-1.5, [2.0] * 12)) == (Elasticity("Tea", None, None, 24),)


def test_too_few_rows_have_no_elasticity():
    assert elasticity(priced(-1.5, [2.0, 1.5, 1.8])) == (Elasticity("Tea", None, None, 6),)


def test_nothing_sold_has_no_elasticity():
    assert elasticity(months("2025-01-31", [0.0])) == (Elasticity("Tea", None, None, 0),)
