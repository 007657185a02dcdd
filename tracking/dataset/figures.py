"""Totals, months and groups of a sales frame: what the briefing states and the charts draw.

Figures that the data can't support (no year to compare with, nothing to divide by) are None.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import pandas as pd

from tracking.dataset.once import once_per_frame

Dimension = Literal["region", "country", "store", "brand", "category"]
MONEY_AND_UNITS: Final = ["revenue", "cost", "profit", "units"]
_YEAR: Final = 12
_CENT: Final = 0.005  # less is a rounding error: groups that cancel out leave one
_MONTHLY: Final = 28  # days between dates from which on a row stands for a whole month


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all rows; the years are the last 12 full months and the 12 before them."""

    revenue: float
    profit: float
    units: float
    margin: float | None  # profit / revenue
    price: float | None  # revenue per unit
    full_months: int
    year_revenue: float | None
    year_profit: float | None
    year_margin: float | None
    growth: float | None  # of revenue, 0.083 is +8.3 %


@dataclass(frozen=True, slots=True)
class Group:
    """One region, brand, … with sums over all rows."""

    name: str
    revenue: float
    profit: float
    units: float
    share: float | None  # of all revenue
    margin: float | None  # profit / revenue
    growth: float | None  # of revenue, last 12 full months on the 12 before


@dataclass(frozen=True, slots=True)
class MonthValue:
    month: date  # its first day
    revenue: float


def ratio(part: float, whole: float) -> float | None:
    """`part / whole`, or None where the whole is nothing and a share of it means nothing."""
    return part / whole if whole > _CENT else None


@once_per_frame
def monthly(frame: pd.DataFrame) -> pd.DataFrame:
    """Revenue, cost, profit and units per calendar month, indexed by its first day.

    Every month from the first to the last is there; one without rows has zeros.
    """
    months = _month_of(frame["date"])
    sums = frame.groupby(months)[MONEY_AND_UNITS].sum()
    every = pd.date_range(sums.index[0], sums.index[-1], freq="MS", name="month")
    return sums.reindex(every, fill_value=0)


@once_per_frame
def full_months(frame: pd.DataFrame) -> pd.DataFrame:
    """`monthly` without a first or last month that the data covers only in part.

    A month is complete when the next date that the data's rhythm asks for (a day, a week, a month
    on; weekdays never seen are passed over) falls outside it.
    """
    table = monthly(frame)
    days = pd.DatetimeIndex(frame["date"].drop_duplicates()).sort_values()
    step = int(pd.Series(days).diff().dt.days.median()) if len(days) > 1 else _MONTHLY
    if step >= _MONTHLY:
        return table
    before, after = _neighbour(days[0], -step, days), _neighbour(days[-1], step, days)
    if before.to_period("M") == days[0].to_period("M"):
        table = table.iloc[1:]
    if after.to_period("M") == days[-1].to_period("M"):
        table = table.iloc[:-1]
    return table


def _neighbour(day: pd.Timestamp, step: int, days: pd.DatetimeIndex) -> pd.Timestamp:
    near = day + pd.Timedelta(days=step)
    if abs(step) > 1:
        return near
    open_days = set(days.day_of_week)
    while near.day_of_week not in open_days:
        near += pd.Timedelta(days=step)
    return near


@once_per_frame
def totals(frame: pd.DataFrame) -> Totals:
    sums = frame[MONEY_AND_UNITS].sum()
    months = full_months(frame)
    year = months.tail(_YEAR).sum() if len(months) >= _YEAR else None
    revenue, profit, units = float(sums["revenue"]), float(sums["profit"]), float(sums["units"])
    return Totals(
        revenue=revenue,
        profit=profit,
        units=units,
        margin=ratio(profit, revenue),
        price=ratio(revenue, units),
        full_months=len(months),
        year_revenue=None if year is None else float(year["revenue"]),
        year_profit=None if year is None else float(year["profit"]),
        year_margin=None if year is None else ratio(float(year["profit"]), float(year["revenue"])),
        growth=year_growth(months["revenue"]),
    )


def year_growth(revenue: "pd.Series[float]") -> float | None:
    """Growth of the last 12 of `revenue`'s months on the 12 before; None with fewer than 24."""
    if len(revenue) < 2 * _YEAR:
        return None
    now = ratio(float(revenue.iloc[-_YEAR:].sum()), float(revenue.iloc[-2 * _YEAR : -_YEAR].sum()))
    return None if now is None else now - 1


@once_per_frame
def breakdown(frame: pd.DataFrame, by: Dimension) -> tuple[Group, ...]:
    """The groups of one column by revenue, largest first. Shares add up to 1 (or are all None)."""
    sums = frame.groupby(by, observed=True)[MONEY_AND_UNITS].sum()
    sums = sums.sort_index().sort_values("revenue", ascending=False, kind="stable")
    whole = float(frame["revenue"].sum())
    growth = _growth_by(frame, by)
    columns = (sums[name].to_numpy(dtype=np.float64).tolist() for name in ("revenue", "profit", "units"))
    return tuple(
        Group(
            name=str(name),
            revenue=revenue,
            profit=profit,
            units=units,
            share=ratio(revenue, whole),
            margin=ratio(profit, revenue),
            growth=growth.get(name),
        )
        for name, revenue, profit, units in zip(sums.index, *columns, strict=True)
    )


def _growth_by(frame: pd.DataFrame, by: Dimension) -> dict[Hashable, float | None]:
    months = full_months(frame).index
    if len(months) < 2 * _YEAR:
        return {}
    # The whole data's months count for every group: one that sold nothing for a while did shrink.
    table = frame.pivot_table(
        index=_month_of(frame["date"]), columns=by, values="revenue", aggfunc="sum", observed=True
    )
    table = table.reindex(months).fillna(0.0)
    return {name: year_growth(table[name]) for name in table.columns}


def best_and_worst(frame: pd.DataFrame) -> tuple[MonthValue, MonthValue] | None:
    """The full months with the highest and the lowest revenue; None with fewer than two."""
    revenue = full_months(frame)["revenue"]
    if len(revenue) < 2:
        return None
    values = revenue.to_numpy(dtype=np.float64)
    best, worst = int(values.argmax()), int(values.argmin())
    months = pd.DatetimeIndex(revenue.index)
    return (
        MonthValue(months[best].date(), float(values[best])),
        MonthValue(months[worst].date(), float(values[worst])),
    )


def _month_of(dates: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    first_days = dates.to_numpy().astype("datetime64[M]").astype("datetime64[us]")
    return pd.Series(first_days, index=dates.index, name="month")
