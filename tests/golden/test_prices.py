"""Costs worked out by hand from what the vendors stated: dated, tiered, aliased, and some without a price."""

import csv
import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tracking import PriceBook, TokenUsage

with (Path(__file__).parent / "prices.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))
TERMS = re.compile(r"[\d.*/()+,x -]+")


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['model']} {row['at'][:16]} {row['service_tier']}".strip()
)
def test_a_call_costs_what_its_vendor_charged_at_the_time(row):
    cost = PriceBook.load().price(
        row["model"],
        TokenUsage(**json.loads(row["usage"])),
        provider=row["provider"] or None,
        at=datetime.fromisoformat(row["at"]),
        service_tier=row["service_tier"] or None,
    )
    assert cost.amount == (Decimal(row["amount_usd"]) if row["amount_usd"] else None), cost.receipt
    if cost.amount is not None:
        usage = TokenUsage(**json.loads(row["usage"]))
        assert sum(line.amount for line in cost.receipt.lines(usage)) == cost.amount
        assert cost.receipt.source.startswith(("https://", "genai-prices"))


def test_the_set_is_large_and_knows_what_has_no_price():
    assert len(ROWS) >= 120
    assert {"openai", "anthropic", "google", "aws", "azure", "mistral", "deepseek", "groq", "x-ai"} <= {
        row["provider"] for row in ROWS
    }
    assert sum(not row["amount_usd"] for row in ROWS) >= 20
