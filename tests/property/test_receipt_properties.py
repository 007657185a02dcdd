"""Whatever a call used, its receipt adds up to its cost."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tracking import PriceBook, TokenUsage

BOOK = PriceBook.load()
AT = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = st.integers(min_value=0, max_value=10**6)
MODELS = [
    ("gpt-4o-mini", "openai"),
    ("claude-sonnet-4-5", "anthropic"),
    ("gemini-2.5-pro", "gemini"),
    ("sonar", "perplexity"),
]


@given(
    model=st.sampled_from(MODELS),
    fresh=COUNT,
    read=COUNT,
    short=COUNT,
    long=COUNT,
    output=COUNT,
    reasons=COUNT,
)
def test_rates_times_what_they_are_charged_for_are_the_cost(model, fresh, read, short, long, output, reasons):
    usage = TokenUsage(
        input_tokens=fresh + read + short + long,
        output_tokens=output + reasons,
        cache_read_input_tokens=read,
        cache_creation_input_tokens=short + long,
        cache_creation_5m_input_tokens=short,
        cache_creation_1h_input_tokens=long,
        reasoning_output_tokens=reasons,
    )
    name, provider = model
    cost = BOOK.price(name, usage, provider=provider, at=AT)
    rates = dict(cost.receipt.rates)
    fee = rates.pop("requests", Decimal(0)) / 1_000
    charged = usage.apart(rates)
    assert sum(rates[part] * count for part, count in charged.items()) / 10**6 + fee == cost.amount
