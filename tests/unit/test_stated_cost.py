"""What a provider itself says that a call cost is kept beside what was computed, and never added to it."""

from decimal import Decimal

import pytest
from run_support import call

from tracking import Ledger
from tracking.capture.wire import Answer
from tracking.domain.call import StatedCost, totals


@pytest.mark.parametrize(
    ("usage", "nano_usd"),
    [
        ({"prompt_tokens": 3, "cost": 0.00014}, 140_000),  # OpenRouter
        (
            {"cost": 0.000007, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.00014}},
            147_000,  # its fee, and what one's own key paid elsewhere
        ),
        ({"cost": 0.00014, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.00013}}, 140_000),
        ({"cost": {"total_cost": 0.005, "request_cost": 0.005}}, 5_000_000),  # Perplexity
        ({"cost": "1e-4"}, 100_000),
        ({"cost": 0}, 0),
        ({"cost": "a lot"}, None),
        ({"cost": {}}, None),
        ({"prompt_tokens": 3}, None),
    ],
)
def test_it_is_read_from_the_usage(usage, nano_usd):
    answer = Answer()
    answer.absorb({"usage": usage})
    assert answer.stated_nano_usd() == nano_usd


def test_a_litellm_proxy_says_it_in_the_head():
    answer = Answer()
    answer.stated({"x-litellm-response-cost": "0.000123"})
    answer.absorb({"usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    assert answer.stated_nano_usd() == 123_000


def test_it_stands_beside_the_computed_cost_of_the_same_calls(database_url):
    calls = [
        call(1, nano=100, stated_nano_usd=120, raw_usage={"prompt_tokens": 300}),
        call(2, nano=100),
        call(3, nano=None, stated_nano_usd=50),
    ]
    assert totals(calls).cost.nano_usd == 200
    assert totals(calls).stated == StatedCost(requests=1, nano_usd=120, computed_nano_usd=100)
    with Ledger.open(database_url) as ledger:
        for each in calls:
            ledger.append(each)
        assert ledger.totals().stated == totals(calls).stated
        assert [kept.stated_nano_usd for kept in ledger.calls()] == [120, None, 50]
        assert next(ledger.calls()).raw_usage == {"prompt_tokens": 300}
        assert ledger.totals().cost.amount == Decimal("0.0000002")
