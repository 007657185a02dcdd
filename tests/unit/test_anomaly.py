"""When a run stands out: far above the median of those before it, by their own spread."""

from fractions import Fraction

import pytest

from tracking.analysis.anomaly import Anomaly, anomaly

# Median 105, deviations from it 5 5 3 3 1 1 5 5, whose median is 4: 105 + 3.5 × 4 / 0.6745 = 125.76 …
# Half the median more is the least that is told: 157.5.
ALIKE = [100, 110, 102, 108, 104, 106, 110, 100]
# Median 100, deviations 0 40 40 50 50 0 60 60, whose median is 45: 100 + 3.5 × 45 / 0.6745 = 333.5 …
SPREAD = [100, 60, 140, 50, 150, 100, 160, 40]


@pytest.mark.parametrize(
    ("value", "earlier", "stands_out"),
    [
        (157, ALIKE, False),
        (158, ALIKE, True),
        (333, SPREAD, False),
        (334, SPREAD, True),
        (0, SPREAD, False),  # less is no news
        (10**9, SPREAD[:7], False),  # too few to know
        (150, [100] * 8, False),
        (151, [100] * 8, True),  # no spread at all
        (5, [0] * 5 + [1] * 3, False),
        (10**12, [], False),
    ],
)
def test_what_stands_out(value, earlier, stands_out):
    assert (anomaly(value, earlier) is not None) is stands_out


def test_it_says_what_is_usual_and_how_many_times_it_is():
    found = anomaly(300, [*ALIKE, 5_000])  # one outlier among them moves nothing
    assert found == Anomaly(300, Fraction(106), 9)
    assert found.times == Fraction(300, 106)


def test_money_is_compared_exactly():
    earlier = [10**18 + 1] * 8
    assert anomaly((10**18 + 1) * 3 // 2, earlier) is None
    assert anomaly((10**18 + 1) * 3 // 2 + 1, earlier) is not None
