"""What a call costs by the public price list, with its arithmetic written out."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tracking import PriceBook, TokenUsage
from tracking.domain.cost import CostState

AT = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = TokenUsage(input_tokens=1_000, output_tokens=100)


def price(model, usage=PLAIN, provider=None, **changes):
    return PriceBook.load().price(model, usage, provider=provider, at=AT, **changes)


def test_a_model_is_found_with_its_provider_before_it_or_beside_it():
    # 1,000 x $0.15 and 100 x $0.60 per million
    assert price("openai/gpt-4o-mini").amount == Decimal("0.00021")
    assert price("gpt-4o-mini", provider="openai") == price("openai/gpt-4o-mini")


def test_cached_input_is_charged_once_and_at_its_own_rate():
    usage = TokenUsage(
        input_tokens=1_000,
        output_tokens=100,
        cache_read_input_tokens=300,
        cache_creation_input_tokens=200,
        cache_creation_5m_input_tokens=150,
        cache_creation_1h_input_tokens=50,
        web_search_requests=3,
    )
    cost = price("claude-sonnet-4-5", usage, "anthropic")
    # 500 x 3 + 300 x 0.30 + 150 x 3.75 + 50 x 6 + 100 x 15 per million, 3 searches x $10 per thousand
    assert cost.amount == Decimal("0.0039525") + Decimal("0.03")
    assert cost.state is CostState.KNOWN
    assert usage.apart(cost.receipt.rates) == {
        "input_tokens": 500,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 150,
        "cache_creation_1h_input_tokens": 50,
        "output_tokens": 100,
        "web_search_requests": 3,
    }


def test_a_large_prompt_is_charged_at_the_rate_of_its_tier():
    cost = price("gemini-2.5-pro", TokenUsage(input_tokens=300_000, output_tokens=100), "gemini")
    assert cost.receipt.rates["input_tokens"] == Decimal("2.5")  # 1.25 up to 200,000
    assert cost.amount == Decimal("0.7515")  # 300,000 x 2.50 + 100 x 15 per million


def test_what_has_no_rate_makes_the_cost_a_lower_bound_and_is_named():
    cost = price("gpt-4", TokenUsage(input_tokens=1_000, output_tokens=100, web_search_requests=5), "openai")
    assert (cost.amount, cost.state) == (Decimal("0.036"), CostState.PARTIAL)
    assert cost.receipt.note.endswith("has no rate for web_search_requests")


def test_a_fee_per_request_is_in_the_cost():
    # 1,000 x $1 + 100 x $1 per million, and $12 per thousand requests
    assert price("sonar", provider="perplexity").amount == Decimal("0.0131")


@pytest.mark.parametrize(
    ("model", "provider", "why"),
    [
        ("made-up-1", "openai", "made-up-1 is in no price list"),
        ("mine", "openai_compatible", "no price list covers openai_compatible"),
        ("gpt-4o", "github-copilot", "lists gpt-4o without a price for tokens"),
    ],
)
def test_what_has_no_price_is_unpriced_with_the_reason_and_never_free(model, provider, why):
    cost = price(model, provider=provider)
    assert (cost.amount, cost.state) == (None, CostState.UNPRICED)
    assert why in cost.receipt.note


def test_unknown_usage_has_no_price():
    assert price("gpt-4o-mini", None, "openai").receipt.note == "its token usage is not known"


@pytest.mark.parametrize(
    ("model", "provider"), [("smollm2-135m-instruct", "local"), ("phi-4-reasoning:free", "azure")]
)
def test_what_is_known_to_cost_nothing_is_free(model, provider):
    assert price(model, provider=provider).state is CostState.FREE
