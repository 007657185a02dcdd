"""Calls priced together cost to the nano-dollar what each costs alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracking import PriceBook, TokenUsage
from tracking.domain.usage import COUNTS
from tracking.pricing.bulk import STATES, price_table
from tracking.pricing.columns import call_table

BOOK = PriceBook.load()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MODELS = [
    ("openai", "gpt-4o-mini"),
    ("openai", "o3"),  # cut on 2025-06-10
    ("openai", "gpt-5.4"),  # a tier, flex, priority and batch
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),  # hours of the day
    ("x-ai", "grok-4"),
    ("perplexity", "sonar"),  # a fee per request
    ("local", "smollm2"),
    ("azure", "phi-4-reasoning:free"),
    ("openai", "made-up"),
]
COUNT = st.one_of(st.none(), st.integers(0, 400_000), st.sampled_from([127_999, 128_000, 200_000, 200_001]))
EDGES = ["2025-06-10T00:00Z", "2025-03-01T16:30Z", "2025-03-02T00:30Z", "2024-10-02T00:00Z"]
TIMES = st.one_of(
    st.integers(1_704_067_200, 1_798_675_200).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
    st.sampled_from(EDGES).map(datetime.fromisoformat),
)


@st.composite
def usages(draw):
    whole_input, whole_output = draw(COUNT), draw(COUNT)
    left, counts = whole_input or 0, {"input_tokens": whole_input, "output_tokens": whole_output}
    for part in ("cache_read_input_tokens", "cache_creation_input_tokens"):
        counts[part] = draw(st.one_of(st.none(), st.integers(0, left)))
        left -= counts[part] or 0
    written = counts["cache_creation_input_tokens"] or 0
    short = draw(st.integers(0, written))
    counts["cache_creation_5m_input_tokens"] = draw(st.sampled_from([None, short]))
    counts["cache_creation_1h_input_tokens"] = draw(st.sampled_from([None, written - short]))
    counts["reasoning_output_tokens"] = draw(st.one_of(st.none(), st.integers(0, whole_output or 0)))
    counts["input_audio_tokens"] = draw(st.one_of(st.none(), st.integers(0, whole_input or 0)))
    counts["web_search_requests"] = draw(st.sampled_from([None, 0, 3]))
    return TokenUsage(**counts)


CALLS = st.tuples(
    st.sampled_from(MODELS),
    st.sampled_from([None, "default", "flex", "priority", "batch"]),
    TIMES,
    st.one_of(st.none(), usages()),
)


def table_of(calls):
    return call_table(
        [provider for (provider, _), *_ in calls],
        [model for (_, model), *_ in calls],
        [tier for _, tier, *_ in calls],
        np.array([(at - EPOCH) // timedelta(microseconds=1) for _, _, at, _ in calls], np.int64),
        {
            name: np.array([np.nan if usage is None or getattr(usage, name) is None else getattr(usage, name)
                            for *_, usage in calls], float)
            for name in COUNTS
        },
    )  # fmt: skip


def assert_equal_to_each_alone(calls, *, at=None, model=None, provider=None):
    table = table_of(calls)
    priced = price_table(BOOK, table, at=at, model=model, provider=provider)
    for place, number in enumerate(table.order):
        (seller, name), tier, when, usage = calls[number]
        alone = BOOK.price(
            model or name, usage, provider=provider or seller, at=at or when, service_tier=tier
        )
        together = (int(priced.nano_usd[place]), STATES[priced.states[place]])
        assert together == (alone.nano_usd or 0, alone.state), calls[number]


@given(st.lists(CALLS, max_size=12))
def test_calls_cost_together_what_each_costs_alone(calls):
    assert_equal_to_each_alone(calls)


@given(st.lists(CALLS, max_size=8), TIMES)
def test_so_they_do_at_another_time_and_on_another_model(calls, at):
    assert_equal_to_each_alone(calls, at=at)
    assert_equal_to_each_alone(calls, at=at, model="gpt-4.1", provider="openai")


def test_an_amount_beyond_64_bits_is_exact_all_the_same():
    usage = TokenUsage(input_tokens=10**12, output_tokens=10**12)
    call = (("openai", "gpt-4"), None, datetime(2024, 6, 1, tzinfo=UTC), usage)
    assert_equal_to_each_alone([call, call])
