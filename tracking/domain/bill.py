"""A bill: calls added up by the rates they were priced at. It is to a sum what a receipt is to a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tracking.domain.call import CallTotals, LlmCall, totals
from tracking.domain.cost import Line, Receipt


@dataclass(frozen=True, slots=True)
class Item:
    """Billed calls of one model that the same rates applied to. `receipt` None: no price was looked up."""

    model: str
    receipt: Receipt | None
    totals: CallTotals

    @property
    def lines(self) -> list[Line]:
        """The arithmetic of all of them at once; nothing where there is no amount that it could add up to."""
        if self.receipt is None or self.totals.cost.nano_usd is None:
            return []
        return self.receipt.lines(self.totals.usage, self.totals.requests)

    @property
    def rounding(self) -> Decimal:
        """What the amount has over its lines: each call is rounded to a billionth of a dollar by itself."""
        amount = self.totals.cost.amount
        return (
            Decimal(0) if amount is None else amount - sum((line.amount for line in self.lines), Decimal(0))
        )


def bill(calls: Iterable[LlmCall]) -> list[Item]:
    """The billed calls, the dearest item first. The items' totals add up to the calls'."""
    groups: dict[tuple[object, ...], list[LlmCall]] = {}
    for call in calls:
        if call.billed:
            groups.setdefault((call.billed_model, *_said(call.cost.receipt)), []).append(call)
    return in_order(
        Item(group[0].billed_model, group[0].cost.receipt, totals(group)) for group in groups.values()
    )


def in_order(items: Iterable[Item]) -> list[Item]:
    """The dearest first, what has no price last."""
    return sorted(items, key=_place)


def _place(item: Item) -> tuple[int, str]:
    nano = item.totals.cost.nano_usd
    return (1 if nano is None else -nano, item.model)


def _said(receipt: Receipt | None) -> tuple[object, ...]:
    """Everything a receipt says, as something that can be compared and looked up."""
    if receipt is None:
        return ()
    return tuple(
        tuple(value.items()) if isinstance(value, Mapping) else value
        for value in (getattr(receipt, name) for name in receipt.__slots__)
    )
