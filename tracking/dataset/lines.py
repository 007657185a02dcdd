"""Single figures in words: each function makes one line, or None when the data can't support it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from tracking.dataset.cells import excerpt
from tracking.dataset.figures import Dimension, Group, best_and_worst, breakdown, totals
from tracking.dataset.outlook import elasticity, forecast, seasonality
from tracking.dataset.sales import NOT_GIVEN, SalesData

_NAME_LENGTH: Final = 24
_TOP: Final = 3
_FORECAST_MONTHS: Final = 6  # listed one by one
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    value: str


Maker = Callable[[SalesData, int], Line | None]  # of the data and the months to forecast


def money(amount: float, currency: str) -> str:
    """Three significant digits: $4.21M, $812K, $9.50."""
    size, sign = abs(amount), "-" if amount <= -0.005 else ""
    for unit, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if size >= unit * 0.9995:
            scaled = size / unit
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{sign}{currency}{scaled:,.{digits}f}{suffix}"
    return f"{sign}{currency}{size:.2f}"


def percent(share: float, *, signed: bool = False) -> str:
    """`0.083` as "8.3 %", `0.236` as "24 %"; with `signed`, "+8.3 %"."""
    points = 100 * share
    digits = 1 if abs(points) < 9.95 else 0
    points = round(points, digits) + 0.0  # -0.04 % is shown as 0.0, not as -0.0
    return f"{points:{'+' if signed else ''},.{digits}f} %"


def month_name(month: date) -> str:
    return f"{_MONTHS[month.month - 1]} {month.year}"


def _month_in_list(month: date, first: date) -> str:
    """With its year only where one begins: tokens are dear in a small model's prompt."""
    return month_name(month) if month == first or month.month == 1 else _MONTHS[month.month - 1]


def span(data: SalesData) -> str:
    first, last = month_name(data.first_date), month_name(data.last_date)
    return first if first == last else f"{first} to {last}"


def scope(data: SalesData, _periods: int) -> Line:
    counts = (
        _counted(_names(data, "region"), "region"),
        _counted(_names(data, "brand"), "brand"),
        _counted(_names(data, "category"), "category", "categories"),
    )
    return Line("Data", f"{_counted(data.rows, 'row')}, {span(data)}, {', '.join(counts)}")


def _names(data: SalesData, by: Dimension) -> int:
    return len(set(data.frame[by].unique()) - {NOT_GIVEN})


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def revenue(data: SalesData, _periods: int) -> Line:
    sums = totals(data.frame)
    if sums.year_revenue is None:
        return Line("Revenue in total", f"{money(sums.revenue, data.currency)}, {span(data)}")
    value = money(sums.year_revenue, data.currency)
    if sums.growth is not None:
        value += f", {percent(sums.growth, signed=True)} on the year before"
    return Line("Revenue last 12 months", value)


def _profit(data: SalesData, _periods: int) -> Line:
    sums = totals(data.frame)
    if sums.year_profit is None:
        label, profit, margin = "Profit in total", sums.profit, sums.margin
    else:
        label, profit, margin = "Profit last 12 months", sums.year_profit, sums.year_margin
    share = "" if margin is None else f", {percent(margin)} of revenue"
    return Line(label, f"{money(profit, data.currency)}{share}")


def _price(data: SalesData, _periods: int) -> Line | None:
    price = totals(data.frame).price
    return None if price is None else Line("Average price per unit", money(price, data.currency))


def _shares(by: Dimension, plural: str) -> Maker:
    def make(data: SalesData, _periods: int) -> Line | None:
        shared = [(group.name, group.share) for group in _named(data, by) if group.share is not None]
        listed = ", ".join(f"{_short(name)} {percent(share)}" for name, share in shared[:_TOP])
        return Line(f"Top {plural} by revenue", listed) if listed else None

    return make


def _growth(by: Dimension, plural: str) -> Maker:
    def make(data: SalesData, _periods: int) -> Line | None:
        grown = _grown(_named(data, by))
        listed = ", ".join(f"{_short(name)} {percent(growth, signed=True)}" for name, growth in grown[:_TOP])
        return Line(f"Highest growth of {plural} on the year before", listed) if listed else None

    return make


def _decline(data: SalesData, _periods: int) -> Line | None:
    falling = [(name, growth) for name, growth in reversed(_grown(_named(data, "brand"))) if growth < 0]
    listed = ", ".join(f"{_short(name)} {percent(growth, signed=True)}" for name, growth in falling[:_TOP])
    return Line("Brands with less revenue than the year before", listed) if listed else None


def _margins(by: Dimension, plural: str) -> Maker:
    def make(data: SalesData, _periods: int) -> Line | None:
        pairs = [(group.name, group.margin) for group in _named(data, by) if group.margin is not None]
        pairs.sort(key=lambda pair: -pair[1])
        if len(pairs) < 2:
            return None
        (best, high), (worst, low) = pairs[0], pairs[-1]
        value = f"highest {_short(best)} {percent(high)}, lowest {_short(worst)} {percent(low)}"
        return Line(f"Profit margin of {plural}", value)

    return make


def _prices(data: SalesData, _periods: int) -> Line | None:
    pairs = [(group.name, group.revenue / group.units) for group in _named(data, "brand") if group.units > 0]
    pairs.sort(key=lambda pair: -pair[1])
    if len(pairs) < 2:
        return None
    (dear, high), (cheap, low) = pairs[0], pairs[-1]
    value = f"highest {_short(dear)} {money(high, data.currency)}, lowest {_short(cheap)} "
    return Line("Average price of brands", f"{value}{money(low, data.currency)}")


def _season(data: SalesData, _periods: int) -> Line | None:
    indexes = [(index, month) for index, month in zip(seasonality(data.frame), _MONTHS, strict=True) if index]
    if not indexes:
        return None
    (high, best), (low, worst) = max(indexes), min(indexes)
    value = f"{best} {percent(high - 1, signed=True)}, {worst} {percent(low - 1, signed=True)}"
    return Line("Season, strongest and weakest month against the average", value)


def _extremes(data: SalesData, _periods: int) -> Line | None:
    found = best_and_worst(data.frame)
    if found is None:
        return None
    best, worst = (f"{month_name(item.month)} {money(item.revenue, data.currency)}" for item in found)
    return Line("Best and worst month", f"{best}, {worst}")


def _forecast(data: SalesData, periods: int) -> Line | None:
    outlook = forecast(data.frame, periods)
    if outlook is None:
        return None
    value = f"{money(outlook.total, data.currency)} ({outlook.method})"
    return Line(f"Revenue forecast next {_counted(periods, 'month')}", value)


def _forecast_months(data: SalesData, periods: int) -> Line | None:
    outlook = forecast(data.frame, periods)
    if outlook is None:
        return None
    first = outlook.months[:_FORECAST_MONTHS]
    shown = ", ".join(
        f"{_month_in_list(item.month, first[0].month)} {money(item.revenue, data.currency)}" for item in first
    )
    more = "" if len(first) == periods else f", first {_FORECAST_MONTHS} months"
    return Line(f"Revenue forecast by month{more}", shown)


def _forecast_error(data: SalesData, periods: int) -> Line | None:
    outlook = forecast(data.frame, periods)
    if outlook is None or outlook.backtest_error is None:
        return None
    return Line("Error of this forecast method, last 12 months", percent(outlook.backtest_error))


def _elasticity(data: SalesData, _periods: int) -> Line | None:
    """Units, not revenue: a slope of -1.8 sells 1.8 % more for a price 1 % lower."""
    slopes = [(fit.slope, fit.category) for fit in elasticity(data.frame) if fit.slope is not None]
    if not slopes:
        return None
    slopes.sort()
    ends = slopes if len(slopes) <= 2 else [slopes[0], slopes[-1]]
    effects = ", ".join(f"{_short(name)} {percent(-slope / 100, signed=True)}" for slope, name in ends)
    return Line("Units sold when the price falls by 1 %", effects)


def _named(data: SalesData, by: Dimension) -> tuple[Group, ...]:
    return tuple(group for group in breakdown(data.frame, by) if group.name != NOT_GIVEN)


def _grown(groups: Iterable[Group]) -> list[tuple[str, float]]:
    pairs = [(group.name, group.growth) for group in groups if group.growth is not None]
    return sorted(pairs, key=lambda pair: -pair[1])


def _short(name: str) -> str:
    return excerpt(name, _NAME_LENGTH)


_TOP_BRANDS = _shares("brand", "brands")
_TOP_CATEGORIES = _shares("category", "categories")
_TOP_REGIONS = _shares("region", "regions")
_BRAND_GROWTH = _growth("brand", "brands")
_CATEGORY_GROWTH = _growth("category", "categories")
_REGION_GROWTH = _growth("region", "regions")
_BRAND_MARGINS = _margins("brand", "brands")
_CATEGORY_MARGINS = _margins("category", "categories")

# What each specialist needs, most important first: a briefing that gets too long loses its end.
FOCUS_LINES: Final[Mapping[str, tuple[Maker, ...]]] = {
    "overview": (scope, revenue, _profit, _TOP_CATEGORIES, _TOP_REGIONS, _TOP_BRANDS, _season, _forecast),
    "competition": (revenue, _TOP_BRANDS, _BRAND_GROWTH, _decline, _BRAND_MARGINS, _prices, _TOP_CATEGORIES),
    "performance": (
        revenue,
        _profit,
        _price,
        _CATEGORY_GROWTH,
        _REGION_GROWTH,
        _CATEGORY_MARGINS,
        _extremes,
        _elasticity,
    ),
    "content": (_TOP_CATEGORIES, _CATEGORY_GROWTH, _TOP_REGIONS, _season, _TOP_BRANDS),
    "creative": (_TOP_BRANDS, _TOP_CATEGORIES, _CATEGORY_GROWTH, _season, _price),
    "brand": (_TOP_BRANDS, _BRAND_GROWTH, _decline, _BRAND_MARGINS, _prices, _TOP_REGIONS),
    "campaign": (revenue, _forecast, _season, _elasticity, _REGION_GROWTH, _CATEGORY_MARGINS),
    "forecast": (
        revenue,
        _forecast,
        _forecast_months,
        _forecast_error,
        _season,
        _extremes,
        _CATEGORY_GROWTH,
    ),
    "report": (
        revenue,
        _profit,
        _forecast,
        _TOP_CATEGORIES,
        _TOP_REGIONS,
        _BRAND_GROWTH,
        _decline,
        _season,
        _elasticity,
        _TOP_BRANDS,
        _forecast_error,
        scope,
    ),
}
