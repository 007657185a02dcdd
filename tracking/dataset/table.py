"""The rows under the header, as columns of text. The only module that knows pyarrow's CSV reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from tracking.dataset.cells import Column, excerpt, further
from tracking.dataset.layout import Layout
from tracking.errors import DatasetError

_BLOCK: Final = 1 << 24  # bytes; a single row must fit into one block


@dataclass(frozen=True, slots=True)
class _Ragged:
    """The first row whose number of fields isn't the header's, and how many follow it."""

    row: int
    fields: int
    text: str
    more: int


class _RowCheck:
    """Called by the reader for each row with the wrong number of fields."""

    def __init__(self) -> None:
        self.blank: list[int] = []  # rows of spaces only: skipped, but they count in row numbers
        self.first: _Ragged | None = None

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        number = int(row.number)
        if not row.text.strip():
            self.blank.append(number)
        elif self.first is None:
            self.first = _Ragged(number, int(row.actual_columns), str(row.text), 0)
        else:
            first = self.first
            self.first = _Ragged(first.row, first.fields, first.text, first.more + 1)
        return "skip"


def read_columns(layout: Layout, name: str) -> dict[str, Column]:
    """Our columns by name, without blank rows.

    Raises:
        DatasetError: for a row with too many or too few fields, and when no row is left.
    """
    check = _RowCheck()
    table = _read(layout, check, name)
    if check.first is not None:
        raise _ragged_error(check.first, layout, name)
    total = table.num_rows + len(check.blank)
    skipped = np.array(check.blank, dtype=np.int64) - 2  # the header is row 1, the first data row is row 2
    numbers = np.delete(np.arange(2, total + 2, dtype=np.int64), skipped)
    columns = {
        field: _column(layout.headers[position], table.column(position), numbers)
        for field, position in layout.fields.items()
    }
    filled = _filled(columns)
    if not filled.any():
        raise DatasetError(f"{name} has a header but no data rows. Add at least one row of sales.", row=2)
    return columns if filled.all() else {field: column.kept(filled) for field, column in columns.items()}


def _read(layout: Layout, check: _RowCheck, name: str) -> pa.Table:
    names = [str(position) for position in range(len(layout.headers))]  # the file's own may repeat
    body = layout.body if layout.body.endswith((b"\n", b"\r")) else layout.body + b"\n"
    try:
        return pa_csv.read_csv(
            pa.BufferReader(body),
            # One thread: only then does the reader know the number of a bad row.
            read_options=pa_csv.ReadOptions(
                use_threads=False, column_names=names, skip_rows_after_names=1, block_size=_BLOCK
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=layout.separator,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=check,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={column: pa.string() for column in names}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise DatasetError(
            f"{name} can't be split into rows: a quote (\") is opened and never closed. "
            "Close it, or save the file anew as CSV from a spreadsheet."
        ) from error


def _ragged_error(ragged: _Ragged, layout: Layout, name: str) -> DatasetError:
    separator = {"\t": "a tab"}.get(layout.separator, f"'{layout.separator}'")
    advice = f"Put a value that contains {separator} in double quotes."
    if ragged.text.count('"') % 2:
        advice = "A double quote in it is opened and never closed."
    return DatasetError(
        f"{name}, row {ragged.row:,}: {ragged.fields} fields where the header has {len(layout.headers)}, "
        f"found '{excerpt(ragged.text)}'{further(ragged.more)}. {advice}",
        row=ragged.row,
    )


def _column(header: str, chunked: pa.ChunkedArray, numbers: npt.NDArray[np.int64]) -> Column:
    encoded = pa.chunked_array(chunked.chunks, type=pa.string()).combine_chunks().dictionary_encode()
    distinct = pd.Series(encoded.dictionary.to_pandas(), dtype="str").str.strip()
    return Column(header, distinct, encoded.indices.to_numpy().astype(np.int64), numbers)


def _filled(columns: Mapping[str, Column]) -> npt.NDArray[np.bool_]:
    """True for the rows with anything in one of our columns; spreadsheets append rows of separators."""
    filled = np.zeros(next(iter(columns.values())).codes.size, dtype=np.bool_)
    for column in columns.values():
        filled |= (column.distinct != "").to_numpy(dtype=np.bool_)[column.codes]
    return filled
