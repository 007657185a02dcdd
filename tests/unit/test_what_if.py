"""Replays of recorded calls, with the arithmetic written out."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from run_support import call

from tracking import Cost, Ledger, PriceBook, TokenUsage
from tracking.analysis.what_if import COLUMNS, Scenario, recorded, replay
from tracking.domain.cost import CostState
from tracking.domain.usage import UsageState

BOOK = PriceBook.load()
AT = datetime(2026, 3, 1, tzinfo=UTC)


def priced(number, usage, model="gpt-4o", provider="openai", **changes):
    cost = BOOK.price(model, usage, provider=provider, at=AT) if usage else Cost.unpriced()
    values = {
        "usage": usage,
        "cost": cost,
        "request_model": model,
        "response_model": None,
        "provider_name": provider,
        "started_at": AT,
    }
    return call(number, **{**values, **changes})


@pytest.fixture
def replayed(tmp_path):
    def run(calls, scenario):
        with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
            for each in calls:
                ledger.append(each)
            return replay(BOOK, recorded(ledger.columns(*COLUMNS, billed=1)), scenario)

    return run


USAGE = TokenUsage(input_tokens=100_000, output_tokens=10_000)
SPOKEN = TokenUsage(input_tokens=10, output_tokens=1, input_audio_tokens=5)


def test_another_model_is_priced_with_the_same_counts(replayed):
    found = replayed([priced(1, USAGE), priced(2, USAGE)], Scenario(model="gpt-4o-mini", provider="openai"))
    # two calls, each 100,000 x 2.50 + 10,000 x 10 against 100,000 x 0.15 + 10,000 x 0.60, per million
    assert (found.was_nano_usd, found.would_be_nano_usd) == (700_000_000, 42_000_000)
    assert (found.calls, found.replayed, found.saving) == (2, 2, Decimal("0.658"))


def test_batch_halves_it(replayed):
    found = replayed([priced(1, USAGE)], Scenario(service_tier="batch"))
    assert (found.was_nano_usd, found.would_be_nano_usd) == (350_000_000, 175_000_000)


def test_a_cache_reads_its_share_of_every_input(replayed):
    found = replayed([priced(1, USAGE)], Scenario(cached_share=Fraction(3, 5)))
    # 40,000 x 2.50 + 60,000 x 1.25 + 10,000 x 10, per million
    assert found.would_be_nano_usd == 275_000_000


def test_the_same_calls_at_the_prices_of_another_day(replayed):
    found = replayed([priced(1, USAGE)], Scenario(at=datetime(2024, 6, 1, tzinfo=UTC)))
    # gpt-4o was gpt-4o-2024-05-13 then: 100,000 x 5 + 10,000 x 15, per million
    assert found.would_be_nano_usd == 650_000_000


def test_what_cannot_be_replayed_is_counted_with_its_reason(replayed):
    calls = [
        priced(1, USAGE),
        priced(2, TokenUsage(input_tokens=200_000, output_tokens=1), cost=Cost(1, CostState.KNOWN)),
        priced(3, None, usage_state=UsageState.UNKNOWN),
        priced(4, SPOKEN, cost=Cost(1, CostState.KNOWN)),
        priced(5, TokenUsage(input_tokens=10), "text-embedding-3-small", operation_name="embeddings"),
        priced(6, USAGE, cost=Cost.unpriced()),
    ]
    found = replayed(calls, Scenario(model="gpt-4o-mini", provider="openai"))
    assert (found.calls, found.replayed) == (6, 1)
    assert found.left_out == {
        "its input is larger than the 128,000 tokens the model takes": 1,
        "its token usage is not known": 1,
        "it has audio, for which the model has no price": 1,
        "it was no chat": 1,
        "what it cost itself is not known": 1,
    }


def test_a_model_without_a_price_saves_nothing(replayed):
    found = replayed([priced(1, USAGE)], Scenario(model="made-up", provider="openai"))
    assert (found.replayed, found.saving, found.left_out) == (0, 0, {"there is no price for it": 1})


def test_nothing_recorded_is_nothing_replayed(replayed):
    found = replayed([], Scenario(model="gpt-4o-mini", provider="openai"))
    assert (found.calls, found.replayed, found.left_out) == (0, 0, {})
