"""A column of text cells, and the one way in which a bad cell is refused."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tracking.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

EXCERPT_LENGTH = 40


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column, as its distinct texts and which of them each row holds.

    A sales file repeats itself: a date or a brand is parsed once, however many rows have it.
    """

    header: str  # as the file writes it
    distinct: "pd.Series[str]"
    codes: npt.NDArray[np.int64]  # one per row: the position in `distinct`
    row_numbers: npt.NDArray[np.int64]  # one per row: where the file has it, the header being row 1

    def used(self) -> npt.NDArray[np.bool_]:
        """One flag per distinct text: False where only rows that were dropped had it."""
        flags = np.zeros(len(self.distinct), dtype=np.bool_)
        flags[self.codes] = True
        return flags

    def kept(self, rows: npt.NDArray[np.bool_]) -> "Column":
        """The same column with only the rows marked True."""
        return Column(self.header, self.distinct, self.codes[rows], self.row_numbers[rows])


def excerpt(text: str, length: int = EXCERPT_LENGTH) -> str:
    """`text` on one line, printable, at most `length` characters long."""
    line = " ".join(text[: 4 * length].split())
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def further(count: int, thing: str = "row") -> str:
    """How a message mentions the problems after the first: '' or ' (and 3 more rows like it)'."""
    if count == 0:
        return ""
    return f" (and {count:,} more {thing}{'s' if count > 1 else ''} like it)"


def refuse(column: Column, bad: npt.NDArray[np.bool_], problem: str, advice: str) -> None:
    """Raise for the first row whose distinct text is marked in `bad`; do nothing when no row's is.

    Args:
        column: where to look.
        bad: one flag per distinct text.
        problem: completes "row 7, column 'Date': found '…', …".
        advice: what to do, a sentence.

    Raises:
        DatasetError: with the row and column, counting the further rows with the same problem.
    """
    bad = bad & column.used() if bad.any() else bad
    if not bad.any():
        return
    rows = np.flatnonzero(bad[column.codes])
    row = int(column.row_numbers[rows[0]])
    found = excerpt(str(column.distinct.iloc[column.codes[rows[0]]]))
    what = f"found '{found}', {problem}" if found else "the cell is empty"
    message = f"row {row:,}, column '{excerpt(column.header)}': {what}{further(rows.size - 1)}. {advice}"
    raise DatasetError(message, row=row, column=column.header)
