"""Calls priced together under a card that has everything at once."""

from datetime import UTC, datetime, timedelta

import numpy as np

from tracking import PriceBook, TokenUsage
from tracking.pricing.bulk import price_table
from tracking.pricing.columns import call_table
from tracking.pricing.history import parse

TEXT = """
[[price]]
provider = "openai"
model = "m"
source = "https://example.org"
input = 2
output = 8
[[price.tier]]
above = 100
input = 3
[price.service.flex]
factor = 0.5
[[price.service.flex.tier]]
above = 200
input = 1
[[price.window]]
start = 22:00:00
end = 02:00:00
days = ["mon"]
factor = 0.5
[[price.window.tier]]
above = 150
input = 5
"""


def test_tiers_of_the_card_a_service_tier_and_a_window_are_those_of_each_call_alone(tmp_path):
    book = PriceBook(parse(TEXT, tmp_path / "prices.toml"))
    monday = datetime(2026, 3, 2, 23, tzinfo=UTC)
    calls = [
        (tokens, tier, monday + timedelta(hours=hours))
        for tokens in (100, 101, 150, 151, 200, 201)
        for tier in (None, "flex")
        for hours in (0, 2, 3, 24)
    ]
    micros = [int(at.timestamp()) * 1_000_000 for *_, at in calls]
    counts = {"input_tokens": [tokens for tokens, *_ in calls], "output_tokens": [0] * len(calls)}
    table = call_table(
        ["openai"] * len(calls), ["m"] * len(calls), [tier for _, tier, _ in calls], np.array(micros), counts
    )
    priced = price_table(book, table)
    alone = [
        book.price(
            "m",
            TokenUsage(input_tokens=tokens, output_tokens=0),
            provider="openai",
            at=at,
            service_tier=tier,
        ).nano_usd
        for tokens, tier, at in (calls[number] for number in table.order)
    ]
    assert priced.nano_usd.tolist() == alone
    assert len(set(alone)) > 10
