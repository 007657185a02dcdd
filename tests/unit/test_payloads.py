"""The measured payloads of usage_cases.json, and the kinds behind them."""

import json
from pathlib import Path

import pytest

from tracking import TokenUsage, normalize_usage
from tracking.capture.payloads import read_usage

CASES = {
    case["id"].split()[0]: case["payload"]
    for case in json.loads((Path(__file__).parents[1] / "golden" / "usage_cases.json").read_text())
}


def counts(payload, provider=None):
    return normalize_usage(payload, provider).counts()


def test_anthropic_cache_writes_are_part_of_the_input_once():
    assert counts(CASES["C01"]) == {
        "input_tokens": 12_307,  # 3 + 12,304
        "output_tokens": 550,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 12_304,
    }


def test_openai_cached_tokens_are_inside_the_prompt():
    usage = normalize_usage(CASES["C03"])
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (17_903, 17_817)
    assert usage.uncached_input_tokens == 86
    assert usage.output_tokens is None


def test_openai_reasoning_is_inside_the_output():
    usage = normalize_usage(CASES["C05"])
    assert (usage.output_tokens, usage.reasoning_output_tokens) == (1970, 956)
    assert usage.total_tokens == 24_088


def test_gemini_thoughts_are_beside_the_candidates():
    usage = normalize_usage(CASES["C06"])
    assert usage.output_tokens == 1859  # 1364 + 495
    assert usage.total_tokens == 2183  # what Gemini itself says


def test_anthropic_cache_writes_keep_their_lifetimes():
    usage = normalize_usage(CASES["C10"])
    assert usage.cache_creation_1h_input_tokens == 344_139
    assert usage.cache_creation_5m_input_tokens == 0


def test_a_whole_response_is_read_through_its_usage():
    usage = normalize_usage(CASES["C11"]["response"])
    assert usage.counts() == {"input_tokens": 2000, "output_tokens": 500, "cache_read_input_tokens": 1000}


def test_bedrock_input_leaves_the_cache_out():
    payload = {
        "inputTokens": 3,
        "outputTokens": 12,
        "cacheReadInputTokens": 13_216,
        "cacheWriteInputTokens": 25,
    }
    usage = normalize_usage(payload, "bedrock")
    assert usage.input_tokens == 13_244
    assert usage.uncached_input_tokens == 3


def test_litellm_puts_anthropics_cache_keys_beside_an_inclusive_prompt():
    payload = {
        "prompt_tokens": 12_307,
        "completion_tokens": 550,
        "total_tokens": 12_857,
        "cache_creation_input_tokens": 12_304,
        "cache_read_input_tokens": 0,
    }
    assert normalize_usage(payload).input_tokens == 12_307


def test_deepseek_counts_cache_hits_inside_the_prompt():
    payload = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64}
    assert normalize_usage(payload).cache_read_input_tokens == 64


def test_an_object_reads_like_a_dict():
    class Details:
        cached_tokens = 7

    class Usage:
        prompt_tokens = 20
        completion_tokens = 4
        prompt_tokens_details = Details()

    usage = normalize_usage(Usage())
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (20, 7, 4)


@pytest.mark.parametrize("nothing", [None, {}, [], "", 7, object(), {"usage": None}, {"total_tokens": 0}])
def test_a_payload_that_says_nothing_is_not_zero(nothing):
    assert normalize_usage(nothing) == TokenUsage()
    assert read_usage(nothing).usage is None


def test_an_impossible_part_is_cut_and_flagged_rather_than_raised():
    read = read_usage({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 900}})
    assert read.usage == TokenUsage(input_tokens=10, cache_read_input_tokens=10)
    assert read.flags == ["cache_read_input_tokens 900 cut to input_tokens 10"]


def test_a_negative_count_is_dropped_and_flagged():
    read = read_usage({"prompt_tokens": -5, "completion_tokens": 2})
    assert read.usage == TokenUsage(output_tokens=2)
    assert "prompt_tokens was -5" in read.flags
