"""Filters as the ledger takes them, in SQL: column names with a value or several, `since` and `until`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tracking.domain.run import RunState
from tracking.errors import LedgerError
from tracking.ledger.database import microseconds


def column_of(table: sa.Table, name: str) -> sa.Column[Any]:
    if name not in table.c:
        raise LedgerError(f"the ledger has no column {name!r}; it has {', '.join(table.c.keys())}")
    return table.c[name]


def filtered(
    query: sa.Select[Any], table: sa.Table, time: sa.Column[Any], filters: Mapping[str, Any]
) -> sa.Select[Any]:
    for name, value in filters.items():
        if name == "since":
            query = query.where(time >= microseconds(value))
        elif name == "until":
            query = query.where(time < microseconds(value))
        else:
            wanted = value if isinstance(value, tuple | list) else (value,)
            query = query.where(_is_one_of(column_of(table, name), wanted))
    return query


def _is_one_of(column: sa.Column[Any], wanted: Sequence[Any]) -> sa.ColumnElement[bool]:
    known = column.in_([_as_stored(value) for value in wanted if value is not None])
    return known | column.is_(None) if None in wanted else known


def _as_stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return microseconds(value)
    return str(value) if isinstance(value, RunState) else value
