"""Rows that were read lately: below the watermark all stays as it is until that moves, or calls change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from tracking.ledger.rollups.state import State

_MOST_ROWS: Final = 50_000  # of all answers together: some ten megabytes

Rows = list[tuple[Any, ...]]


class Remembered:
    """The latest answers of one ledger's sums. Any thread may ask; nobody may change what it gets."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[Any, ...], Rows] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, state: State, query: str, values: Mapping[str, Any], read: Callable[[], Rows]) -> Rows:
        """What the query gave last time in this state of the sums, or else what `read` gives."""
        key = (state, query, *values.items())
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
                return self._rows[key]
        rows = read()
        with self._lock:
            self._rows[key] = rows
            while sum(len(each) + 1 for each in self._rows.values()) > _MOST_ROWS and len(self._rows) > 1:
                self._rows.popitem(last=False)
        return rows
