"""What pricing costs, against genai-prices' own `calc_price` for the same calls in the same run."""

from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

import numpy as np
import pytest

from tracking import PriceBook, TokenUsage
from tracking.pricing.bulk import price_table
from tracking.pricing.columns import call_table

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

ROUNDS = 11
EACH = 2_000
ROWS = 1_000_000
MOST_OF_CALC_PRICE = 0.05
TIMES_FASTER_IN_BULK = 1_000

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AT = datetime(2026, 3, 1, tzinfo=UTC)
MODELS = [
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-5.4"),
    ("openai", "o3"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),
    ("x-ai", "grok-4"),
    ("mistral", "mistral-large-latest"),
]
COUNTS = {
    "input_tokens": 1_200,
    "output_tokens": 340,
    "cache_read_input_tokens": 1_024,
    "reasoning_output_tokens": 64,
}


def microseconds_each(price, times=EACH):
    started = perf_counter()
    for _ in range(times):
        price()
    return (perf_counter() - started) / times * 1e6


def by_genai_prices(provider, model):
    from genai_prices import Usage, calc_price

    def price():
        usage = Usage(
            input_tokens=1_200, output_tokens=340, cache_read_tokens=1_024, output_reasoning_tokens=64
        )
        return calc_price(usage, model_ref=model, provider_id=provider, genai_request_timestamp=AT)

    return price


def by_us(book, provider, model):
    usage = TokenUsage(**COUNTS)
    return lambda: book.price(model, usage, provider=provider, at=AT)


def million_calls():
    """Skewed to a few models, over two years, with unknown counts here and there."""
    random = np.random.default_rng(7)
    chosen = np.minimum(random.geometric(0.35, ROWS) - 1, len(MODELS) - 1)
    first = (datetime(2025, 6, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    started_at = first + np.sort(random.integers(0, 365 * 86_400_000_000, ROWS))
    prompt = random.lognormal(8, 1.5, ROWS).astype(np.int64) + 1
    answer = random.lognormal(6, 1, ROWS).astype(np.int64) + 1
    read = np.where(random.random(ROWS) < 0.4, prompt // 2, 0).astype(float)
    read[random.random(ROWS) < 0.1] = np.nan
    counts = {
        "input_tokens": prompt,
        "output_tokens": answer,
        "cache_read_input_tokens": read,
        "reasoning_output_tokens": answer // 4,
    }
    providers = np.array([provider for provider, _ in MODELS], dtype=object)[chosen]
    models = np.array([model for _, model in MODELS], dtype=object)[chosen]
    tiers = np.array([None, "flex", "batch"], dtype=object)[np.minimum(random.geometric(0.9, ROWS) - 1, 2)]
    return call_table(providers, models, tiers, started_at, counts)


def test_pricing_a_call_of_each_model_takes_a_twentieth_of_the_librarys_time(capsys):
    book, ours_took, theirs_took = PriceBook.load(), [], []
    for provider, model in MODELS:
        ours, theirs = by_us(book, provider, model), by_genai_prices(provider, model)
        rounds = [(microseconds_each(ours), microseconds_each(theirs, 300)) for _ in range(ROUNDS)]
        one, other = (median(column) for column in zip(*rounds, strict=True))
        ours_took.append(one)
        theirs_took.append(other)
        with capsys.disabled():
            print(f"\n{model}: {one:.2f} µs, calc_price {other:.0f} µs, ratio {one / other:.3f}", end="")
    together = sum(ours_took) / sum(theirs_took)
    with capsys.disabled():
        print(f"\na call of each: ratio {together:.3f}")
    assert together <= MOST_OF_CALC_PRICE


def test_a_million_calls_in_bulk_take_a_thousandth_of_one_by_one(capsys):
    book, table = PriceBook.load(), million_calls()
    alone = median(microseconds_each(by_genai_prices(*model), 300) for model in MODELS)
    price_table(book, table)
    taken = []
    for _ in range(ROUNDS):
        started = perf_counter()
        priced = price_table(book, table)
        taken.append(perf_counter() - started)
    each = median(taken) / ROWS * 1e6
    with capsys.disabled():
        print(
            f"\na million calls: {median(taken) * 1e3:.0f} ms, one by one {alone:.0f} µs each: "
            f"{alone / each:,.0f} times faster; {(~priced.unpriced).mean():.1%} of them priced"
        )
    assert alone / each >= TIMES_FASTER_IN_BULK
