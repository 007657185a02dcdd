"""Calendar dates as people write them; day or month first is decided by the whole column."""

import re
from typing import Final

import numpy as np
import pandas as pd

from tracking.dataset.cells import Column, excerpt, further, refuse
from tracking.errors import DatasetError

_TIME: Final = r"(?:[T ]+[0-9]{1,2}:[0-9]{2}.*)?"  # a time of day may follow and is dropped
# Written order -> the patterns with that order. Only the third is open to two readings.
_YEAR_FIRST: Final = (
    rf"^(?P<a>[0-9]{{4}})-(?P<b>[0-9]{{1,2}})-(?P<c>[0-9]{{1,2}}){_TIME}$",
    rf"^(?P<a>[0-9]{{4}})[/.](?P<b>[0-9]{{1,2}})[/.](?P<c>[0-9]{{1,2}}){_TIME}$",
    r"^(?P<a>[0-9]{4})(?P<b>[0-9]{2})(?P<c>[0-9]{2})$",
    r"^(?P<a>[0-9]{4})[-/](?P<b>[0-9]{1,2})(?P<c>)$",  # a month: its first day
)
_DAY_FIRST: Final = (
    rf"^(?P<a>[0-9]{{1,2}})\.[ ]?(?P<b>[0-9]{{1,2}})\.[ ]?(?P<c>[0-9]{{4}}|[0-9]{{2}}){_TIME}$"
)
_EITHER: Final = rf"^(?P<a>[0-9]{{1,2}})[/-](?P<b>[0-9]{{1,2}})[/-](?P<c>[0-9]{{4}}|[0-9]{{2}}){_TIME}$"
_YEARS: Final = (1900, 2100)
_ADVICE: Final = "Write dates as YYYY-MM-DD, for example 2025-01-31."


def dates(column: Column) -> "pd.Series[pd.Timestamp]":
    """The column's dates at midnight, without a time zone, one per row.

    Raises:
        DatasetError: for the first cell that isn't a date, and when the column can be read both
            day first and month first, or must be read both ways.
    """
    refuse(column, (column.distinct == "").to_numpy(dtype=np.bool_), "", "Fill it in, or remove the row.")
    texts = column.distinct.where(column.used(), "")  # what only blank rows had is no evidence
    parts = pd.DataFrame(-1, index=column.distinct.index, columns=["year", "month", "day"], dtype="int64")
    for pattern in _YEAR_FIRST:
        _fill(parts, texts, pattern, ("year", "month", "day"))
    _fill(parts, texts, _DAY_FIRST, ("day", "month", "year"))
    _fill(parts, texts, _EITHER, _order(column, texts))
    parsed = _calendar(parts)
    refuse(column, parsed.isna().to_numpy(), "which isn't a date", _ADVICE)
    return parsed.take(column.codes).reset_index(drop=True)


def _fill(parts: pd.DataFrame, texts: "pd.Series[str]", pattern: str, order: tuple[str, str, str]) -> None:
    found = texts.str.extract(re.compile(pattern))
    found = found[found["a"].notna()]
    for group, part in zip("abc", order, strict=True):
        if found.empty:
            return
        numbers = found[group].replace("", "1").astype("int64")
        if part == "year":  # two digits: as POSIX reads them, 69 is 1969 and 68 is 2068
            numbers = numbers.mask(numbers < 69, numbers + 2000).mask(numbers.between(69, 99), numbers + 1900)
        parts.loc[found.index, part] = numbers


def _order(column: Column, texts: "pd.Series[str]") -> tuple[str, str, str]:
    """Which of the first two numbers of 03/04/2025 is the day, by every such date of the column."""
    found = texts.str.extract(re.compile(_EITHER))[["a", "b"]].dropna().astype("int64")
    first, second = found["a"], found["b"]
    day_first, month_first = bool((first > 12).any()), bool((second > 12).any())
    if day_first and month_first:
        conflict = np.zeros(len(column.distinct), dtype=np.bool_)
        # The rarer reading is likelier to be the slip.
        minority = first > 12 if (first > 12).sum() <= (second > 12).sum() else second > 12
        conflict[found.index[minority]] = True
        refuse(column, conflict, "which reads the other way round than the rest of the column", _ADVICE)
    if not day_first and not month_first:
        _refuse_ambiguous(column, found)
    return ("day", "month", "year") if day_first else ("month", "day", "year")


def _refuse_ambiguous(column: Column, found: pd.DataFrame) -> None:
    ambiguous = found.index[found["a"] != found["b"]]
    if ambiguous.empty:
        return
    rows = np.flatnonzero(np.isin(column.codes, ambiguous.to_numpy()))
    row = int(column.row_numbers[rows[0]])
    text = excerpt(str(column.distinct.iloc[column.codes[rows[0]]]))
    raise DatasetError(
        f"row {row:,}, column '{excerpt(column.header)}': found '{text}', and nothing in the column says "
        f"whether the day or the month comes first{further(rows.size - 1)}. {_ADVICE}",
        row=row,
        column=column.header,
    )


def _calendar(parts: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    possible = parts["year"].between(*_YEARS) & parts["month"].between(1, 12) & parts["day"].between(1, 31)
    parsed = pd.to_datetime(parts.where(possible), errors="coerce")
    return parsed.astype("datetime64[us]")
