"""What made calls cost: each by the prices of its own time, with the receipt that says so."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from tracking import PriceBook, TokenUsage
from tracking.ledger.receipts import receipt_id
from tracking.pricing.bulk import STATES, price_table
from tracking.pricing.columns import CallTable, Group, call_table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Costs:
    """Prices calls in columns. `receipts` grows: by number, as the ledger keeps them."""

    def __init__(self) -> None:
        self._book = PriceBook.load()
        self.receipts: dict[int, str] = {}

    def price(
        self,
        provider: Sequence[str],
        model: Sequence[str],
        tier: Sequence[str | None],
        started_at: np.ndarray,
        counts: Mapping[str, np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Nano-dollars, the states' places in `STATES`, and the receipts' numbers. NaN: a count not known."""
        table = call_table(provider, model, tier, started_at, counts)
        priced = price_table(self._book, table)
        numbers = np.zeros(len(table), np.int64)
        for group in table.groups:
            key = self._alike(group, table) * len(STATES) + priced.states[group.rows]
            _, firsts, kinds = np.unique(key, return_index=True, return_inverse=True)
            of_kind = [self._receipt(group, table, group.rows.start + int(first)) for first in firsts]
            numbers[group.rows] = np.array(of_kind, np.int64)[kinds]
        in_order = np.argsort(table.order)
        return priced.nano_usd[in_order], priced.states[in_order], numbers[in_order]

    def _alike(self, group: Group, table: CallTable) -> np.ndarray:
        """A number for each row of a group: the same for rows of one state that share a receipt."""
        rows = group.rows
        offers = self._book.offers(group.model, provider=group.provider)
        if not isinstance(offers, tuple):
            return table.unknown[rows].astype(np.int64)
        begun = sorted(_micros(each) for o in offers for each in (o.since, o.until) if each is not None)
        steps = sorted({each.above for o in offers for each in o.card.situations() if each.above >= 0})
        age = np.searchsorted(np.array(begun, np.int64), table.started_at[rows], "right")
        level = np.searchsorted(np.array(steps, np.int64), table.counts["input_tokens"][rows])
        return (age * (len(steps) + 1) + level) * 2 + table.unknown[rows]

    def _receipt(self, group: Group, table: CallTable, row: int) -> int:
        counts = {name: int(column[row]) for name, column in table.counts.items()}
        cost = self._book.price(
            group.model,
            None if table.unknown[row] else TokenUsage(**counts),
            provider=group.provider,
            at=_EPOCH + timedelta(microseconds=int(table.started_at[row])),
            service_tier=group.service_tier,
        )
        assert cost.receipt is not None
        text = json.dumps(cost.receipt.to_json())
        number = receipt_id(text)
        self.receipts[number] = text
        return number


def _micros(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)
