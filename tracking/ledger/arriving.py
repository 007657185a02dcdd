"""Calls that arrive for a month whose calls have left the database: what left is not taken in again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from tracking.ledger.archive import Archive
from tracking.ledger.receipts import receipt_id
from tracking.ledger.rollups.grains import DAY, MONTH, SECOND, floor
from tracking.ledger.rows import CALL_COLUMNS

# In the writer's own transaction: nothing leaves between asking and writing.
MONTHS_LEFT: Final = "SELECT DISTINCT month FROM archives WHERE file IS NOT NULL"
FILES_OF_MONTH: Final = "SELECT file FROM archives WHERE file IS NOT NULL AND month = "
_CALL_ID: Final = CALL_COLUMNS.index("call_id")
_RECEIPT: Final = CALL_COLUMNS.index("receipt")
_STARTED_AT: Final = CALL_COLUMNS.index("started_at")
_A_DAY: Final = DAY * SECOND


def months_of(rows: Iterable[Sequence[Any]]) -> set[int]:
    """The months, by their starts, in which calls of the journal's form began."""
    return {floor(day * _A_DAY, MONTH) for day in {row[_STARTED_AT] // _A_DAY for row in rows}}


def not_left(
    rows: Sequence[list[Any]], left: set[int], archive: Archive, files_of: Callable[[int], Iterable[str]]
) -> Sequence[list[Any]]:
    """The calls without those that are in the archive already. `left`: the months that have a file there.

    Raises:
        LedgerError: such a file is not on this computer, so that it can't be told.
    """
    if not left:
        return rows
    suspects: dict[int, list[list[Any]]] = defaultdict(list)
    for row in rows:
        suspects[floor(row[_STARTED_AT], MONTH)].append(row)
    if not left & suspects.keys():
        return rows
    known = {month: archive.call_ids(files_of(month)) for month in left & suspects.keys()}
    return [
        row for month, some in suspects.items() for row in some if row[_CALL_ID] not in known.get(month, ())
    ]


def unseen_receipts(rows: Iterable[list[Any]], kept: set[int]) -> dict[int, str]:
    """The receipts of these rows that are not `kept`, by their numbers."""
    texts = {row[_RECEIPT] for row in rows if row[_RECEIPT] is not None}
    return {number: text for text in texts if (number := receipt_id(text)) not in kept}
