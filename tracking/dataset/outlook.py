"""Seasonality, a textbook forecast, and how demand answers to price."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tracking.dataset.figures import MonthValue, full_months, year_growth
from tracking.dataset.once import once_per_frame

MOST_PERIODS: Final = 60
_YEAR: Final = 12
_LEAST_OBSERVATIONS: Final = 24
_LARGEST_ERROR: Final = 0.5  # of a slope that is still worth stating
_SWEEPS: Final = 20  # of demeaning, at most: one is exact for a panel without gaps


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected revenue of the months after the last full one."""

    method: str
    months: tuple[MonthValue, ...]
    growth: float | None  # the yearly growth it assumes; None: the last year is repeated
    backtest_error: float | None  # sum of |error| / sum of revenue, over the last 12 months held out

    @property
    def total(self) -> float:
        return sum(month.revenue for month in self.months)


@dataclass(frozen=True, slots=True)
class Elasticity:
    category: str
    slope: float | None  # % change of units for +1 % of price; None: the data can't tell
    standard_error: float | None
    observations: int  # rows with a price and units above 0


@once_per_frame
def seasonality(frame: pd.DataFrame) -> tuple[float | None, ...]:
    """Index of revenue per calendar month, January to December; 1.1 is 10 % above the yearly mean.

    Classical multiplicative decomposition: ratio to the centred 2x12 moving average, averaged per
    calendar month and scaled to a mean of 1 (Hyndman & Athanasopoulos, Forecasting: Principles and
    Practice, 3rd ed., section 3.4). All None with fewer than 24 full months or revenue not positive.
    """
    revenue = full_months(frame)["revenue"]
    if len(revenue) < 2 * _YEAR:
        return (None,) * _YEAR
    weights = np.array([0.5, *[1.0] * (_YEAR - 1), 0.5]) / _YEAR
    values = revenue.to_numpy(dtype=np.float64)
    trend = np.convolve(values, weights, mode="valid")
    if bool(np.any(trend <= 0)):
        return (None,) * _YEAR
    half = _YEAR // 2
    calendar = pd.DatetimeIndex(revenue.index).month.to_numpy()[half:-half] - 1
    index = np.bincount(calendar, weights=values[half:-half] / trend) / np.bincount(calendar)
    mean = float(index.mean())
    return tuple(float(value) / mean for value in index) if mean > 0 else (None,) * _YEAR


@once_per_frame
def forecast(frame: pd.DataFrame, periods: int) -> Forecast | None:
    """Revenue of the next `periods` months; None with fewer than 12 full months.

    Seasonal naive (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section
    5.2): each month repeats the same month of the last year, here times the growth of the last 12
    full months on the 12 before, once per year ahead. Without 24 full months, or when revenue fell by
    more than 75 % or more than quadrupled, the last year is repeated as it is.

    Raises:
        ValueError: when `periods` isn't 1 to 60.
    """
    if not 1 <= periods <= MOST_PERIODS:
        raise ValueError(f"periods ({periods}) must be 1 to {MOST_PERIODS}")
    revenue = full_months(frame)["revenue"]
    if len(revenue) < _YEAR:
        return None
    growth = _credible(year_growth(revenue))
    values = _seasonal_naive(revenue.to_numpy(dtype=np.float64), periods, growth)
    months = pd.date_range(revenue.index[-1], periods=periods + 1, freq="MS")[1:]
    return Forecast(
        method="seasonal naive" if growth is None else "seasonal naive with yearly growth",
        months=tuple(MonthValue(day.date(), float(value)) for day, value in zip(months, values, strict=True)),
        growth=growth,
        backtest_error=_backtest_error(revenue),
    )


def _seasonal_naive(
    revenue: npt.NDArray[np.floating], periods: int, growth: float | None
) -> npt.NDArray[np.float64]:
    steps = np.arange(periods)
    factor = 1.0 if growth is None else 1.0 + growth
    return np.asarray(revenue[-_YEAR:][steps % _YEAR] * factor ** (steps // _YEAR + 1), dtype=np.float64)


def _credible(growth: float | None) -> float | None:
    """A business that began or ended within the two years has a ratio, but no growth to continue."""
    return growth if growth is not None and -0.75 <= growth <= 3 else None


def _backtest_error(revenue: "pd.Series[float]") -> float | None:
    """How far the same method, 12 months ago and without knowing them, was from the last 12 months."""
    if len(revenue) < 3 * _YEAR:
        return None
    values = revenue.to_numpy(dtype=np.float64)
    known, actual = values[:-_YEAR], values[-_YEAR:]
    expected = _seasonal_naive(known, _YEAR, _credible(year_growth(revenue.iloc[:-_YEAR])))
    whole = float(np.abs(actual).sum())
    return float(np.abs(actual - expected).sum()) / whole if whole > 0 else None


@once_per_frame
def elasticity(frame: pd.DataFrame) -> tuple[Elasticity, ...]:
    """The price elasticity of each category, by name.

    The slope of log units on log price within a product: what a brand in a store always sells
    (cell means) and what a month sells everywhere (month means) is taken out first, so that neither
    dear brands nor seasons nor inflation pass for the effect of a price. (Two-way fixed effects:
    Wooldridge, Econometric Analysis of Cross Section and Panel Data, 2nd ed., chapter 10.)
    """
    sold = frame[(frame["units"] > 0) & (frame["price"] > 0)]
    known = {str(name): _slope(rows) for name, rows in sold.groupby("category", observed=True)}
    names = sorted(str(name) for name in frame["category"].unique())
    return tuple(known.get(name, Elasticity(name, None, None, 0)) for name in names)


def _slope(rows: pd.DataFrame) -> Elasticity:
    name, count = str(rows["category"].iloc[0]), len(rows)
    cells = (
        rows.groupby(["brand", "region", "country", "store"], observed=True).ngroup().to_numpy(dtype=np.int64)
    )
    months = rows["date"].to_numpy().astype("datetime64[M]").astype(np.int64)
    months = months - months.min()
    freedom = count - len(np.unique(cells)) - len(np.unique(months))
    if count < _LEAST_OBSERVATIONS or freedom < 1:
        return Elasticity(name, None, None, count)
    price = _within(np.log(rows["price"].to_numpy(dtype=np.float64)), cells, months)
    units = _within(np.log(rows["units"].to_numpy(dtype=np.float64)), cells, months)
    spread = float(price @ price)
    if spread < 1e-6 * count:  # prices vary by less than 0.1 %
        return Elasticity(name, None, None, count)
    slope = float(price @ units) / spread
    residual = units - slope * price
    error = sqrt(float(residual @ residual) / freedom / spread)
    if error > _LARGEST_ERROR:
        return Elasticity(name, None, None, count)
    return Elasticity(name, slope, error, count)


def _within(
    values: npt.NDArray[np.float64], cells: npt.NDArray[np.integer], months: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    left = values
    for _ in range(_SWEEPS):
        before = left
        for groups in (cells, months):
            means = np.bincount(groups, weights=left) / np.maximum(np.bincount(groups), 1)
            left = left - means[groups]
        if bool(np.allclose(left, before, rtol=0, atol=1e-9)):
            break
    return left
