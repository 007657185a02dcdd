"""What a run has used by and by: tokens and cost added up over time, in a bounded number of steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tracking.domain.call import LlmCall
from tracking.domain.money import usd as dollars

MOST_STEPS: Final = 300


@dataclass(frozen=True, slots=True)
class Step:
    """What had been used when a call ended, that call included.

    Attributes:
        at: since the run began.
        unknown: calls among them whose tokens are not known; `unpriced`: whose cost is not.
    """

    at: timedelta
    calls: int
    tokens: int
    nano_usd: int
    unknown: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A line that the sum is held against: so many tokens, or so many dollars, under a name."""

    label: str
    tokens: int | None = None
    usd: Decimal | None = None


def steps(calls: Sequence[LlmCall], began: datetime, most: int = MOST_STEPS) -> tuple[Step, ...]:
    """One per billed call in the order in which they ended; of more than `most` some, the last among them.

    Each step is exact: the calls of those that are left out are in the next one.
    """
    found: list[Step] = []
    step = Step(timedelta(), 0, 0, 0, 0, 0)
    for call in sorted((call for call in calls if call.billed), key=lambda call: call.ended_at):
        tokens = None if call.usage is None else call.usage.total_tokens
        nano = call.cost.nano_usd
        step = Step(
            max(timedelta(), call.ended_at - began),
            step.calls + 1,
            step.tokens + (0 if tokens is None else tokens),
            step.nano_usd + (0 if nano is None else nano),
            step.unknown + (tokens is None),
            step.unpriced + (nano is None),
        )
        found.append(step)
    if len(found) <= most:
        return tuple(found)
    return tuple(found[-1 - (most - 1 - n) * (len(found) - 1) // (most - 1)] for n in range(most))


def cost_at(step: Step) -> Decimal:
    return dollars(step.nano_usd)
