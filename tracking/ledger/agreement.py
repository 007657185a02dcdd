"""Whether the sums agree with one another: by model, agent, task, price, day and run they are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final

import sqlalchemy as sa

from tracking.ledger.database import snapshot
from tracking.ledger.ledger import Ledger
from tracking.ledger.rollups.days import Calendar, daily
from tracking.ledger.rollups.grains import next_month
from tracking.ledger.rollups.query import Question, Source, answer
from tracking.ledger.rollups.remembered import Rows
from tracking.ledger.rollups.state import phases
from tracking.ledger.rollups.tables import MODEL, by_run
from tracking.ledger.schema import runs

MEASURES: Final = (
    "requests",
    "failed_requests",
    "unknown_requests",
    "unpriced_requests",
    "input_tokens",
    "output_tokens",
    "cost_nano_usd",
)
_SPAN: Final = ("first_at", "last_at")
_NEWEST_RUNS: Final = 20
_MOST_CALLS: Final = 2_000  # of a run whose calls are read one by one


@dataclass(frozen=True, slots=True)
class Side:
    """All calls, or those of some runs, added up in one way.

    Attributes:
        by: what they were added up by, in a word.
        groups: how many of those there are.
        sums: per name of `MEASURES`.
    """

    by: str
    groups: int
    sums: dict[str, int]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Sums of the same calls that have to be equal."""

    of: str
    sides: tuple[Side, ...]

    @property
    def holds(self) -> bool:
        return all(side.sums == self.sides[0].sums for side in self.sides)

    @property
    def odd(self) -> tuple[Side, ...]:
        """Those that are not like the first."""
        return tuple(side for side in self.sides if side.sums != self.sides[0].sums)


def agreements(ledger: Ledger, zone: tzinfo) -> list[Agreement]:
    """Compare the sums as of one moment. It reads sums, and the calls of a few runs.

    Raises:
        LedgerError: the database can't be read.
    """
    ledger.flush()
    with snapshot(ledger.engine) as connection:
        source = Source.of(connection, ledger.archive)
        return [_of_all(source, zone), _of_runs(source)]


def _of_all(source: Source, zone: tzinfo) -> Agreement:
    by = {
        "model": MODEL,
        "agent": ("agent_name",),
        "task": ("task_name",),
        "model and agent": (*MODEL, "agent_name"),
        "price": (*MODEL, "receipt_id"),
    }
    sides = [_side(name, answer(source, Question(by=keys), MEASURES)) for name, keys in by.items()]
    [(first, last)] = answer(source, Question(), _SPAN)
    if first is not None:
        for name, place in (("day", zone), ("day of UTC", UTC)):
            days = Calendar.of(place, first, last + 1)
            asked = Question(
                since=days.starts[0], until=days.starts[-1]
            )  # whole days: no single call is read
            sides.append(_side(name, daily(source, asked, MEASURES, days, phases(source.connection))))
    return Agreement("all calls", tuple(sides))


def _of_runs(source: Source) -> Agreement:
    """The newest runs: as they are kept, and their calls one by one, by agent, by task, by model."""
    parts = source.archive.parts(source.connection)
    here = max(
        (next_month(part.month) for part in parts), default=0
    )  # since when all calls are in the database
    newest = sa.select(runs.c.run_id).order_by(runs.c.created_at.desc()).limit(_NEWEST_RUNS)
    named = set(source.connection.execute(newest).scalars())
    many = by_run.c.requests + by_run.c.failed_requests > _MOST_CALLS
    without = sa.select(by_run.c.run_id).where(by_run.c.run_id.in_(named), many | (by_run.c.first_at < here))
    named -= set(source.connection.execute(without).scalars())
    equal = {"run_id": tuple(named)}
    kept = answer(source, Question(by=("run_id",), equal=equal), MEASURES) if named else []
    if not kept:
        return Agreement("the newest runs", ())
    sides = [Side("run", len(kept), _sums(kept))]
    for name, keys in (("agent", ("agent_name",)), ("task", ("task_name",)), ("model", MODEL)):
        sides.append(_side(name, answer(source, Question(by=keys, equal=equal), MEASURES)))
    return Agreement("the newest runs", tuple(sides))


def _side(by: str, rows: Rows) -> Side:
    return Side(by, len(rows), _sums(rows))


def _sums(rows: Sequence[tuple[Any, ...]]) -> dict[str, int]:
    """What nobody reported adds nothing."""
    columns = zip(*(row[-len(MEASURES) :] for row in rows), strict=True)
    sums = [sum(filter(None, column)) for column in columns] or [0] * len(MEASURES)
    return dict(zip(MEASURES, sums, strict=True))
