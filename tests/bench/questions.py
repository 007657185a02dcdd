"""What pages ask of a history: each as a call of the ledger, and as SQL over the raw rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bench.chances import micros
from bench.runs import END

from tracking import Ledger
from tracking.domain.call import CallTotals
from tracking.domain.usage import COUNTS

QUANTILES = (0.5, 0.95, 0.99)
MODEL = ("provider_name", "request_model")
TOP = 20
# What the ledger's totals are made of, in SQL of its own: refused requests are counted, not added up.
_SUMS = (
    "COUNT(*) FILTER (billed = 1), COUNT(*) FILTER (billed = 0), "
    "COUNT(*) FILTER (billed = 1 AND usage_state = 'unknown'), "
    "COUNT(*) FILTER (billed = 1 AND usage_state = 'estimated'), "
    "COUNT(*) FILTER (billed = 1 AND cost_nano_usd IS NULL), "
    "SUM(cost_nano_usd), " + ", ".join(f"SUM({name})" for name in COUNTS)
)
_QUARTER, _DAY = 900_000_000, 86_400_000_000


@dataclass(frozen=True)
class Question:
    """`ask` and `sql` have the same answer, once `read` has put the ledger's in order.

    `keys`: how many of the columns say whose the rest are. `near`: the values may differ by some percent.
    `whole`: it is of all history.
    """

    name: str
    ask: Callable[[Ledger], Any]
    read: Callable[[Any], dict]
    sql: str
    keys: int
    whole: bool = False
    near: bool = False
    limit: float = 0.05  # seconds on SQLite
    rest: bool = False  # the first value compares; what follows is read with it


def questions(some_run: str) -> Iterator[Question]:
    yield from _totals()
    for by in (("agent_name",), ("task_name",), MODEL):
        for days in (None, 30):
            yield _grouped(by, days)
    for zone in ("UTC", "America/New_York", "Asia/Kolkata"):
        for days in (None, 90, 30):
            yield _daily(zone, days)
    for days in (None, 30):
        yield _top_runs(days)
        yield _percentiles(MODEL, days)
        yield _percentiles((), days)
    yield _calls_of_run(some_run)


def _totals() -> Iterator[Question]:
    ranges: dict[str, tuple[datetime | None, datetime | None]] = {"all": (None, None)}
    ranges |= {f"{days} days": (END - timedelta(days=days), None) for days in (365, 90, 30, 7)}
    ranges["143 days 7:13 to 12 days 3:41 ago"] = (
        END - timedelta(days=143, hours=7, minutes=13),
        END - timedelta(days=12, hours=3, minutes=41),
    )
    for name, (since, until) in ranges.items():
        span = _given(since=since, until=until)

        def ask(ledger: Ledger, span=span) -> CallTotals:
            return ledger.totals(**span)

        yield Question(
            f"totals, {name}",
            ask,
            lambda sums: {(): _values(sums)},
            f"SELECT {_SUMS} FROM calls {_where(span)}",
            0,
            not span,
        )


def _grouped(by: tuple[str, ...], days: int | None) -> Question:
    span = _since(days)

    def ask(ledger: Ledger) -> dict:
        return ledger.totals(by=by, **span)

    def read(found: dict) -> dict:
        return {key: _values(sums) for key, sums in found.items()}

    names = ", ".join(by)
    sql = f"SELECT {names}, {_SUMS} FROM calls {_where(span)} GROUP BY {names}"
    return Question(f"by {' and '.join(by)}, {_told(days)}", ask, read, sql, len(by), not span)


def _daily(zone: str, days: int | None) -> Question:
    span = _since(days)

    def ask(ledger: Ledger) -> dict:
        return ledger.daily(ZoneInfo(zone), "cost_nano_usd", "requests", by=MODEL, **span)

    def read(found: dict) -> dict:
        day, provider, model, cost, requests = found.values()
        keys = zip(day, provider, model, strict=True)
        return {key: list(each) for key, *each in zip(keys, cost, requests, strict=True)}

    names = ", ".join(MODEL)
    grain, day = _DAY, "make_timestamp(start)::DATE"
    if zone != "UTC":  # by quarter hours first: asking the zone's rules for every row would take seconds
        grain, day = _QUARTER, f"timezone('{zone}', make_timestamptz(start))::DATE"
    per_start = (
        f"SELECT started_at // {grain} * {grain} AS start, {names}, COALESCE(SUM(cost_nano_usd), 0) AS cost, "
        f"COUNT(*) FILTER (billed = 1) AS requests FROM calls {_where(span)} GROUP BY ALL"
    )
    sql = f"SELECT {day} AS day, {names}, SUM(cost), SUM(requests) FROM ({per_start}) GROUP BY ALL"
    return Question(f"cost per day per model, {zone}, {_told(days)}", ask, read, sql, 3, not span)


def _top_runs(days: int | None) -> Question:
    span = _since(days)

    def ask(ledger: Ledger) -> list:
        return ledger.top_runs(TOP, **span)

    def read(found: list) -> dict:
        return {(run,): _values(sums) for run, sums in found}

    began = f"HAVING MIN(started_at) >= {micros(span['since'])}" if span else ""
    sql = (
        f"SELECT run_id, {_SUMS} FROM calls WHERE run_id IS NOT NULL GROUP BY run_id {began} "
        f"ORDER BY SUM(cost_nano_usd) DESC NULLS LAST, run_id LIMIT {TOP}"
    )
    return Question(f"top {TOP} runs, {_told(days)}", ask, read, sql, 1, not span)


def _percentiles(by: tuple[str, ...], days: int | None) -> Question:
    span = _since(days)

    def ask(ledger: Ledger) -> dict:
        return ledger.percentiles("duration", *QUANTILES, by=by, **span)

    each = ", ".join(f"quantile_disc(duration, {q}) / 1e6" for q in QUANTILES)
    columns = ", ".join((*by, each))
    sql = f"SELECT {columns} FROM calls {_where(span, 'billed = 1')} GROUP BY ALL"
    whose = "by model" if by else "all models"
    return Question(
        f"p50, p95, p99 of durations, {whose}, {_told(days)}", ask, dict, sql, len(by), not span, near=True
    )


def _calls_of_run(run: str) -> Question:
    def ask(ledger: Ledger) -> list:
        return list(ledger.calls(run_id=run))

    def read(found: list) -> dict:
        return {(call.call_id,): [call.cost.nano_usd] for call in found}

    rest = "* EXCLUDE (call_id, cost_nano_usd)"
    sql = f"SELECT call_id, cost_nano_usd, {rest} FROM calls WHERE run_id = '{run}' ORDER BY started_at"
    return Question("one run's calls", ask, read, sql, 1, limit=0.001, rest=True)


def _values(sums: Any) -> list[int | None]:
    usage = sums.usage
    return [
        sums.requests,
        sums.failed_requests,
        sums.unknown_requests,
        sums.estimated_requests,
        sums.unpriced_requests,
        sums.cost.nano_usd,
        *(getattr(usage, name) for name in COUNTS),
    ]


def _since(days: int | None) -> dict[str, datetime]:
    return {} if days is None else {"since": END - timedelta(days=days)}


def _given(**span: datetime | None) -> dict[str, datetime]:
    return {name: time for name, time in span.items() if time is not None}


def _told(days: int | None) -> str:
    return "all" if days is None else f"{days} days"


def _where(span: dict[str, datetime], *conditions: str) -> str:
    signs = {"since": ">=", "until": "<"}
    parts = [
        *conditions,
        *(f"started_at {signs[name]} {micros(time.astimezone(UTC))}" for name, time in span.items()),
    ]
    return f"WHERE {' AND '.join(parts)}" if parts else ""
