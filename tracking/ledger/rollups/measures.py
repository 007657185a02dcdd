"""What is added up of calls: every number that `CallTotals` is made of, and when the calls began."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import add
from typing import Any, Final

from tracking.domain.cost import Cost, CostState, state_of_sum
from tracking.domain.usage import COUNTS, UsageState


class Merge(Enum):
    """How two values become one, in SQL: of a group, and of a row that is there and one that comes."""

    SUM = "SUM", "t.{0} + excluded.{0}"
    SUM_OF_KNOWN = "SUM", "COALESCE(t.{0} + excluded.{0}, t.{0}, excluded.{0})"  # None and 3 are 3
    FIRST = "MIN", "CASE WHEN excluded.{0} < t.{0} THEN excluded.{0} ELSE t.{0} END"
    LAST = "MAX", "CASE WHEN excluded.{0} > t.{0} THEN excluded.{0} ELSE t.{0} END"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a group of calls.

    Attributes:
        of_calls: what it is of rows of `calls`, in SQL that both engines understand.
    """

    name: str
    of_calls: str
    merge: Merge = Merge.SUM

    @property
    def of_measures(self) -> str:
        """What it is of rows that hold it already."""
        return f"{self.merge.value[0]}({self.name})"

    @property
    def onto(self) -> str:
        """The assignment that adds a row `excluded` to a row `t`."""
        return f"{self.name} = {self.merge.value[1].format(self.name)}"


def cost_measure(state: CostState) -> str:
    """Under which name the billed calls whose cost is in this state are counted."""
    return "unpriced_requests" if state is CostState.UNPRICED else f"{state}_cost_requests"


COST_MEASURES: Final = {cost_measure(state): state for state in CostState}


def cost_of(row: Mapping[str, Any]) -> Cost:
    """The cost of summed calls, and how sure it is: `row` has every cost measure and `cost_nano_usd`."""
    states = {state for name, state in COST_MEASURES.items() if row[name]}
    if states in (set(), {CostState.UNPRICED}):
        return Cost.unpriced() if states else Cost(0, CostState.KNOWN)
    return Cost(row["cost_nano_usd"], state_of_sum(states))


def _count(condition: str) -> str:
    return f"COUNT(*) FILTER (WHERE {condition})"


_ESTIMATED: Final = f"usage_state = '{UsageState.ESTIMATED}'"
_HAS_BOTH: Final = "billed = 1 AND stated_nano_usd IS NOT NULL AND cost_nano_usd IS NOT NULL"

# Sums of what was billed only: a refused request has neither tokens nor a cost.
MEASURES: Final = (
    Measure("requests", _count("billed = 1")),
    Measure("failed_requests", _count("billed = 0")),
    Measure("unknown_requests", _count(f"billed = 1 AND usage_state = '{UsageState.UNKNOWN}'")),
    Measure("estimated_requests", _count(f"billed = 1 AND {_ESTIMATED}")),
    *(Measure(cost_measure(s), _count(f"billed = 1 AND cost_state = '{s}'")) for s in CostState),
    *(Measure(name, f"SUM({name})", Merge.SUM_OF_KNOWN) for name in COUNTS),
    *(
        Measure(f"estimated_{name}", f"SUM({name}) FILTER (WHERE {_ESTIMATED})", Merge.SUM_OF_KNOWN)
        for name in COUNTS
    ),
    Measure("cost_nano_usd", "COALESCE(SUM(cost_nano_usd), 0)"),
    Measure("stated_requests", _count(_HAS_BOTH)),
    Measure("stated_nano_usd", f"COALESCE(SUM(stated_nano_usd) FILTER (WHERE {_HAS_BOTH}), 0)"),
    Measure("stated_computed", f"COALESCE(SUM(cost_nano_usd) FILTER (WHERE {_HAS_BOTH}), 0)"),
    Measure("duration", "SUM(duration)"),
    Measure("first_at", "MIN(started_at)", Merge.FIRST),
    Measure("last_at", "MAX(started_at)", Merge.LAST),
)
MEASURE: Final = {measure.name: measure for measure in MEASURES}


def merged(measures: Sequence[str], one: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
    """The measures of two groups of calls as those of both."""
    return tuple(
        b if a is None else a if b is None else _MERGE[MEASURE[name].merge](a, b)
        for name, a, b in zip(measures, one, other, strict=True)
    )


_MERGE: Final[dict[Merge, Callable[[int, int], int]]] = {
    Merge.SUM: add,
    Merge.SUM_OF_KNOWN: add,
    Merge.FIRST: min,
    Merge.LAST: max,
}
