"""What the data itself offers to choose from, by field of the spec."""

from collections.abc import Mapping, Sequence
from typing import Final

from tracking.dataset.sales import SalesData
from tracking.ui import state

_ALWAYS: Final = ("Revenue", "Profit", "Profit margin", "Units", "Average price")
_YEAR_AND_A_MONTH: Final = 396  # days: growth is one year against the year before


def offers(data: SalesData) -> Mapping[str, Sequence[str]]:
    """Names for each field that is filled from the data; a field without any has nothing to choose."""
    names = state.choices(data)
    return {
        "market.regions": names.regions,
        "market.categories": names.categories,
        "market.brands": names.brands,
        "market.key_metrics": _metrics(data, brands=len(names.brands)),
    }


def _metrics(data: SalesData, *, brands: int) -> list[str]:
    """The metrics that these rows can answer for."""
    metrics = list(_ALWAYS)
    if brands > 1:
        metrics.append("Revenue share")
    if (data.last_date - data.first_date).days >= _YEAR_AND_A_MONTH:
        metrics.append("Growth")
    return metrics
