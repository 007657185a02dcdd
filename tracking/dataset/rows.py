"""A small table of any columns: its rows as text, with the numbers that a spreadsheet gives them."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tracking.dataset.cells import excerpt
from tracking.dataset.decoding import as_utf8
from tracking.dataset.layout import SEPARATORS, without_hint
from tracking.errors import DatasetError

_SPOKEN: Final = {"\t": "a tab"}


@dataclass(frozen=True, slots=True)
class Row:
    """`number` counts from 1, the header and blank rows included; a row may go over several lines."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """`headers` and every row's cells are equally many, and stripped of spaces around them."""

    header_row: int
    headers: tuple[str, ...]
    rows: tuple[Row, ...]


def read_rows(data: bytes, name: str, is_known: Callable[[str], bool]) -> Rows:
    """Read a CSV file with any usual separator and encoding; blank rows are left out.

    Of the separators it is the one with which most headers are known.

    Raises:
        DatasetError: it is no table, or has no row below its header.
    """
    said, body = without_hint(as_utf8(data, name))
    text = body.decode("utf-8")
    separator = said or max(SEPARATORS, key=lambda each: _known(text, each, is_known))
    header, *rows = _records(text, separator, name)
    found = Rows(header.number, header.cells, tuple(_fitting(row, header, separator, name) for row in rows))
    if not found.rows:
        raise DatasetError(f"{name} has a header but no rows below it. Add one row per run.", row=2)
    return found


def _known(text: str, separator: str, is_known: Callable[[str], bool]) -> tuple[int, int]:
    try:
        cells = next(filter(any, csv.reader(io.StringIO(text, newline=""), delimiter=separator)), [])
    except csv.Error:
        return (0, 0)
    return (sum(map(is_known, cells)), len(cells))


def _records(text: str, separator: str, name: str) -> list[Row]:
    found: list[Row] = []
    number = 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, fields in enumerate(reader, start=1):
            cells = tuple(field.strip() for field in fields)
            if any(cells):
                found.append(Row(number, cells))
    except csv.Error as error:
        raise DatasetError(
            f"{name}, row {number + 1:,}: it can't be split into cells ({error}). "
            'Put a value that contains a double quote in double quotes, and write the inner one twice ("").',
            row=number + 1,
        ) from error
    if not found:
        raise DatasetError(f"{name} has no header. Name a field of the run in each column of the first row.")
    return found


def _fitting(row: Row, header: Row, separator: str, name: str) -> Row:
    """The row with as many cells as the header has; empty ones beyond are what spreadsheets append."""
    width = len(header.cells)
    if len(row.cells) < width or any(row.cells[width:]):
        shown, spoken = excerpt(separator.join(row.cells)), _SPOKEN.get(separator, f"'{separator}'")
        has = len(row.cells)
        count = (
            f"{has} of the header's {width} cells" if has < width else f"{has} cells for the header's {width}"
        )
        raise DatasetError(
            f"{name}, row {row.number:,}: {count}, "
            f"found '{shown}'. Put a value that contains {spoken} in double quotes.",
            row=row.number,
        )
    return Row(row.number, row.cells[:width])
