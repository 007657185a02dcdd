"""Whatever a provider sends, the counts are sound: none negative, parts within wholes, no exception."""

from hypothesis import given
from hypothesis import strategies as st

from tracking import TokenUsage, normalize_usage
from tracking.capture import payloads as p
from tracking.domain.usage import counts_of

COUNT = st.integers(min_value=0, max_value=10**9)
NAMES = st.sampled_from(
    [
        name
        for group in (p._INPUT, p._OUTPUT, p._OUTSIDE_READ, p._OUTSIDE_WRITE, p._THOUGHTS)
        for name in group
    ]
    + ["cachedContentTokenCount", "cached_prompt_tokens", "reasoning_tokens", "prompt_cache_hit_tokens"]
    + ["total_tokens", "cache_creation_tokens"]
)
VALUES = st.one_of(
    COUNT,
    st.none(),
    st.text(max_size=5),
    st.floats(),
    st.booleans(),
    st.integers(),
    st.lists(COUNT, max_size=2),
)
DETAILS = st.dictionaries(
    st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens", "ephemeral_5m_input_tokens"]),
    VALUES,
)
PAYLOADS = st.dictionaries(
    st.one_of(NAMES, st.sampled_from(["prompt_tokens_details", "cache_creation", "usage"])),
    st.one_of(VALUES, DETAILS),
    max_size=8,
)


@given(
    payload=PAYLOADS, provider=st.sampled_from([None, "openai", "anthropic", "bedrock", "gemini", "litellm"])
)
def test_any_payload_is_read_without_an_exception_into_sound_counts(payload, provider):
    normalize_usage(payload, provider)  # an unsound TokenUsage would not construct


@given(uncached=COUNT, read=COUNT, written=COUNT, output=COUNT)
def test_anthropic_and_bedrock_totals_hold_every_token_once(uncached, read, written, output):
    anthropic = {
        "input_tokens": uncached,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": output,
    }
    bedrock = {
        "inputTokens": uncached,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
        "outputTokens": output,
    }
    for payload, provider in ((anthropic, "anthropic"), (bedrock, "bedrock")):
        assert normalize_usage(payload, provider).total_tokens == uncached + read + written + output


@given(prompt=COUNT, candidates=COUNT, thoughts=COUNT)
def test_gemini_totals_hold_thoughts_once(prompt, candidates, thoughts):
    payload = {"promptTokenCount": prompt, "candidatesTokenCount": candidates, "thoughtsTokenCount": thoughts}
    assert normalize_usage(payload, "gemini").total_tokens == prompt + candidates + thoughts


@given(counts=st.lists(st.tuples(COUNT, COUNT), max_size=20))
def test_adding_usages_loses_and_invents_nothing(counts):
    added = sum((TokenUsage(input_tokens=i, output_tokens=o) for i, o in counts), TokenUsage())
    assert (added.total_tokens or 0) == sum(i + o for i, o in counts)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.integers(0, 10**6))
def test_usage_is_restored_from_its_counts_as_it_was(cached, output, searches):
    usage = TokenUsage(
        input_tokens=2 * cached,
        output_tokens=output,
        cache_read_input_tokens=cached,
        web_search_requests=searches,
    )
    assert TokenUsage.restored(counts_of(usage)) == usage
