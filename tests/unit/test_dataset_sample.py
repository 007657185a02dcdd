"""The bundled sample: the committed file is the generated one, and its declared effects are in it."""

from pathlib import Path

import pytest

from tracking.dataset import sample
from tracking.dataset.figures import totals
from tracking.dataset.outlook import elasticity, forecast, seasonality
from tracking.dataset.sales import SalesData, load_sales

COMMITTED = Path(__file__).parents[2] / "config" / "data" / "beverage_sales.csv"


@pytest.fixture(scope="module")
def data() -> SalesData:
    return load_sales(COMMITTED, name="beverage_sales.csv")


@pytest.fixture(scope="module")
def established(data):
    """Without the product that has no history."""
    brand, category = sample.LAUNCH
    return data.frame[(data.frame["brand"] != brand) | (data.frame["category"] != category)]


def test_the_committed_file_is_what_the_script_makes(tmp_path):
    target = tmp_path / "sample.csv"
    assert sample.main([str(target)]) == 0
    assert target.read_bytes() == COMMITTED.read_bytes()


def test_the_script_asks_for_exactly_one_path(capsys):
    assert sample.main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_sample_is_recognised_by_its_hash(data):
    assert data.is_sample
    assert data.sha256 == sample.SAMPLE_SHA256


def test_its_size_is_what_the_pages_say(data):
    assert data.rows == 15_000  # 37 months x 15 stores x 27 products, and 15 rows of the launch
    assert (str(data.first_date), str(data.last_date)) == ("2022-06-30", "2025-06-30")
    assert COMMITTED.stat().st_size < 1_500_000
    names = {
        column: data.frame[column].nunique() for column in ("region", "country", "store", "brand", "category")
    }
    assert names == {"region": 4, "country": 13, "store": 15, "brand": 8, "category": 6}


def test_revenue_and_profit_are_exact_in_every_row():
    for line in COMMITTED.read_text(encoding="utf-8").splitlines()[1:]:
        units, *money = line.split(",")[6:]
        price, revenue, cost, profit = (int(amount.replace(".", "")) for amount in money)
        assert revenue == int(units) * price
        assert profit == revenue - cost


def test_every_seasonality_has_a_mean_of_one():
    for factors in sample.SEASONALITY.values():
        assert sum(factors) == 12


@pytest.mark.parametrize("category", sample.CATEGORIES)
def test_the_declared_seasonality_is_recovered(established, category):
    found = seasonality(established[established["category"] == category])
    declared = [float(factor) for factor in sample.SEASONALITY[category]]
    assert found == pytest.approx(declared, abs=0.035)


@pytest.mark.parametrize("category", sample.CATEGORIES)
def test_the_declared_elasticity_is_recovered(established, category):
    found = {fit.category: fit for fit in elasticity(established)}[category]
    assert found.slope == pytest.approx(float(sample.CATEGORIES[category].elasticity), abs=0.06)
    assert found.standard_error < 0.04


@pytest.mark.parametrize(
    ("column", "name"),
    [*(("region", name) for name in sample.REGIONS), *(("brand", name) for name in sample.BRANDS)],
)
def test_the_declared_growth_of_regions_and_brands_is_recovered(established, column, name):
    rows = established[established[column] == name]
    cells = ["region", "brand"]
    before = (
        rows[rows["date"].between("2023-07-01", "2024-06-30")].groupby(cells, observed=True)["units"].sum()
    )
    now = rows[rows["date"].between("2024-07-01", "2025-06-30")]["units"].sum()
    # What each brand sold in each region, times the growth declared for the two.
    expected = sum(
        units * float(sample.REGIONS[region].growth * sample.BRANDS[brand].growth)
        for (region, brand), units in before.items()
    )
    assert now / expected == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("region", sample.REGIONS)
def test_the_declared_size_of_a_region_is_recovered(established, region):
    first = established[established["date"] < "2022-10-01"].groupby("region", observed=True)["units"].sum()

    def declared(name: str) -> float:
        market = sample.REGIONS[name]
        return float(market.volume * sum(size for _, _, size in market.stores))

    expected = declared(region) / declared("North America")
    assert first[region] / first["North America"] == pytest.approx(expected, rel=0.05)


def test_prices_rise_every_january_by_the_declared_step(established):
    # Mean prices of the same products in the same stores, half a year each.
    after = established[established["date"].between("2024-01-01", "2024-12-31")]["price"].mean()
    before = established[established["date"].between("2023-01-01", "2023-12-31")]["price"].mean()
    assert after / before == pytest.approx(float(sample.PRICE_RISE), abs=0.005)


def test_the_forecast_method_is_within_one_percent_on_the_sample(data):
    outlook = forecast(data.frame, 6)
    assert outlook is not None
    assert outlook.backtest_error == pytest.approx(0.0095, abs=0.0005)
    assert totals(data.frame).growth == pytest.approx(0.0821, abs=0.0005)
