"""Which of a call's two model names it is priced by."""

from decimal import Decimal

from run_support import call

from tracking import PriceBook, TokenUsage
from tracking.domain.cost import CostState
from tracking.session import price_with

USAGE = TokenUsage(input_tokens=1_000, output_tokens=100)
price = price_with(PriceBook.load())


def test_the_model_that_answered_is_the_one_that_is_billed():
    cost = price(call(1, usage=USAGE, request_model="gpt-4o", response_model="gpt-4o-mini-2024-07-18"))
    assert cost.amount == Decimal("0.00021")  # 1,000 x 0.15 + 100 x 0.60 per million


def test_an_answer_by_a_model_nobody_lists_is_priced_as_asked_for_and_says_so():
    cost = price(call(1, usage=USAGE, request_model="gpt-4o-mini", response_model="gpt-4o-mini-2031-01-01"))
    assert (cost.amount, cost.state) == (Decimal("0.00021"), CostState.KNOWN)
    assert "gpt-4o-mini-2031-01-01 answered, which is in no price list" in cost.receipt.note


def test_two_names_that_nobody_lists_have_no_price():
    cost = price(call(1, usage=USAGE, request_model="mine", response_model="mine-2"))
    assert cost.state is CostState.UNPRICED
    assert cost.receipt.note == "mine-2 is in no price list"
