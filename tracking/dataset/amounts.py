"""Numbers as people write them: thousands marks, decimal commas, currency signs, (negatives)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tracking.dataset.cells import Column, refuse

Mark = Literal[".", ","]

# A trillion a row is no sales figure; below it, sums of a whole file stay exact in int64.
LARGEST: Final = 1e12
_PLAIN: Final = r"[+-]?[0-9]+(?:\.[0-9]+)?"
_CURRENCY: Final = re.compile(r"[$€£¥₹₩]")
_CURRENCY_TEXT: Final = re.compile(
    r"[$€£¥₹₩]|\b(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|INR|CNY|KRW|MXN|BRL|SEK|NOK|DKK|PLN)\b", re.IGNORECASE
)
_SPACES_AND_APOSTROPHES: Final = re.compile(r"[\s'\u2019]+")  # 1 234,50 and 1'234.50


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How one file writes numbers: one program exported it, so one style holds for all its columns."""

    decimal: Mark

    @property
    def thousands(self) -> Mark:
        return "," if self.decimal == "." else "."


def number_style(columns: Iterable[Column], separator: str) -> NumberStyle:
    """Decide from all number columns which mark is the decimal one.

    A mark followed by other than three digits, or standing right of the other mark, is decimal.
    Where every mark has three digits behind it, it separates thousands: amounts of money with
    exactly three decimals everywhere are rarer. A comma-separated file can't easily write a
    decimal comma, so there the point is decimal unless something says otherwise.
    """
    texts = pd.concat([column.distinct for column in columns])
    texts = texts[texts.str.contains(r"[.,]", regex=True)]
    comma = _is_decimal(texts, ",", ".")
    point = _is_decimal(texts, ".", ",")
    if comma != point:
        return NumberStyle("," if comma else ".")
    if comma:  # both: the minority is reported as not being numbers
        return NumberStyle("," if separator == ";" else ".")
    point_separates = separator != "," and bool(texts.str.contains(".", regex=False).any())
    return NumberStyle("," if point_separates else ".")


def _is_decimal(texts: "pd.Series[str]", mark: Mark, other: Mark) -> bool:
    m, o = re.escape(mark), re.escape(other)
    signs = (
        rf"{m}[0-9]{{1,2}}(?:[^0-9{o}{m}]|$)",  # 2,5 or 2,50
        rf"{m}[0-9]{{4,}}",  # 2,5000
        rf"(?:^|[^0-9])0?{m}[0-9]",  # 0,500
        rf"{o}[0-9]{{3}}[{m}{o}]",  # 1.234,567 or 1.234.567
    )
    return bool(texts.str.contains("|".join(signs), regex=True).any())


def currency_sign(columns: Iterable[Column]) -> str | None:
    """The first of `$€£¥₹₩` in a header or a cell of `columns`, or None."""
    for column in columns:
        marked = column.distinct[column.distinct.str.contains(_CURRENCY.pattern, regex=True)]
        for text in (column.header, *marked.head(1)):
            found = _CURRENCY.search(text)
            if found:
                return found[0]
    return None


def numbers(column: Column, style: NumberStyle, *, blank: bool = False) -> npt.NDArray[np.float64]:
    """The column's values, one per row; a blank cell is NaN where `blank` allows it.

    Raises:
        DatasetError: for the first cell that isn't a number or is beyond a trillion.
    """
    values, valid = _parsed(column.distinct, style)
    empty = (column.distinct == "").to_numpy(dtype=np.bool_)
    example = "1234.50" if style.decimal == "." else "1234,50"
    refuse(column, ~valid & ~empty, "which isn't a number", f"Write numbers like {example}.")
    if not blank:
        refuse(column, empty, "", "Fill it in, or remove the row.")
    with np.errstate(invalid="ignore"):
        huge = np.abs(values) > LARGEST
    refuse(column, huge, "which is too large", "Values up to a trillion are accepted.")
    return values[column.codes]


def _parsed(
    distinct: "pd.Series[str]", style: NumberStyle
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Value (NaN where there is none) and validity of each distinct text."""
    if style.decimal == ".":  # the common case costs one look: most files are plain throughout
        plain = distinct.str.fullmatch(_PLAIN).to_numpy(dtype=np.bool_)
    else:
        plain = np.zeros(len(distinct), dtype=np.bool_)
    values = np.full(len(distinct), np.nan)
    valid = plain.copy()
    values[plain] = distinct[plain].astype("float64").to_numpy()
    if not plain.all():
        cleaned = _cleaned(distinct[~plain], style)
        values[~plain] = pd.to_numeric(cleaned, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        valid[~plain] = np.isfinite(values[~plain])
    return values, valid


def _cleaned(texts: "pd.Series[str]", style: NumberStyle) -> "pd.Series[str]":
    """Rewritten for the machine; what doesn't follow the style becomes 'invalid'."""
    texts = texts.str.replace(_CURRENCY_TEXT, "", regex=True).str.strip()
    texts = texts.str.replace(r"^\((.*)\)$", r"-\1", regex=True)
    texts = texts.str.replace("\N{MINUS SIGN}", "-").str.replace(r"^([+-])\s+", r"\1", regex=True)
    thousands, decimal = re.escape(style.thousands), re.escape(style.decimal)
    texts = texts.str.replace(_SPACES_AND_APOSTROPHES, style.thousands, regex=True)
    # Two digits between marks are the Indian way: 12,34,567.
    grouped = rf"[0-9]{{1,3}}(?:{thousands}[0-9]{{2,3}})*{thousands}[0-9]{{3}}"
    number = rf"[+-]?(?:(?:{grouped}|[0-9]+)(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"
    valid = texts.str.fullmatch(number)
    texts = texts.str.replace(style.thousands, "", regex=False).str.replace(style.decimal, ".", regex=False)
    return texts.where(valid, "invalid")
