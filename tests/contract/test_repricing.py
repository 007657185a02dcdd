"""A price list that changes changes no cost that was recorded."""

from datetime import UTC, datetime
from decimal import Decimal

from run_support import call

from tracking import Ledger, PriceBook, TokenUsage
from tracking.analysis.what_if import COLUMNS, Scenario, recorded, replay

AT = datetime(2026, 3, 1, tzinfo=UTC)
OVERRIDE = """
[[price]]
provider = "openai"
model = "gpt-4o-mini"
source = "https://example.com/prices"
input = 1
output = 2
"""


def test_past_costs_stay_as_they_were_and_todays_prices_are_a_view(database_url, tmp_path):
    usage = TokenUsage(input_tokens=1_000_000, output_tokens=100_000)
    before = PriceBook.load().price("gpt-4o-mini", usage, provider="openai", at=AT)
    with Ledger.open(database_url) as ledger:
        ledger.append(call(1, usage=usage, cost=before, started_at=AT, response_model=None))
    (tmp_path / "prices.toml").write_text(OVERRIDE)
    book = PriceBook.load(tmp_path / "prices.toml")
    assert book.price("gpt-4o-mini", usage, provider="openai", at=AT).amount == Decimal("1.2")
    with Ledger.open(database_url) as ledger:
        [kept] = ledger.calls()
        today = replay(book, recorded(ledger.columns(*COLUMNS, billed=1)), Scenario(at=datetime.now(UTC)))
        assert ledger.totals().cost.amount == Decimal("0.21")  # 1,000,000 x 0.15 + 100,000 x 0.60 per million
    assert kept.cost == before
    assert (today.was_nano_usd, today.would_be_nano_usd) == (210_000_000, 1_200_000_000)
