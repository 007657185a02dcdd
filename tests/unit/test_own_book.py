"""The price book with a person's own prices over the shipped ones."""

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tracking import PriceBook, TokenUsage, track
from tracking.domain.call import LlmCall
from tracking.domain.cost import CostState
from tracking.domain.usage import UsageState
from tracking.errors import PriceError
from tracking.pricing.origin import Origin, address_in, origin_of
from tracking.settings import Settings

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
USAGE = TokenUsage(input_tokens=1_000, output_tokens=100)


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "prices.toml"

    def write(text):
        file.write_text(f'[[price]]\nsource = "https://vendor.example/invoice"\n{text}', "utf-8")
        return file

    return write


def cost(file, model, provider, **changes):
    return PriceBook.load(file).price(model, USAGE, provider=provider, at=AT, **changes)


def test_an_own_price_wins_and_the_receipt_says_whose_it_is(own):
    file = own('provider = "openai"\nmodel = "gpt-4o-mini"\ninput = 1\noutput = 2\n')
    found = cost(file, "openai/gpt-4o-mini", "openai")
    assert found.amount == Decimal("0.0012")  # 1,000 x $1 + 100 x $2 per million
    assert found.receipt.source == "your own price: https://vendor.example/invoice"
    assert origin_of(found.receipt.source) is Origin.OWN
    assert address_in(found.receipt.source) == "https://vendor.example/invoice"


def test_names_that_the_file_does_not_have_keep_their_shipped_price(own):
    file = own('provider = "openai"\nmodel = "gpt-4o-mini"\ninput = 1\n')
    assert cost(file, "gpt-5", "openai") == PriceBook.load().price("gpt-5", USAGE, provider="openai", at=AT)


@pytest.mark.parametrize("spelling", ["google", "gemini", "Vertex_AI"])
def test_a_provider_may_be_spelled_as_crewai_or_litellm_does(own, spelling):
    file = own(f'provider = "{spelling}"\nmodel = "gemini-2.5-flash"\ninput = 7\n')
    assert cost(file, "gemini-2.5-flash", "gemini").receipt.rates == {"input_tokens": Decimal(7)}


@pytest.mark.parametrize("provider", ["openai_compatible", "ollama"])
def test_a_server_of_ones_own_can_be_given_a_price(own, provider):
    assert PriceBook.load().price("mine", USAGE, provider=provider, at=AT).state is not CostState.KNOWN
    file = own(f'provider = "{provider}"\nmodel = "mine"\ninput = 3\n')
    assert cost(file, "mine", provider).amount == Decimal("0.003")


def test_an_own_file_that_is_wrong_is_left_out_and_named(own):
    file = own('provider = "openai"\nmodel = "gpt-4o-mini"\ninput = -1\n')
    with pytest.raises(PriceError):
        PriceBook.load(file)
    book = PriceBook.load_usable(file)
    assert book.problem == "prices.toml, line 1: input: Input should be greater than or equal to 0"
    assert book.price("gpt-4o-mini", USAGE, provider="openai", at=AT).amount == Decimal("0.00021")


def test_a_file_is_read_again_when_it_has_changed(own):
    file = own('provider = "openai"\nmodel = "gpt-4o-mini"\ninput = 1\n')
    assert cost(file, "gpt-4o-mini", "openai").amount == Decimal("0.001")
    own('provider = "openai"\nmodel = "gpt-4o-mini"\ninput = 2\n')
    later = file.stat().st_mtime_ns + 1_000_000_000
    os.utime(file, ns=(later, later))
    assert cost(file, "gpt-4o-mini", "openai").amount == Decimal("0.002")


def test_settings_name_the_file_only_once_it_is_there():
    here = Settings()
    assert here.price_overrides is None
    here.home.mkdir()
    here.own_prices.write_text("", "utf-8")
    assert here.price_overrides == here.home / "prices.toml"


def recorded(**options):
    """One call, recorded by the tracker itself."""
    call = LlmCall(
        call_id="1",
        run_id=None,
        started_at=AT,
        duration=1.0,
        provider_name="openai",
        request_model="gpt-4o-mini",
        usage=USAGE,
        usage_state=UsageState.REPORTED,
    )
    with track("own", **options) as tracker:
        tracker.record(call)
    return tracker


def test_calls_are_priced_by_the_file_that_track_is_given(own):
    file = own('provider = "openai"\nmodel = "gpt-4o-mini"\ninput = 1\noutput = 2\n')
    assert recorded(prices=file).cost.amount == Decimal("0.0012")
    assert recorded().cost.amount == Decimal("0.00021")


@pytest.mark.parametrize("text", ["input = -1", "input = ", 'input = "much"'])
def test_a_file_that_is_wrong_never_breaks_a_crew(own, text):
    tracker = recorded(prices=own(f'provider = "openai"\nmodel = "gpt-4o-mini"\n{text}\n'))
    assert tracker.cost.amount == Decimal("0.00021")
    assert tracker.errors == []
    (note,) = tracker.notes
    assert note.startswith("your own prices are left out: prices.toml")
    assert "line" in note


def test_as_of_takes_the_rates_of_another_time_and_the_hour_of_the_call(own):
    file = own(
        'provider = "openai"\nmodel = "gpt-4o-mini"\nfrom = 2026-07-01\ninput = 10\n'
        "[[price.window]]\nstart = 11:00:00\nend = 13:00:00\nfactor = 0.5\n"
    )
    assert cost(file, "gpt-4o-mini", "openai").state is CostState.UNPRICED  # not in force yet
    july = datetime(2026, 7, 1, tzinfo=UTC)
    assert cost(file, "gpt-4o-mini", "openai", as_of=july).amount == Decimal("0.005")
    evening = PriceBook.load(file).price(
        "gpt-4o-mini", USAGE, provider="openai", at=AT + timedelta(hours=8), as_of=july
    )
    assert evening.amount == Decimal("0.01")
