"""Bills: sums of calls that re-add to their cost, and how they are written."""

from decimal import Decimal

from run_support import call, refused

from tracking import PriceBook, TokenUsage
from tracking.domain.bill import bill
from tracking.domain.call import totals
from tracking.domain.cost import Cost, CostState, Receipt
from tracking.domain.usage import UsageState
from tracking.ui.receipt import receipt_rows, reported, source_link

BOOK = PriceBook.load()


def priced(number, model="gpt-4o-mini", provider="openai", **changes):
    one = call(number, request_model=model, provider_name=provider, **changes)
    return one.priced(BOOK.price(model, one.usage, provider=provider, at=one.started_at))


def test_a_bill_has_an_item_per_model_and_rates_and_adds_up_to_the_calls():
    calls = [priced(0), priced(1, tokens=(100, 7)), priced(2, "gpt-5"), priced(3, "made-up-1"), refused(4)]
    items = bill(calls)
    assert [(item.model, item.totals.requests) for item in items] == [
        ("gpt-5", 1),
        ("gpt-4o-mini", 2),
        ("made-up-1", 1),
    ]
    known = [item.totals.cost.amount for item in items if item.totals.cost.amount is not None]
    assert sum(known) == totals(calls).cost.amount
    assert [line.count for line in items[1].lines] == [400, 127]  # 300 + 100 in, 120 + 7 out
    assert all(sum(line.amount for line in i.lines) + i.rounding == i.totals.cost.amount for i in items[:2])


def test_a_fee_on_every_request_is_charged_for_each_of_them():
    (item,) = bill([priced(0, "sonar", "perplexity"), priced(1, "sonar", "perplexity")])
    assert {line.name: line.count for line in item.lines}["requests"] == 2
    assert item.rounding == 0


def test_a_receipt_lists_each_line_with_all_digits_and_ends_with_the_cost():
    usage = TokenUsage(input_tokens=1_000, output_tokens=7, cache_read_input_tokens=400)
    one = call(0, usage=usage)
    one = one.priced(BOOK.price("gpt-4o-mini", usage, provider="openai", at=one.started_at))
    assert receipt_rows(bill([one]), one.cost) == [
        ("Input, the rest", r"600 × \$0.15", r"\$0.0000900"),
        ("Output", r"7 × \$0.60", r"\$0.0000042"),
        ("Input read from the cache", r"400 × \$0.075", r"\$0.0000300"),
        ("**Total**", "", r"**\$0.0001242**"),
    ]


def test_rounding_is_a_line_of_its_own():
    rates = {"input_tokens": Decimal("0.0005")}
    cost = Cost(
        1, CostState.KNOWN, Receipt("openai", "cheap", "test", rates)
    )  # 0.5 nano-dollars, and 0.5 more
    one = call(0, tokens=(1, 0), cost=cost)
    assert receipt_rows(bill([one]), cost)[1:] == [
        ("Each call rounded to a billionth of a dollar", "", r"\$0.0000000005"),
        ("**Total**", "", r"**\$0.0000000010**"),
    ]


def test_what_has_no_price_stands_in_the_bill_with_its_reason():
    calls = [priced(0), priced(1, "made-up-1")]
    rows = receipt_rows(bill(calls), totals(calls).cost)
    assert rows[-3] == ("**made-up-1**", "1 call", "*unpriced*")
    assert rows[-2] == ("Made-up-1 is in no price list", "", "")
    assert rows[-1][2].startswith("**≥\N{NO-BREAK SPACE}\\$0.")


def test_a_free_call_says_why():
    one = priced(0, "smollm2-135m-instruct", "local")
    assert receipt_rows(bill([one]), one.cost) == [
        ("Runs on your own machine", "", "free"),
        ("**Total**", "", "**free**"),
    ]


def test_reported_counts_say_what_they_are_part_of():
    usage = TokenUsage(input_tokens=1_000, output_tokens=7, cache_read_input_tokens=400)
    assert reported(usage, UsageState.REPORTED) == (
        "Reported: input 1,000, output 7, input read from the cache 400 (part of input)."
    )
    assert reported(None, UsageState.UNKNOWN) == "Its usage is not known."


def test_a_source_that_is_an_address_can_be_opened():
    assert source_link("https://a.example/x_y/") == "[a.example/x_y](<https://a.example/x_y/>)"
    assert source_link("your own price: invoice 7") == "your own price: invoice 7"
    assert source_link("genai-prices 0.2.3") == "genai-prices 0.2.3"
