"""How a budget stands, and what it says to a call that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tracking.domain.budget import NOTHING, Amounts, Budget, Span, Unit
from tracking.domain.money import usd


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands in one of its periods.

    Attributes:
        spent: by calls that have ended, and by those of other programs that are in the ledger.
        presumed: the part of `spent` that nobody reported: the most that calls can have used whose end was
            never seen.
        reserved: the most that calls under way can take.
        raised: on top of the budget's limits, in this period.
        overshoot: how much more calls took than was set aside for them: the tokenizer's error.
    """

    budget: Budget
    span: Span
    spent: Amounts = NOTHING
    presumed: Amounts = NOTHING
    reserved: Amounts = NOTHING
    raised: Amounts = NOTHING
    overshoot: Amounts = NOTHING
    refused: int = 0

    @property
    def limits(self) -> dict[Unit, int]:
        """With what they were raised by."""
        return {unit: limit + self.raised.of(unit) for unit, limit in self.budget.limits.items()}

    def left(self, unit: Unit) -> int | None:
        """How much of a unit can still be set aside; below 0: more was spent than allowed."""
        limit = self.limits.get(unit)
        return None if limit is None else limit - self.spent.of(unit) - self.reserved.of(unit)

    @property
    def share(self) -> float:
        """The largest part of a limit that is spent; 1 or more: nothing is left. Of a limit of 0, 1."""
        parts = [self.spent.of(unit) / limit if limit else 1.0 for unit, limit in self.limits.items()]
        return max(parts)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call was not made.

    Attributes:
        unit: what did not suffice; None: what the call may take can't be told, see `why`.
        asked: the most that it can take; with `limit`, `spent` and `reserved`, in that unit.
    """

    budget: str
    key: str
    period: str
    unit: Unit | None
    limit: int = 0
    spent: int = 0
    reserved: int = 0
    asked: int = 0
    why: str = ""

    def __str__(self) -> str:
        if self.unit is None:
            return f"budget {self.budget!r} allows no call whose price is not known: {self.why}"
        spent, reserved = said(self.spent, self.unit), said(self.reserved, self.unit)
        return (
            f"budget {self.budget!r} of {said(self.limit, self.unit)} does not suffice: {spent} spent, "
            f"{reserved} reserved, at most {said(self.asked, self.unit)} asked for the next call, "
            "which was not made"
        )

    def to_json(self) -> dict[str, str | int | None]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Refusal:
        unit = data.get("unit")
        values = {name: data[name] for name in cls.__slots__ if name in data and name != "unit"}
        return cls(**values, unit=None if unit is None else Unit(str(unit)))  # type: ignore[arg-type]  # as it was written


@dataclass(frozen=True, slots=True)
class Crossing:
    """A budget has come past one of its thresholds."""

    percent: int
    standing: Standing

    def __str__(self) -> str:
        parts = (
            f"{said(self.standing.spent.of(unit), unit)} of {said(limit, unit)}"
            for unit, limit in self.standing.limits.items()
        )
        how = "spent" if self.standing.share >= 1 else f"{self.percent} % spent"
        return f"budget {self.standing.budget.name!r} is {how}: {', '.join(parts)}"


def said(amount: int, unit: Unit) -> str:
    """An amount with every digit it has: `$0.0123`, `1,200 tokens`, `1 call`."""
    if unit is Unit.NANO_USD:
        whole, _, cents = f"{usd(amount):,.9f}".rstrip("0").partition(".")
        return f"${whole}.{cents.ljust(2, '0')}"
    return f"{amount:,} {str(unit).removesuffix('s') if amount == 1 else unit}"
