import pytest

from tracking.domain.usage import TokenUsage
from tracking.errors import UsageError


def test_a_part_larger_than_its_whole_is_refused_naming_both_numbers():
    with pytest.raises(
        UsageError, match=r"cache_read_input_tokens \(13216\) cannot exceed input_tokens \(3\)"
    ):
        TokenUsage(input_tokens=3, cache_read_input_tokens=13216)


def test_cache_reads_and_writes_together_cannot_exceed_the_input():
    with pytest.raises(UsageError, match=r"reads and writes \(11\) cannot exceed input_tokens \(10\)"):
        TokenUsage(input_tokens=10, cache_read_input_tokens=6, cache_creation_input_tokens=5)


def test_reasoning_cannot_exceed_the_output():
    with pytest.raises(UsageError, match=r"reasoning_output_tokens \(9\) cannot exceed output_tokens \(8\)"):
        TokenUsage(output_tokens=8, reasoning_output_tokens=9)


def test_a_negative_count_is_refused():
    with pytest.raises(UsageError, match=r"output_tokens \(-1\) cannot be negative"):
        TokenUsage(output_tokens=-1)


def test_parts_are_never_added_on_top():
    usage = TokenUsage(
        input_tokens=100, output_tokens=50, cache_read_input_tokens=90, reasoning_output_tokens=40
    )
    assert usage.total_tokens == 150
    assert usage.uncached_input_tokens == 10


def test_an_absent_count_stays_absent_in_sums_of_absent_ones_only():
    total = TokenUsage(input_tokens=3) + TokenUsage(input_tokens=4, output_tokens=0)
    assert total.input_tokens == 7
    assert total.output_tokens == 0
    assert total.cache_read_input_tokens is None


def test_a_total_of_nothing_known_is_not_known():
    assert TokenUsage().total_tokens is None


def test_a_sum_without_one_of_its_parts_is_the_rest():
    whole = TokenUsage(input_tokens=100, output_tokens=10, cache_read_input_tokens=40)
    part = TokenUsage(input_tokens=30, output_tokens=10)
    assert whole - part == TokenUsage(input_tokens=70, output_tokens=0, cache_read_input_tokens=40)
    assert whole - TokenUsage() == whole
