from datetime import UTC, datetime

import pytest

from tracking import PriceBook
from tracking.budgets.most import Most, most
from tracking.capture.bounds import bounds
from tracking.capture.gate import Asking
from tracking.domain.budget import Amounts, Budget
from tracking.domain.cost import CostState
from tracking.pricing.worst_case import dearest

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BOOK = PriceBook.load()


def cost(model, provider, **options):
    return dearest(BOOK, model, provider=provider, input_tokens=1_000, output_tokens=100, at=NOW, **options)


def test_all_input_is_taken_to_be_fresh_and_all_output_to_be_written():
    # gpt-4o-mini: 1,000 × $0.15 and 100 × $0.60 per million
    assert cost("gpt-4o-mini", "openai").nano_usd == 210_000


def test_where_a_cache_is_asked_for_writing_it_is_the_dearest():
    # claude-sonnet-4-5: 100 × $15; 1,000 × $3 plain, × $3.75 kept for five minutes, × $6 for an hour
    assert cost("claude-sonnet-4-5", "anthropic").nano_usd == 4_500_000
    assert cost("claude-sonnet-4-5", "anthropic", writes_cache=True).nano_usd == 7_500_000


def test_a_model_without_a_price_has_no_worst_case():
    assert cost("nobody-prices-this", "openai").state is CostState.UNPRICED


def most_of(model="gpt-4o-mini", provider="openai", body=None):
    body = body or b'{"messages": [{"role": "user", "content": "hello"}], "max_tokens": 50}'
    asking = Asking("call", NOW, provider, model, "chat", None, agent_is_known=True, body=body)
    return most(asking, bounds(body, "chat"), BOOK, NOW)


def test_the_most_is_the_input_counted_and_the_output_allowed():
    assert most_of() == Most(31_200, 58)  # 8 × $0.15 and 50 × $0.60 per million


def test_without_a_limit_of_its_own_it_is_the_whole_window():
    unlimited = b'{"messages": [{"role": "user", "content": "hello"}]}'
    found = most_of(body=unlimited)
    assert found.tokens == 128_008
    assert found.nano_usd == 8 * 150 + 128_000 * 600


def test_what_runs_on_this_computer_is_free_however_long_it_gets():
    unlimited = b'{"messages": [{"role": "user", "content": "hello"}]}'
    found = most_of("embedded", "local", unlimited)
    assert (found.nano_usd, found.tokens) == (0, None)
    assert found.share_of(Budget(usd="0")) == Amounts(0, 0, 1)
    assert found.share_of(Budget(tokens=5)) is None


@pytest.mark.parametrize(
    ("budget", "share"),
    [
        (Budget(usd="1"), None),
        (Budget(tokens=100), Amounts(0, 58, 1)),
        (Budget(usd="1", on_unpriced="allow"), Amounts(0, 58, 1)),
        (Budget(usd="1", tokens=100, on_unpriced="count tokens"), Amounts(0, 58, 1)),
    ],
)
def test_a_call_without_a_price_is_what_its_budget_makes_of_it(budget, share):
    assert most_of("nobody-prices-this").share_of(budget) == share
