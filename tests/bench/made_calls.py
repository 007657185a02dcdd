"""Calls of the made history as the values that crews append."""

from bench.columns import values
from bench.history import made_history

from tracking.domain.call import LlmCall
from tracking.ledger.rows import READ_COLUMNS, call_of

_RECEIPT = READ_COLUMNS.index("receipt_id")


def made_calls(count: int, seed: int = 5) -> list[LlmCall]:
    found: list[LlmCall] = []
    receipts: dict[int, str] = {}
    for piece in made_history(count, seed):
        receipts |= dict(zip(*map(values, piece.receipts.columns), strict=True))
        rows = zip(*map(values, piece.calls.columns), strict=True)
        found += [call_of((*row, receipts[row[_RECEIPT]])) for row in rows]
    return found
