"""Receipts in the ledger: each once, under a number made of what it says, which nobody has to hand out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import sqlalchemy as sa

from tracking.ledger.schema import receipts


@lru_cache(maxsize=10_000)
def receipt_id(text: str) -> int:
    """63 bits of a hash of the receipt's JSON; never 0, which stands for none."""
    return (int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1) or 1


def receipt_texts(engine: sa.Engine, numbers: Iterable[int]) -> dict[int, str]:
    """Receipts by their numbers, as JSON."""
    query = sa.select(receipts).where(receipts.c.receipt_id.in_(list(numbers)))
    with engine.connect() as connection:
        return {row.receipt_id: row.receipt for row in connection.execute(query)}
