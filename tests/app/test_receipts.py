"""Receipts where costs are shown: of a call, of a run, and what the same would cost today."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from run_support import agreeing, call, keep, outputs, refused, run, tasks, three_calls
from streamlit.testing.v1 import AppTest

from tracking import PriceBook, TokenUsage
from tracking.domain.run import RunState
from tracking.settings import Settings
from tracking.ui import state

BOOK = PriceBook.load()
DONE = [RunState.COMPLETED] * 3


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")


def priced(number, model="gpt-4o-mini", **changes):
    one = call(number, request_model=model, **changes)
    cost = BOOK.price(
        model, one.usage, provider="openai", at=one.started_at, service_tier=changes.get("service_tier")
    )
    return one.priced(cost)


def drawn(function, *args):
    test = AppTest.from_function(function, args=args, default_timeout=60).run()
    assert not test.exception
    return test, "\n".join(str(one.value) for kind in (test.markdown, test.caption) for one in kind)


def results():
    def script():
        from tracking.ui.results import results_section

        results_section("run")

    return drawn(script)


def receipt(one):
    def script(one):
        from tracking.ui.receipt import call_receipt

        call_receipt(one, "Europe/Berlin")

    return drawn(script, one)[1]


def test_the_total_of_a_run_opens_into_sums_per_model():
    calls = [priced(0), priced(1), priced(2, "gpt-5"), priced(3, "made-up-1")]
    keep(run(), calls)
    test, text = results()
    assert "Receipt of the total cost" in [one.label for one in test.expander]
    # 300 x 1.25 + 120 x 10 per million; 600 x 0.15 + 240 x 0.60 per million
    assert r"| **gpt-5** | 1 call | *\$0.001575* |" in text
    assert r"| **gpt-4o-mini** | 2 calls | *\$0.000234* |" in text
    assert r"| Input | 600 × \$0.15 | \$0.000090 |" in text
    assert "| **made-up-1** | 1 call | *unpriced* |" in text
    assert "| **Total** |  | **≥\N{NO-BREAK SPACE}\\$0.001809** |" in text


def test_todays_price_stands_beside_the_total_and_only_where_it_differs():
    keep(run(), [priced(0)])
    assert "today" not in results()[1]
    Settings().own_prices.write_text(
        '[[price]]\nprovider = "openai"\nmodel = "gpt-4o-mini"\nsource = "contract"\ninput = 1\noutput = 1\n',
        "utf-8",
    )
    test, text = results()
    # 420 x 1 per million, recorded 300 x 0.15 + 120 x 0.60
    assert r"At today's prices the same calls would cost \$0.00042, not \$0.000117." in text
    assert {one.label: one.value for one in test.metric}["Total Cost"] == r"\$0.000117"


def test_a_calls_receipt_goes_from_what_was_reported_to_the_card_it_was_priced_by():
    usage = TokenUsage(input_tokens=1_000, output_tokens=100, cache_read_input_tokens=400)
    text = receipt(priced(0, "gpt-5", usage=usage, service_tier="flex"))
    assert "Reported: input 1,000, output 100, input read from the cache 400 (part of input)." in text
    assert "service tier flex" in text
    # flex is half: 600 x 0.625 + 100 x 5 + 400 x 0.0625 per million
    assert r"| Input, the rest | 600 × \$0.625 | \$0.000375 |" in text
    assert r"| **Total** |  | **\$0.000900** |" in text
    assert "[openai.com/index/introducing-gpt-5-for-developers](<https://" in text
    assert "in force from 7 Aug 2025" in text
    assert "price card " in text


def test_what_the_provider_says_stands_beside_the_cost_and_its_words_before_ours():
    one = priced(0, stated_nano_usd=120_000, raw_usage={"prompt_tokens": 300, "completion_tokens": 120})
    text = receipt(one)  # 300 x 0.15 + 120 x 0.60 per million is $0.000117
    assert "In the provider's own words: prompt_tokens 300, completion_tokens 120." in text
    assert r"the provider itself says \$0.00012, \$0.000003 more than computed." in text
    assert r"**\$0.000117**" in text
    unlisted = receipt(priced(1, "made-up-1", stated_nano_usd=5_000))
    assert r"the provider itself says \$0.000005, and no price list says anything." in unlisted
    keep(run(), [one, priced(2)])
    assert r"Of 1 call: the provider itself says \$0.00012, \$0.000003 more" in results()[1]


def test_a_call_without_usage_has_a_receipt_that_says_so():
    assert "Its usage is not known." in receipt(call(0, tokens=None))
    assert "it was not billed" in receipt(refused(1))


def test_the_debug_panel_shows_that_prices_were_left_out_then_and_are_now():
    calls = three_calls()
    noted = {"lost": 0, "errors": [], "notes": ["your own prices are left out: prices.toml, line 3: input"]}
    evidence = {"tracking": True, "tracker": noted}
    keep(run(metrics=agreeing(calls), evidence=evidence), calls, tasks(*DONE), outputs())
    Settings().own_prices.write_text("[[price]]\n", "utf-8")

    def script():
        from tracking.ui.debug import debug_section

        debug_section("run")

    test, text = drawn(script)
    assert "Tracker: your own prices are left out: prices.toml, line 3: input" in text
    assert test.warning[0].value.startswith("Prices are left out here: prices.toml, line 1")
    assert "your own prices are left out" in results()[1]  # beside the figures it concerns


def test_the_pages_prices_are_read_anew_when_the_file_changes():
    def price():
        book = state.price_book()
        return book.price(
            "gpt-4o-mini", TokenUsage(input_tokens=10**6), provider="openai", at=datetime.now(UTC)
        )

    Settings().home.mkdir(exist_ok=True)
    assert price().amount == Decimal("0.15")
    stamp = state.price_stamp()
    Settings().own_prices.write_text(
        '[[price]]\nprovider = "openai"\nmodel = "gpt-4o-mini"\nsource = "contract"\ninput = 7\n', "utf-8"
    )
    assert price().amount == 7
    assert state.price_stamp() != stamp  # by which the estimate before a run is made anew, too
