"""However a model is spelled, pricing it raises nothing, and what is not known costs nobody knows what."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tracking import PriceBook, TokenUsage
from tracking.domain.cost import CostState

BOOK = PriceBook.load()
USAGE = TokenUsage(input_tokens=1_000, output_tokens=100)
PIECES = st.sampled_from(
    ["openai/", "azure/", "bedrock/", "us.", "anthropic.", "claude-sonnet-4-5", "gpt-4o", "gemini-2.5-pro",
     "o3", "-20260231", "-2026-02-31", "@20250929", "-v1:0", ":free", "-latest", "models/", "/", ":",
     "arn:aws:bedrock:"]
)  # fmt: skip
NAMES = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=5).map("".join))
PROVIDERS = st.one_of(st.none(), st.text(max_size=10), st.sampled_from(["openai", "azure", "aws", "google"]))


@given(NAMES, PROVIDERS, st.one_of(st.none(), st.text(max_size=8)), st.integers(2015, 2040))
def test_any_name_is_priced_or_unpriced_with_a_reason(model, provider, tier, year):
    cost = BOOK.price(model, USAGE, provider=provider, at=datetime(year, 3, 1, tzinfo=UTC), service_tier=tier)
    assert (cost.amount is None) == (cost.state is CostState.UNPRICED)
    assert cost.amount is not None or cost.receipt.note


@given(
    st.sampled_from(["gpt-4o", "o3", "claude-opus-4-5", "gemini-2.5-pro", "grok-4"]),
    st.text("abcxyz", min_size=2),
)
def test_a_name_that_only_begins_like_a_model_is_not_that_model(model, more):
    for invented in (f"{model}-{more}", f"{model}{more}", f"{more}-{model}"):
        assert BOOK.price(invented, USAGE, at=datetime(2026, 3, 1, tzinfo=UTC)).state is CostState.UNPRICED
