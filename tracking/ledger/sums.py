"""What the ledger's calls add up to. Filters and errors are those of `Ledger`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, Final

import sqlalchemy as sa

from tracking.domain.bill import Item, in_order
from tracking.domain.call import CallTotals, StatedCost
from tracking.domain.usage import COUNTS, TokenUsage
from tracking.errors import LedgerError
from tracking.ledger.archive import Archive
from tracking.ledger.database import microseconds, moment, snapshot
from tracking.ledger.receipts import receipt_texts
from tracking.ledger.rollups.batch import BY_RUN_ID
from tracking.ledger.rollups.days import Calendar, daily, phases_wanted
from tracking.ledger.rollups.measures import MEASURE, MEASURES, Merge, cost_of
from tracking.ledger.rollups.quantiles import histograms_of
from tracking.ledger.rollups.query import Question, Source, answer, told
from tracking.ledger.rollups.remembered import Remembered, Rows
from tracking.ledger.rollups.state import phases, read_state
from tracking.ledger.rollups.tables import MODEL, NULLABLE, by_run
from tracking.ledger.rows import receipt_of
from tracking.ledger.schema import calls

_ALL: Final = tuple(measure.name for measure in MEASURES)


def question(by: Sequence[str], filters: Mapping[str, Any]) -> Question:
    """A question in the ledger's own terms.

    Raises:
        LedgerError: it names a column that is not there.
    """
    equal = {name: value for name, value in filters.items() if name not in {"since", "until"}}
    for name in (*by, *equal):
        if name not in calls.c:
            raise LedgerError(f"the ledger has no column {name!r}; it has {', '.join(calls.c.keys())}")
    return Question(
        by=tuple(by),
        equal={n: tuple(v) if isinstance(v, tuple | list) else (v,) for n, v in equal.items()},
        since=_micros(filters.get("since")),
        until=_micros(filters.get("until")),
    )


class Sums:
    """Sums of one database's calls."""

    def __init__(self, engine: sa.Engine, archive: Archive) -> None:
        self._engine = engine
        self._archive = archive
        self._remembered = Remembered()
        self.phases_wanted: set[int] = set()  # when days begin that were asked for and are not kept

    def totals(self, by: Sequence[str], filters: Mapping[str, Any]) -> dict[tuple[Any, ...], CallTotals]:
        return {
            key: _totals(dict(zip(_ALL, row, strict=True))) for key, row in self._groups(by, _ALL, filters)
        }

    def sums(
        self, measures: Sequence[str], by: Sequence[str], filters: Mapping[str, Any]
    ) -> dict[str, list[Any]]:
        _known(measures)
        return _columns((*by, *measures), self._rows(by, measures, filters))

    def daily(
        self, zone: tzinfo, measures: Sequence[str], by: Sequence[str], filters: Mapping[str, Any]
    ) -> dict[str, list[Any]]:
        asked = question(by, filters)
        _known(measures)
        with snapshot(self._engine) as connection:
            source, kept = Source.of(connection, self._archive, self._remembered), phases(connection)
            bounded = _bounded(source, asked)
            rows: Rows = []
            if bounded is not None:
                assert bounded.since is not None
                assert bounded.until is not None
                calendar = Calendar.of(zone, bounded.since, bounded.until)
                # Without a bound it has all there is: then no day is cut, for which hours had to be read.
                since = bounded.since if asked.since is not None else calendar.starts[0]
                until = bounded.until if asked.until is not None else calendar.starts[-1]
                bounded = replace(bounded, since=since, until=until)
                self.phases_wanted |= phases_wanted(calendar, kept)
                rows = daily(source, bounded, measures, calendar, kept)
        found = _columns(("day", *by, *measures), rows)
        return found | {"day": calendar.named(found["day"])} if rows else found

    def top_runs(
        self, limit: int, since: datetime | None, until: datetime | None
    ) -> list[tuple[str, CallTotals]]:
        began = [
            f"{{}} {sign} {_micros(time)}" for sign, time in ((">=", since), ("<", until)) if time is not None
        ]
        with snapshot(self._engine) as connection:
            query = _dearest(limit, began)
            rows = connection.execute(query, {"watermark": read_state(connection).watermark}).all()
        return [(run_id, _totals(dict(zip(_ALL, row, strict=True)))) for run_id, *row in rows]

    def percentiles(
        self, measure: str, quantiles: Sequence[float], by: Sequence[str], filters: Mapping[str, Any]
    ) -> dict[tuple[Any, ...], list[float]]:
        asked = question(by, filters)
        with snapshot(self._engine) as connection:
            found = histograms_of(Source.of(connection, self._archive), asked, measure)
        unit = 1e6 if measure == "duration" else 1
        return {
            _told(by, key): [value / unit for value in counts.quantiles(quantiles)]
            for key, counts in found.items()
        }

    def bill(self, filters: Mapping[str, Any]) -> list[Item]:
        by = ("request_model", "response_model", "receipt_id")
        items: dict[tuple[str, int], CallTotals] = {}
        for (asked, answered, receipt), totals in self.totals(by, filters).items():
            if totals.requests:
                key, billed = (answered or asked, receipt), replace(totals, failed_requests=0)
                items[key] = items[key] + billed if key in items else billed
        texts = receipt_texts(self._engine, {number for _, number in items})
        return in_order(Item(model, receipt_of(texts.get(n)), sums) for (model, n), sums in items.items())

    def latest(self, by: Sequence[str], filters: Mapping[str, Any]) -> dict[tuple[Any, ...], datetime]:
        return {key: moment(row[0]) for key, row in self._groups(by, ("last_at",), filters)}

    def models(self) -> list[tuple[str, str]]:
        groups = self._groups(MODEL, ("requests",), {})
        return sorted({(provider, answered or asked) for (provider, asked, answered), (n,) in groups if n})

    def _groups(
        self, by: Sequence[str], measures: Sequence[str], filters: Mapping[str, Any]
    ) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        count = len(by)
        return [
            (_told(by, row[:count]), _counted(measures, row[count:]))
            for row in self._rows(by, measures, filters)
        ]

    def _rows(self, by: Sequence[str], measures: Sequence[str], filters: Mapping[str, Any]) -> Rows:
        asked = question(by, filters)
        with snapshot(self._engine) as connection:
            return answer(Source.of(connection, self._archive), asked, measures)


def _bounded(source: Source, asked: Question) -> Question | None:
    """The same question with the range that there are calls in; None: there are none."""
    if asked.since is not None and asked.until is not None:
        return asked if asked.since < asked.until else None
    [(first, last)] = answer(source, replace(asked, by=()), ("first_at", "last_at"))
    if first is None:
        return None
    since = first if asked.since is None else asked.since
    return replace(asked, since=since, until=last + 1 if asked.until is None else asked.until)


def _dearest(limit: int, began: Sequence[str]) -> sa.TextClause:
    """The dearest of the runs that are added up, and any with new calls: no other can be among them."""
    own = ", ".join(_ALL)
    new = ", ".join(measure.of_calls + f" AS {measure.name}" for measure in MEASURES)
    sums = ", ".join(f"CAST({measure.of_measures} AS BIGINT) AS {measure.name}" for measure in MEASURES)
    where = " AND ".join(each.format("first_at") for each in began) or "1 = 1"
    having = " AND ".join(each.format("MIN(first_at)") for each in began) or "1 = 1"
    return sa.text(
        f"WITH new AS (SELECT {BY_RUN_ID} AS run_id, {new} FROM calls "  # noqa: S608  # names of our own schema
        f"WHERE position >= :watermark AND {BY_RUN_ID} <> '' GROUP BY 1), "
        f"candidates AS (SELECT run_id FROM (SELECT run_id FROM {by_run.name} WHERE {where} "
        f"ORDER BY cost_nano_usd DESC, run_id LIMIT {limit}) AS dearest UNION SELECT run_id FROM new) "
        f"SELECT run_id, {sums} FROM (SELECT run_id, {own} FROM {by_run.name} "
        "WHERE run_id IN (SELECT run_id FROM candidates) "
        f"UNION ALL SELECT run_id, {own} FROM new) AS parts GROUP BY run_id HAVING {having} "
        f"ORDER BY SUM(cost_nano_usd) DESC, run_id LIMIT {limit}"
    )


def _totals(row: Mapping[str, Any]) -> CallTotals:
    return CallTotals(
        requests=row["requests"],
        usage=TokenUsage(**{name: row[name] for name in COUNTS}),
        cost=cost_of(row),
        unknown_requests=row["unknown_requests"],
        estimated_requests=row["estimated_requests"],
        unpriced_requests=row["unpriced_requests"],
        failed_requests=row["failed_requests"],
        estimated_usage=TokenUsage(**{name: row[f"estimated_{name}"] for name in COUNTS}),
        stated=StatedCost(row["stated_requests"], row["stated_nano_usd"], row["stated_computed"]),
    )


def _known(measures: Sequence[str]) -> Sequence[str]:
    for name in measures:
        if name not in MEASURE:
            raise LedgerError(f"there are no sums of {name!r}; there are of {', '.join(MEASURE)}")
    return measures


def _told(by: Sequence[str], key: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(told(name, value) for name, value in zip(by, key, strict=False))


def _counted(measures: Sequence[str], row: Sequence[Any]) -> tuple[Any, ...]:
    """The sums of no rows are 0, where a sum can't be unknown."""
    return tuple(
        0 if value is None and MEASURE[name].merge is Merge.SUM else value
        for name, value in zip(measures, row, strict=True)
    )


def _columns(names: Sequence[str], rows: Rows) -> dict[str, list[Any]]:
    """Rows as columns, in which what could not be told is None, and the sum of nothing 0."""
    # `zip(*rows)` would make an iterator of each of thousands of rows.
    found = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    for name, column in found.items():
        if name in NULLABLE and "" in column:
            found[name] = [told(name, value) for value in column]
        elif column == [None] and name in MEASURE and MEASURE[name].merge is Merge.SUM:
            found[name] = [0]
    return found


def _micros(time: datetime | None) -> int | None:
    return None if time is None else microseconds(time)
