"""The crew's one tool: look a figure up in the data. Models that can call tools need not guess."""

from __future__ import annotations

from typing import Any, Literal

from crewai.tools import BaseTool
from pydantic import BaseModel, Field, PrivateAttr

from tracking.dataset.sales import SalesData


class SalesQuestion(BaseModel):
    """What to add up, and by what."""

    metric: Literal["revenue", "profit", "units"] = Field(description="what to add up")
    by: Literal["region", "country", "category", "brand", "month"] = Field(description="one line per ...")
    limit: int = Field(default=10, ge=1, le=50, description="how many lines at most, the largest first")


class SalesLookup(BaseTool):
    """Sums computed from the run's data."""

    name: str = "sales_lookup"
    description: str = (
        "Adds up revenue, profit or units of the sales data by region, country, category, brand or month."
    )
    args_schema: type[BaseModel] = SalesQuestion
    _data: SalesData = PrivateAttr()

    def __init__(self, data: SalesData, **options: Any) -> None:
        super().__init__(**options)
        self._data = data

    def _run(self, metric: str, by: str, limit: int = 10) -> str:
        frame = self._data.frame
        keys = frame["date"].dt.strftime("%Y-%m") if by == "month" else frame[by].astype(str)
        sums = frame[metric].groupby(keys).sum().nlargest(limit)
        unit = "" if metric == "units" else self._data.currency
        return "\n".join(f"{key}: {unit}{value:,.0f}" for key, value in sums.items())
