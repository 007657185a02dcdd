"""The tables that hold calls added up. `''` stands for what could not be told, and receipt 0 for none.

Each bucket of time is a row per agent, per model, and so on: see `grains`. What is in them are exactly the
calls below the watermark; the others are added when a question is asked, so that no answer is ever stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from tracking.ledger.rollups.grains import DAY, HOUR, MONTH, QUARTER
from tracking.ledger.rollups.measures import MEASURES, Merge
from tracking.ledger.schema import metadata

MODEL: Final = ("provider_name", "request_model", "response_model")
# Of the columns that calls are grouped by, those that may be None in a call.
NULLABLE: Final = frozenset({"response_model", "agent_name", "task_name", "run_id"})
# A condition as an index has it, which a statement must repeat word for word to be answered from it.
OF_DAYS: Final = f"grain >= {DAY}"


@dataclass(frozen=True, slots=True)
class Rollup:
    """Calls added up per `keys` and bucket of time; `grains` has the coarsest first.

    `days_of_zones`: it also has the days that begin when those of a viewer's time zone do.
    """

    table: Table
    keys: tuple[str, ...]
    grains: tuple[int, ...]
    days_of_zones: bool = False

    @property
    def name(self) -> str:
        return self.table.name


def _measures() -> list[Column[int]]:
    return [Column(m.name, BigInteger, nullable=m.merge is Merge.SUM_OF_KNOWN) for m in MEASURES]


def _key(name: str) -> Column[str] | Column[int]:
    return (
        Column(name, BigInteger, primary_key=True, autoincrement=False)
        if name == "receipt_id"
        else Column(name, Text, primary_key=True)
    )


def _time_columns() -> tuple[Column[int], Column[int]]:
    return (
        Column("grain", Integer, primary_key=True, autoincrement=False),
        Column("start", BigInteger, primary_key=True, autoincrement=False),
    )


def _rollup(
    name: str, keys: tuple[str, ...], grains: tuple[int, ...], *, days_of_zones: bool = False
) -> Rollup:
    columns = (*_time_columns(), *map(_key, keys), *_measures())
    return Rollup(Table(name, metadata, *columns, sqlite_with_rowid=False), keys, grains, days_of_zones)


_ALL_GRAINS: Final = (MONTH, DAY, HOUR, QUARTER)
BY_MODEL: Final = _rollup("usage_by_model", MODEL, _ALL_GRAINS, days_of_zones=True)
# What is drawn of days, apart from the three dozen other numbers of a row: it is read a year at a time.
_IS_OF_DAYS: Final = text(OF_DAYS)
Index(
    "usage_by_model_of_days",
    *(
        BY_MODEL.table.c[name]
        for name in (
            *("grain", "start", *MODEL, "requests", "failed_requests", "cost_nano_usd"),
            *("input_tokens", "output_tokens", "cache_read_input_tokens"),
            *("unknown_requests", "estimated_requests", "unpriced_requests"),
            *("partial_cost_requests", "estimated_cost_requests"),
        )
    ),
    sqlite_where=_IS_OF_DAYS,
    postgresql_where=_IS_OF_DAYS,
)
BY_AGENT: Final = _rollup("usage_by_agent", ("agent_name",), _ALL_GRAINS, days_of_zones=True)
BY_TASK: Final = _rollup("usage_by_task", ("task_name",), _ALL_GRAINS, days_of_zones=True)
# Coarse only: pairs of models and agents are many.
BY_MODEL_AND_AGENT: Final = _rollup("usage_by_model_and_agent", (*MODEL, "agent_name"), (MONTH, DAY))
BY_RECEIPT: Final = _rollup("usage_by_receipt", (*MODEL, "receipt_id"), (MONTH, DAY))

# The order is that in which they are asked: the smallest first.
ROLLUPS: Final = (BY_MODEL, BY_AGENT, BY_TASK, BY_MODEL_AND_AGENT, BY_RECEIPT)

by_run: Final = Table(
    "usage_by_run",
    metadata,
    Column("run_id", Text, primary_key=True),
    *_measures(),
    Index("usage_by_run_dearest", "cost_nano_usd"),
    Index("usage_by_run_first", "first_at", "cost_nano_usd"),
    sqlite_with_rowid=False,
)

# What quantiles are taken of: a column of `calls`, of billed calls.
HISTOGRAM_OF: Final = ("duration", "input_tokens", "output_tokens")
HISTOGRAM_GRAINS: Final = (MONTH, DAY)
histograms: Final = Table(
    "histograms",
    metadata,
    Column("measure", Text, primary_key=True),
    *_time_columns(),
    *map(_key, MODEL),
    Column("counts", LargeBinary, nullable=False),  # how many values per bucket, see `Histogram.to_bytes`
    sqlite_with_rowid=False,
)

# One row. Calls whose position is below the watermark are in the tables above, the others are not.
state: Final = Table(
    "rollup_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("watermark", BigInteger, nullable=False, server_default=text("0")),
    # Counts what changed calls that had been added up: who is adding up meanwhile begins anew.
    Column("generation", BigInteger, nullable=False, server_default=text("0")),
)

# Seconds after midnight of UTC at which somebody's days begin.
zone_days: Final = Table(
    "rollup_zone_days", metadata, Column("phase", Integer, primary_key=True, autoincrement=False)
)
