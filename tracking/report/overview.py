"""What was spent in a period, on what, and day by day: from the ledger's sums, never from single calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

from tracking.domain.call import CallTotals, totals
from tracking.domain.cost import CostState
from tracking.domain.usage import TokenUsage
from tracking.ledger.database import moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.rollups.measures import COST_MEASURES, cost_measure, cost_of
from tracking.report.breakdown import UNATTRIBUTED, Dimension
from tracking.report.format import spoken
from tracking.report.period import Period, midnight
from tracking.report.stretches import DAILY, Stretch, billed, stretches

MODEL: Final = ("provider_name", "request_model", "response_model")
OTHER: Final = "Other"
_NOTHING: Final = totals(())
_COUNTS: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens")
# Of all that the ledger adds up, what these pages show.
_MEASURES: Final = (
    "requests",
    "failed_requests",
    "unknown_requests",
    "estimated_requests",
    *COST_MEASURES,
    *_COUNTS,
    "cost_nano_usd",
)
_RUNS: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """An agent, task or model. `name` None: the calls that nobody could be named for."""

    name: str | None
    label: str
    totals: CallTotals
    share: float | None  # of the whole's known cost, or of its known tokens where nothing costs


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a model's answers took, in seconds: half of them, 95 % and 99 % at most."""

    model: str
    requests: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Overview:
    """A period in figures. `before`: the same of what it is compared with; None: of nothing."""

    period: Period
    whole: CallTotals
    before: CallTotals | None
    agents: tuple[Part, ...]
    models: tuple[Part, ...]
    stretches: tuple[Stretch, ...]
    unit: str  # what a stretch is: `day`, `week`, `month`
    first: date | None  # the first day with a call

    @property
    def is_empty(self) -> bool:
        return not self.whole.requests and not self.whole.failed_requests


@dataclass(frozen=True, slots=True)
class DearRun:
    """One of the dearest runs. `name` None: the ledger has calls of it, and no record."""

    run_id: str
    name: str | None
    totals: CallTotals
    share: float | None  # of what the period cost


def load_overview(ledger: Ledger, period: Period, zone: tzinfo) -> Overview:
    """A few questions, each answered from sums."""
    models = by_model(ledger.sums(*_MEASURES, by=MODEL, **period.filters))
    whole = together(models.values())
    before = None
    if period.before is not None:
        since, until = period.before
        before = together(groups(ledger.sums(*_MEASURES, since=since, until=until), ()).values())
    daily = ledger.daily(zone, *DAILY, by=MODEL, **_whole_days(ledger, period, zone))
    unit, found = stretches(daily, period)
    return Overview(
        period,
        whole,
        before,
        where(ledger, period, Dimension.AGENT),
        parts(models, whole, Dimension.MODEL),
        found,
        unit,
        next(iter(daily["day"]), None),
    )


def where(ledger: Ledger, period: Period, by: Dimension) -> tuple[Part, ...]:
    """Where it went in a period, by agent or task."""
    column = {Dimension.AGENT: "agent_name", Dimension.TASK: "task_name"}[by]
    found = groups(ledger.sums(*_MEASURES, by=(column,), **period.filters), (column,))
    named = {name: sums for (name,), sums in found.items()}
    return parts(named, together(named.values()), by)


def dearest_runs(ledger: Ledger, period: Period, whole: CallTotals) -> list[DearRun]:
    """The runs that began in a period and cost most, with what they are called."""
    top = [(run_id, sums) for run_id, sums in ledger.top_runs(_RUNS, **period.filters) if sums.cost.nano_usd]
    names = {run.run_id: run.name for run in ledger.runs(run_id=tuple(r for r, _ in top))} if top else {}
    spent = whole.cost.nano_usd
    return [
        DearRun(run_id, names.get(run_id), sums, (sums.cost.nano_usd or 0) / spent if spent else None)
        for run_id, sums in top
    ]


def latencies(ledger: Ledger, period: Period) -> list[Latency]:
    """How long answers took per model, the most asked first.

    The range is widened to whole days of UTC, of which histograms are kept: no single call is read.
    """
    filters = {name: _utc_day(time, up=name == "until") for name, time in period.filters.items()}
    by = ("request_model", "response_model")
    found = ledger.percentiles("duration", 0.5, 0.95, 0.99, by=by, **filters)
    *keys, counts = ledger.sums("requests", by=by, **filters).values()
    requests = dict(zip(zip(*keys, strict=True), counts, strict=True))
    named = {key: billed(*key) for key in found}
    often = list(named.values())
    lines = [
        Latency(
            f"{name} (asked for as {key[0]})" if often.count(name) > 1 else name,
            requests.get(key, 0),
            *found[key],
        )
        for key, name in named.items()
    ]
    return sorted(lines, key=lambda line: (-line.requests, line.model))


def model_order(ledger: Ledger) -> list[str]:
    """Every model's name, the dearest of all history first: the order in which they are given colours."""
    named = by_model(ledger.sums(*_MEASURES, by=MODEL))
    return [str(part.name) for part in parts(named, together(named.values()), Dimension.MODEL)]


def by_model(columns: Mapping[str, Sequence[Any]]) -> dict[str | None, CallTotals]:
    """Sums per provider, model asked and model that answered, as sums per billed model."""
    found: dict[str | None, CallTotals] = {}
    for (_, asked, answered), sums in groups(columns, MODEL).items():
        name = billed(asked, answered)
        found[name] = found[name] + sums if name in found else sums
    return found


def groups(
    columns: Mapping[str, Sequence[Any]], by: Sequence[str]
) -> dict[tuple[str | None, ...], CallTotals]:
    """What `Ledger.sums` gives, as totals of the measures that are shown here."""
    rows = range(len(columns["requests"]))
    return {
        tuple(columns[name][row] for name in by): _totals({name: columns[name][row] for name in _MEASURES})
        for row in rows
    }


def together(many: Iterable[CallTotals]) -> CallTotals:
    added = _NOTHING
    for each in many:
        added += each
    return added


def parts(named: Mapping[str | None, CallTotals], whole: CallTotals, by: Dimension) -> tuple[Part, ...]:
    """The dearest first; what costs nothing by its tokens."""
    found = [Part(name, _label(name, by), sums, _share(sums, whole)) for name, sums in named.items()]
    return tuple(sorted(found, key=_place))


def _whole_days(ledger: Ledger, period: Period, zone: tzinfo) -> dict[str, Any]:
    """The period as days with a beginning and an end: whole ones are kept, and no single call is read."""
    if period.since is not None:
        return period.filters
    [first], [last] = ledger.sums("first_at", "last_at").values()
    if first is None:
        return {}
    days = [moment(micros).astimezone(zone).date() for micros in (first, last)]
    return {"since": midnight(days[0], zone), "until": midnight(days[1] + timedelta(days=1), zone)}


def _totals(row: Mapping[str, Any]) -> CallTotals:
    return CallTotals(
        requests=row["requests"],
        usage=TokenUsage(**{name: row[name] for name in _COUNTS}),
        cost=cost_of(row),
        unknown_requests=row["unknown_requests"],
        estimated_requests=row["estimated_requests"],
        unpriced_requests=row[cost_measure(CostState.UNPRICED)],
        failed_requests=row["failed_requests"],
    )


def _share(sums: CallTotals, whole: CallTotals) -> float | None:
    if whole.cost.nano_usd:
        return (sums.cost.nano_usd or 0) / whole.cost.nano_usd
    used = whole.usage.total_tokens
    return (sums.usage.total_tokens or 0) / used if used else None


def _place(part: Part) -> tuple[int, int, str]:
    return -(part.totals.cost.nano_usd or 0), -(part.totals.usage.total_tokens or 0), part.label


def _label(name: str | None, by: Dimension) -> str:
    if name is None:
        return UNATTRIBUTED
    return spoken(name) if by is Dimension.TASK else name


def _utc_day(time: datetime, *, up: bool) -> datetime:
    day = time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if day == time or not up else day + timedelta(days=1)
