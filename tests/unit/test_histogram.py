"""Histograms: merged as if they had been one, and quantiles within a percent."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tracking.ledger.rollups.histogram import Histogram, bucket

values = st.lists(st.integers(0, 10**12), max_size=60)


def of(numbers):
    counts = {}
    for number in numbers:
        counts[bucket(number)] = counts.get(bucket(number), 0) + 1
    return Histogram.of(counts)


@given(values, values)
def test_two_that_are_merged_are_the_histogram_of_all(some, others):
    merged = of(some)
    merged.add_bytes(of(others).to_bytes())
    assert merged.to_bytes() == of(some + others).to_bytes()


@given(values)
def test_it_can_be_had_back_from_its_bytes(numbers):
    back = Histogram()
    back.add_bytes(of(numbers).to_bytes())
    assert back.to_bytes() == of(numbers).to_bytes()


@given(st.integers(0, 2**63 - 1))
def test_every_number_of_63_bits_has_a_bucket(number):
    [found] = of([number]).quantiles([1])
    assert math.isclose(found, number, rel_tol=0.01)


def test_counts_of_any_size_come_back():
    for count in (1, 255, 256, 2**16, 2**32, 2**50):
        back = Histogram()
        back.add_bytes(Histogram.of({7: count, 9: 1}).to_bytes())
        assert back.to_bytes() == Histogram.of({7: count, 9: 1}).to_bytes()


@given(values.filter(bool), st.floats(0.001, 1))
def test_a_quantile_is_within_a_percent_of_the_value_at_its_rank(numbers, fraction):
    [found] = of(numbers).quantiles([fraction])
    exact = sorted(numbers)[max(1, math.ceil(fraction * len(numbers))) - 1]
    assert math.isclose(found, exact, rel_tol=0.01)


def test_there_is_no_quantile_of_nothing():
    assert math.isnan(Histogram().quantiles([0.5])[0])
