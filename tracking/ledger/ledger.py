"""The ledger: every call, once, for ever; and the runs they belong to."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, overload

import sqlalchemy as sa

from tracking.domain.bill import Item, in_order
from tracking.domain.call import CallTotals, LlmCall, StatedCost
from tracking.domain.cost import Cost, CostState, state_of_sum
from tracking.domain.run import Run, RunState
from tracking.domain.usage import TokenUsage, UsageState
from tracking.errors import LedgerError
from tracking.ledger import journals
from tracking.ledger.database import is_in_memory, microseconds, moment, open_engine, prepare
from tracking.ledger.journal import Journal
from tracking.ledger.rows import USAGE_COLUMNS, call_of, call_values, receipt_of, run_of
from tracking.ledger.schema import calls, runs
from tracking.ledger.writer import EngineWriter

logger = logging.getLogger(__name__)

_BATCH = 2_000  # rows fetched at a time: an iteration over millions stays in a few megabytes


class Ledger:
    """A database of calls. Every process and thread may append to it at once.

    Filters are column names with a value or a tuple of values (`run_id="…"`, `agent_name=("A", "B")`; None
    is what could not be told), and `since` (inclusive) and `until` (exclusive), time zone aware, on the start
    of a call or the creation of a run.

    Raises:
        LedgerError: from every method, when the database can't be read or written.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._url = engine.url.render_as_string(hide_password=False)
        self._in_memory = is_in_memory(engine.url)
        self._journal: Journal | None = None
        self._owner = 0  # the process that joined the journal
        self._lock = threading.Lock()

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the ledger at a `sqlite:///` or `postgresql://` URL, making its tables when they are missing.

        Raises:
            LedgerError: it can't be opened.
            LedgerVersionError: a newer program wrote it.
        """
        engine = open_engine(url)
        try:
            prepare(engine)
        except LedgerError:
            engine.dispose()
            raise
        ledger = cls(engine)
        ledger.bring_in()
        return ledger

    def append(self, call: LlmCall) -> None:
        """Keep one call. When this returns it survives the death of this process, see `journal`.

        It is in the database within a fraction of a second, or when that can be written again; `flush` waits
        for it. A `call_id` that is there already is left as it is.

        Raises:
            LedgerError: it could not be kept.
        """
        row = call_values(call)
        if self._in_memory:
            EngineWriter(self.engine).write([row])
            return
        try:
            self._joined().append(row)
        except OSError as error:
            raise LedgerError(f"call {call.call_id} could not be written: {error}") from error

    def flush(self) -> None:
        """Wait until every call appended in this process is in the database. Reading does so by itself.

        Raises:
            LedgerError: the database would not take them; they are kept, and tried again.
        """
        journals.flush(self._url)

    @property
    def rejected(self) -> int:
        """Calls of this process that the database would not have while it took others: they are lost."""
        return 0 if self._journal is None else self._journal.rejected

    @property
    def waiting(self) -> int:
        """Calls of this process that are kept on disk until the database can be written."""
        return 0 if self._journal is None else self._journal.waiting

    def bring_in(self) -> None:
        """Take in the calls of processes that died before the database had them."""
        if self._in_memory:
            return
        try:
            journals.bring_in(self._url)
        except Exception as error:  # they stay where they are, and are tried again when a ledger is opened
            logger.warning("calls of a process that died still wait", exc_info=error)

    def calls(self, **filters: Any) -> Iterator[LlmCall]:
        """The calls that match, oldest first, in bounded memory."""
        self.flush()
        query = _filtered(sa.select(calls), calls, calls.c.started_at, filters).order_by(
            calls.c.started_at, calls.c.call_id
        )
        with self.engine.connect().execution_options(yield_per=_BATCH) as connection:
            for row in connection.execute(query).mappings():
                yield call_of(row)

    def columns(self, *names: str, **filters: Any) -> dict[str, list[Any]]:
        """Some columns of the calls that match, as the table holds them, in no particular order."""
        self.flush()
        query = sa.select(*(_column(calls, name) for name in names))
        with self.engine.connect() as connection:
            rows = connection.execute(_filtered(query, calls, calls.c.started_at, filters)).all()
        return (
            dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            if rows
            else {n: [] for n in names}
        )

    @overload
    def totals(self, *, by: None = None, **filters: Any) -> CallTotals: ...

    @overload
    def totals(self, *, by: str, **filters: Any) -> dict[str | None, CallTotals]: ...

    @overload
    def totals(self, *, by: tuple[str, ...], **filters: Any) -> dict[tuple[str | None, ...], CallTotals]: ...

    def totals(self, *, by: str | tuple[str, ...] | None = None, **filters: Any) -> Any:
        """The matching calls added up by the database: altogether, or per value of the column(s) `by`."""
        self.flush()
        names = (by,) if isinstance(by, str) else by or ()
        keys = [_column(calls, name) for name in names]
        query = _filtered(sa.select(*keys, *_SUMS), calls, calls.c.started_at, filters).group_by(*keys)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        if by is None:
            return _totals_of(rows[0])
        return {row[by] if isinstance(by, str) else tuple(map(row.get, by)): _totals_of(row) for row in rows}

    def bill(self, **filters: Any) -> list[Item]:
        """The matching calls that were billed, added up by the database per model and receipt."""
        self.flush()
        model = sa.func.coalesce(calls.c.response_model, calls.c.request_model).label("model")
        query = sa.select(model, calls.c.receipt, *_SUMS).where(_BILLED).group_by(model, calls.c.receipt)
        with self.engine.connect() as connection:
            rows = connection.execute(_filtered(query, calls, calls.c.started_at, filters)).mappings().all()
        return in_order(Item(row["model"], receipt_of(row["receipt"]), _totals_of(row)) for row in rows)

    def latest(self, *, by: tuple[str, ...], **filters: Any) -> dict[tuple[str | None, ...], datetime]:
        """When the last of the matching calls began, per values of the columns `by`."""
        self.flush()
        keys = [_column(calls, name) for name in by]
        last = sa.func.max(calls.c.started_at)
        query = _filtered(sa.select(*keys, last), calls, calls.c.started_at, filters).group_by(*keys)
        with self.engine.connect() as connection:
            return {tuple(row[:-1]): moment(row[-1]) for row in connection.execute(query)}

    def last_call_id(self) -> str | None:
        """Of the call that was made last: another one says at once that there is more to read."""
        self.flush()
        with self.engine.connect() as connection:
            return connection.execute(sa.select(sa.func.max(calls.c.call_id))).scalar()

    def models(self) -> list[tuple[str, str]]:
        """Every model that was billed: who sent the bill, and the name it was billed under."""
        self.flush()
        name = sa.func.coalesce(calls.c.response_model, calls.c.request_model)
        query = sa.select(calls.c.provider_name, name).where(_BILLED).distinct()
        with self.engine.connect() as connection:
            return sorted((provider, model) for provider, model in connection.execute(query))

    def runs(self, *, limit: int | None = None, **filters: Any) -> list[Run]:
        """The runs that match, newest first."""
        query = _filtered(sa.select(runs), runs, runs.c.created_at, filters).order_by(
            runs.c.created_at.desc()
        )
        with self.engine.connect() as connection:
            return [run_of(row) for row in connection.execute(query.limit(limit)).mappings()]

    def run_count(self) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(runs)).scalar_one())

    def run(self, run_id: str) -> Run | None:
        found = self.runs(run_id=run_id)
        return found[0] if found else None

    def close(self) -> None:
        """Close the database. A call that comes later opens it again.

        Raises:
            LedgerError: calls are left that the database would not take; the next `open` tries again.
        """
        try:
            if self._journal is not None and self._owner == os.getpid():
                self._journal = None
                journals.leave(self._url)
        finally:
            self.engine.dispose()

    def _joined(self) -> Journal:
        with self._lock:
            if self._journal is None or self._owner != os.getpid():  # a journal is its process's own
                self._journal, self._owner = journals.join(self._url), os.getpid()
            return self._journal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


_BILLED = calls.c.billed == 1
_HAS_BOTH = _BILLED & calls.c.stated_nano_usd.is_not(None) & calls.c.cost_nano_usd.is_not(None)
# Sums of what was billed only: a refused request has neither tokens nor a cost.
_IS_ESTIMATED = calls.c.usage_state == str(UsageState.ESTIMATED)
_SUMS: tuple[sa.ColumnElement[Any], ...] = (
    *(sa.func.sum(calls.c[name]).label(name) for name in USAGE_COLUMNS),
    *(sa.func.sum(calls.c[n]).filter(_IS_ESTIMATED).label(f"estimated_{n}") for n in USAGE_COLUMNS),
    sa.func.sum(calls.c.cost_nano_usd).label("cost_nano_usd"),
    sa.func.count().filter(_HAS_BOTH).label("stated_requests"),
    sa.func.sum(calls.c.stated_nano_usd).filter(_HAS_BOTH).label("stated_nano_usd"),
    sa.func.sum(calls.c.cost_nano_usd).filter(_HAS_BOTH).label("stated_computed"),
    _count(_BILLED).label("requests"),
    _count(~_BILLED).label("failed_requests"),
    _count(_BILLED & (calls.c.usage_state == str(UsageState.UNKNOWN))).label("unknown_requests"),
    _count(_BILLED & _IS_ESTIMATED).label("estimated_requests"),
    *(_count(_BILLED & (calls.c.cost_state == str(state))).label(f"cost_{state}") for state in CostState),
)


def _totals_of(row: sa.RowMapping) -> CallTotals:
    states = {state for state in CostState if row[f"cost_{state}"]}
    # PostgreSQL sums integers into Decimals.
    amount = None if row["cost_nano_usd"] is None else int(row["cost_nano_usd"])
    if states in (set(), {CostState.UNPRICED}):
        cost = Cost.unpriced() if states else Cost(0, CostState.KNOWN)
    else:
        cost = Cost(amount, state_of_sum(states))
    return CallTotals(
        requests=int(row["requests"]),
        usage=_usage_of(row),
        cost=cost,
        unknown_requests=int(row["unknown_requests"]),
        estimated_requests=int(row["estimated_requests"]),
        unpriced_requests=int(row[f"cost_{CostState.UNPRICED}"]),
        failed_requests=int(row["failed_requests"]),
        estimated_usage=_usage_of(row, "estimated_"),
        stated=StatedCost(
            int(row["stated_requests"]), int(row["stated_nano_usd"] or 0), int(row["stated_computed"] or 0)
        ),
    )


def _usage_of(row: sa.RowMapping, prefix: str = "") -> TokenUsage:
    sums = {name: row[prefix + name] for name in USAGE_COLUMNS}
    return TokenUsage(**{name: None if count is None else int(count) for name, count in sums.items()})


def _column(table: sa.Table, name: str) -> sa.Column[Any]:
    if name not in table.c:
        raise LedgerError(f"the ledger has no column {name!r}; it has {', '.join(table.c.keys())}")
    return table.c[name]


def _filtered(
    query: sa.Select[Any], table: sa.Table, time: sa.Column[Any], filters: Mapping[str, Any]
) -> sa.Select[Any]:
    for name, value in filters.items():
        if name == "since":
            query = query.where(time >= microseconds(value))
        elif name == "until":
            query = query.where(time < microseconds(value))
        else:
            wanted = value if isinstance(value, tuple | list) else (value,)
            query = query.where(_is_one_of(_column(table, name), wanted))
    return query


def _is_one_of(column: sa.Column[Any], wanted: Sequence[Any]) -> sa.ColumnElement[bool]:
    known = column.in_([_as_stored(value) for value in wanted if value is not None])
    return known | column.is_(None) if None in wanted else known


def _as_stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return microseconds(value)
    return str(value) if isinstance(value, RunState) else value
