"""A sales file, checked and typed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tracking.dataset.amounts import NumberStyle, currency_sign, number_style, numbers
from tracking.dataset.cells import Column, refuse
from tracking.dataset.days import dates
from tracking.dataset.decoding import as_utf8
from tracking.dataset.layout import find_layout
from tracking.dataset.sample import SAMPLE_SHA256
from tracking.dataset.table import read_columns
from tracking.errors import DatasetError

COLUMNS: Final = (
    "date",
    "region",
    "country",
    "store",
    "brand",
    "category",
    "units",
    "price",
    "revenue",
    "cost",
    "profit",
)
NOT_GIVEN: Final = "n/a"  # a blank or absent region, country, store, brand or category
MAX_BYTES: Final = 100 * 1024 * 1024
_NAMES: Final = ("region", "country", "store", "brand", "category")
_NUMBERS: Final = ("units", "price", "revenue", "cost", "profit")


@dataclass(frozen=True, slots=True, eq=False)
class SalesData:
    """Sales rows in the file's order, at least one.

    `frame` has the columns of `COLUMNS`: `date` datetime64, names as categories, `units` int64
    when all are whole and else float64, money float64. A `price` is NaN only where the file gives
    none and no units were sold. Don't change it: it is shared.
    """

    frame: pd.DataFrame
    name: str
    is_sample: bool
    sha256: str  # of the file the rows come from, also when they were filtered since
    currency: str = "$"  # the sign seen in the file, a dollar when there is none

    @property
    def rows(self) -> int:
        return len(self.frame)

    @property
    def first_date(self) -> date:
        """Inclusive."""
        return pd.Timestamp(self.frame["date"].min()).date()

    @property
    def last_date(self) -> date:
        """Inclusive."""
        return pd.Timestamp(self.frame["date"].max()).date()


def load_sales(source: bytes | Path, *, name: str, max_bytes: int = MAX_BYTES) -> SalesData:
    """Read a CSV file of sales, whatever its encoding, separator, number and date style.

    Args:
        source: the file or its content.
        name: what messages call it.
        max_bytes: the largest size accepted, inclusive.

    Raises:
        DatasetError: naming the first problem's row and column, and how many rows share it.
    """
    data = _content(source, name, max_bytes)
    layout = find_layout(as_utf8(data, name), name)
    columns = read_columns(layout, name)
    money = [columns[field] for field in _NUMBERS if field in columns]
    style = number_style(money, layout.separator)
    sha256 = hashlib.sha256(data).hexdigest()
    return SalesData(
        frame=_frame(columns, style),
        name=name,
        is_sample=sha256 == SAMPLE_SHA256,
        sha256=sha256,
        currency=currency_sign(money) or "$",
    )


def _content(source: bytes | Path, name: str, max_bytes: int) -> bytes:
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > max_bytes:
            raise DatasetError(
                f"{name} has {_megabytes(size)}, the limit is {_megabytes(max_bytes)}. "
                "Sum it up by month, or upload fewer years."
            )
        return source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise DatasetError(
            f"{name} can't be read: {error.strerror}. Check that {source!s} exists."
        ) from error


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:,.1f} MB"


def _frame(columns: Mapping[str, Column], style: NumberStyle) -> pd.DataFrame:
    day = dates(columns["date"])
    values: dict[str, object] = {"date": day}
    for field in _NAMES:
        values[field] = _names(columns.get(field), len(day))
    figures = {
        field: numbers(columns[field], style, blank=field in {"price", "profit"})
        for field in _NUMBERS
        if field in columns
    }
    units = figures["units"]
    _refuse_negative(columns["units"], units)
    price = np.divide(figures["revenue"], units, out=np.full(len(day), np.nan), where=units > 0)
    profit = np.round(figures["revenue"] - figures["cost"], 6)  # 0.3 - 0.1 is 0.2, not 0.19999999999999998
    values["units"] = units.astype("int64") if (units == np.floor(units)).all() else units
    values["price"] = _given_or(figures.get("price"), price)
    values["revenue"] = figures["revenue"]
    values["cost"] = figures["cost"]
    values["profit"] = _given_or(figures.get("profit"), profit)
    return pd.DataFrame(values, columns=list(COLUMNS))


def _refuse_negative(column: Column, units: npt.NDArray[np.float64]) -> None:
    negative = np.zeros(len(column.distinct), dtype=np.bool_)
    negative[column.codes[units < 0]] = True
    advice = "Leave returns out, or subtract them from the sales they belong to."
    refuse(column, negative, "which is negative", advice)


def _given_or(
    given: npt.NDArray[np.float64] | None, derived: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return derived if given is None else np.where(np.isnan(given), derived, given)


def _names(column: Column | None, rows: int) -> pd.Categorical:
    if column is None:
        return pd.Categorical.from_codes(np.zeros(rows, dtype=np.int64), pd.Index([NOT_GIVEN], dtype="str"))
    tidy = column.distinct.str.replace(r"\s+", " ", regex=True).replace("", NOT_GIVEN)
    known = pd.Index(sorted(tidy[column.used()].unique()), dtype="str")
    return pd.Categorical.from_codes(known.get_indexer(pd.Index(tidy))[column.codes], known)
