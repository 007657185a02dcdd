from decimal import Decimal

import pytest

from tracking.domain.cost import Cost, CostState, total
from tracking.domain.money import nano_usd, usd

KNOWN = Cost(1_240_000_000, CostState.KNOWN)
FREE = Cost(0, CostState.FREE)
ESTIMATED = Cost(5, CostState.ESTIMATED)


def test_a_nano_dollar_is_exact_both_ways():
    assert nano_usd(Decimal("0.054399")) == 54_399_000
    assert usd(54_399_000) == Decimal("0.054399")


def test_half_a_nano_dollar_rounds_to_even():
    assert nano_usd(Decimal("0.0000000005")) == 0
    assert nano_usd(Decimal("0.0000000015")) == 2


def test_an_unpriced_cost_has_no_amount():
    assert Cost.unpriced().amount is None
    with pytest.raises(ValueError, match="unpriced cannot have the amount 0"):
        Cost(0, CostState.UNPRICED)


def test_a_free_cost_is_zero():
    with pytest.raises(ValueError, match="a free call cannot cost 3"):
        Cost(3, CostState.FREE)


@pytest.mark.parametrize(
    ("costs", "amount", "state"),
    [
        ([], 0, CostState.KNOWN),
        ([FREE, FREE], 0, CostState.FREE),
        ([FREE, KNOWN], 1_240_000_000, CostState.KNOWN),
        ([KNOWN, ESTIMATED], 1_240_000_005, CostState.ESTIMATED),
        ([KNOWN, Cost.unpriced()], 1_240_000_000, CostState.PARTIAL),
        ([Cost.unpriced()], None, CostState.UNPRICED),
    ],
)
def test_a_sum_is_as_sure_as_its_least_sure_part(costs, amount, state):
    added = total(costs)
    assert (added.nano_usd, added.state) == (amount, state)
