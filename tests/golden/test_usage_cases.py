"""The 22 measured cases: numbers that other tools got wrong in public, each with where that was reported."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from tracking import LlmCall, PriceBook, TokenUsage, Tracker, normalize_usage
from tracking.capture.wire import Answer, EventStream
from tracking.domain.call import totals
from tracking.domain.cost import Cost, CostState
from tracking.domain.reading import CrewFacts, Reading, Source, Verification
from tracking.domain.reconciliation import reconcile
from tracking.domain.usage import UsageState

CASES = {
    case["id"].split()[0]: case
    for case in json.loads((Path(__file__).parent / "usage_cases.json").read_text(), parse_float=Decimal)
}
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def on_card(tmp_path):
    """Prices a usage by a card of the case's own, as a person would write it down."""

    def priced(usage, card, *, more="", service_tier=None):
        rates = "".join(f"{key} = {rate}\n" for key, rate in card.items())
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.toml"
        path.write_text(f'[[price]]\nprovider = "openai"\nmodel = "m"\nsource = "the case"\n{rates}{more}')
        book = PriceBook.load(path)
        cost = book.price("m", usage, provider="openai", at=AT, service_tier=service_tier)
        if cost.amount is not None:
            assert sum(line.amount for line in cost.receipt.lines(usage)) == cost.amount
        return cost

    return priced


def case(name):
    return CASES[name]["payload"], CASES[name]["price_card_usd_per_mtok"], CASES[name]["right"]


@cache
def book():
    return PriceBook.load()


def call(number, usage, cost=None, **changes):
    values = {
        "call_id": f"call-{number}",
        "run_id": "run",
        "started_at": AT + timedelta(seconds=number),
        "duration": 1.0,
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "usage": usage,
        "usage_state": UsageState.REPORTED,
        "cost": cost or Cost(0, CostState.KNOWN),
    }
    return LlmCall(**{**values, **changes})


def test_c01_an_anthropic_cache_write_is_billed_once(on_card):
    payload, card, right = case("C01")
    assert on_card(normalize_usage(payload, "anthropic"), card).amount == Decimal(right["cost"])


def test_c03_cached_tokens_are_inside_the_prompt():
    payload, _, right = case("C03")
    usage = normalize_usage(payload)
    assert [usage.uncached_input_tokens, usage.cache_read_input_tokens, usage.input_tokens] == [
        int(right[key]) for key in ("input_uncached", "cache_read", "total_input")
    ]


def test_c05_reasoning_is_inside_the_output(on_card):
    payload, card, right = case("C05")
    usage = normalize_usage(payload)
    assert (usage.output_tokens, on_card(usage, card).amount) == (
        int(right["output"]),
        Decimal(right["cost"]),
    )


def test_c06_gemini_bills_thoughts_as_output(on_card):
    payload, card, right = case("C06")
    assert on_card(normalize_usage(payload, "gemini"), card).amount == Decimal(right["cost"])


def test_c07_a_block_around_calls_adds_nothing_to_them():
    payload, _, right = case("C07")
    children = payload["children"]
    cost = Cost(int(Decimal(children["cost"]) * 10**9), CostState.KNOWN)
    outer = Tracker("invoke_agent", price=lambda _: cost)
    inner = Tracker("children", price=lambda _: cost, parent=outer)
    inner.record(call(1, TokenUsage(input_tokens=children["input"], output_tokens=children["output"])))
    for tracker in (inner, outer):
        assert (tracker.usage.input_tokens, tracker.usage.output_tokens) == (14426, 771)
        assert tracker.cost.amount == Decimal(right["cost"])


def test_c10_cache_writes_of_an_hour_have_their_own_rate(on_card):
    payload, card, right = case("C10")
    usage = normalize_usage(payload, "anthropic")
    assert on_card(usage, card).amount == Decimal(right["cost"])
    split = {"ephemeral_5m_input_tokens": 600_000, "ephemeral_1h_input_tokens": 400_000}
    usage = normalize_usage({"cache_creation_input_tokens": 1_000_000, "cache_creation": split}, "anthropic")
    assert on_card(usage, card).amount == Decimal("7.75")  # 0.6 x 6.25 + 0.4 x 10


@pytest.mark.parametrize(("served", "amount"), [("flex", "0.0006375"), ("default", "0.001275")])
def test_c11_the_tier_that_served_is_the_one_that_is_charged(on_card, served, amount):
    payload, card, _ = case("C11")
    answer = Answer()
    answer.absorb(payload["response"] | {"service_tier": served})
    usage = answer.token_usage("openai").usage
    factor = "[price.service.flex]\nfactor = 0.5\n"
    cost = on_card(usage, card["standard"], more=factor, service_tier=answer.service_tier)
    assert cost.amount == Decimal(amount)


@pytest.mark.parametrize(("tokens", "amount"), [(250_000, "1"), (200_000, "0.4")])
def test_c12_a_long_prompt_is_charged_as_a_whole_and_only_above_the_threshold(on_card, tokens, amount):
    tier = "[[price.tier]]\nabove = 200000\ninput = 4\n"
    usage = TokenUsage(input_tokens=tokens, output_tokens=0)
    assert on_card(usage, {"input": 2, "output": 10}, more=tier).amount == Decimal(amount)


def test_c13_opus_4_5_is_not_opus_4_1():
    payload, _, right = case("C13")
    usage = normalize_usage(payload)
    cost = book().price(payload["model"], usage, provider="anthropic", at=AT)
    # The case's card is the standard one; a million tokens is above no tier of this model.
    assert cost.amount == Decimal(right["cost"])
    older = book().price("claude-opus-4-1", usage, provider="anthropic", at=AT)
    assert older.amount == Decimal("22.5")


def test_c15_a_counter_that_is_sent_again_is_not_added_again():
    payload, _, right = case("C15")
    answer = Answer()
    stream = EventStream(answer, lambda _: None)
    events = [{"usage": {"input_tokens": count, "output_tokens": 0}} for count in payload["cumulative"]]
    for event in events:
        stream.feed(f"data: {json.dumps(event)}\n\n".encode())
    assert answer.token_usage("openai").usage.total_tokens == int(right["total"])
    assert normalize_usage(events).total_tokens == int(right["total"])


def test_c16_days_of_any_zone_add_up_to_the_range(tmp_path):
    from zoneinfo import ZoneInfo

    from tracking import Ledger

    zone = ZoneInfo("Asia/Kolkata")
    first = datetime(2026, 3, 1, tzinfo=zone)
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        for hour in range(5 * 24):
            cost = Cost(1_000_000 * hour, CostState.KNOWN)
            usage = TokenUsage(input_tokens=hour, output_tokens=1)
            ledger.append(call(hour, usage, cost, started_at=first + timedelta(hours=hour)))
        days = [
            ledger.totals(since=first + timedelta(days=day), until=first + timedelta(days=day + 1))
            for day in range(5)
        ]
        whole = ledger.totals(since=first, until=first + timedelta(days=5))
    assert sum(day.requests for day in days) == whole.requests == 120
    assert sum(day.cost.nano_usd for day in days) == whole.cost.nano_usd
    assert sum(day.usage.input_tokens for day in days) == whole.usage.input_tokens


def crewai_says(total):
    return Reading(source=Source.CREW_METRICS, found_in="crew.usage_metrics", total_tokens=total, requests=1)


def test_c18_one_model_shared_by_three_agents_is_counted_once():
    payload, _, right = case("C18")
    counts = [each["total"] for each in payload["calls"]]
    calls = totals(call(n, TokenUsage(input_tokens=count)) for n, count in enumerate(counts))
    facts = CrewFacts(agents_sharing=3, counted_again=2 * sum(counts))
    metrics = reconcile((crewai_says(4500),), calls, facts)
    assert (metrics.total_tokens, metrics.source) == (int(right["total"]), Source.TRACKER)
    assert "one LLM object is shared by 3 agents" in metrics.caption


def test_c19_a_second_kickoff_does_not_include_the_first():
    payload, _, right = case("C19")
    calls = totals([call(1, TokenUsage(input_tokens=payload["kickoff2"]))])
    metrics = reconcile((crewai_says(3000),), calls, CrewFacts(earlier=payload["kickoff1"]))
    assert metrics.total_tokens == int(right["run2"])
    assert "earlier" in metrics.caption


def test_c20_a_streamed_answer_is_not_zero():
    payload, _, right = case("C20")
    calls = totals([call(1, normalize_usage(payload["provider_usage"]))])
    silent = Reading(source=Source.CREW_METRICS, found_in="crew.usage_metrics", total_tokens=0, requests=0)
    assert reconcile((silent,), calls).total_tokens == int(right["total"])
    unknown = call(1, None, Cost.unpriced(), usage_state=UsageState.UNKNOWN)
    metrics = reconcile((silent,), totals([unknown]))
    assert (metrics.total_tokens, metrics.unknown_requests) == (None, 1)
    assert metrics.verification is Verification.LEDGER


def test_c21_a_model_without_a_price_never_costs_nothing():
    payload, _, _ = case("C21")
    usage = TokenUsage(input_tokens=37_400_000 // payload["calls"], output_tokens=0)
    cost = book().price(payload["model"], usage, at=AT)
    assert (cost.amount, cost.state) == (None, CostState.UNPRICED)
    added = totals([call(1, usage, cost), call(2, usage, Cost(1_160_000_000, CostState.KNOWN))])
    assert (added.cost.state, added.unpriced_requests) == (CostState.PARTIAL, 1)


def test_c23_rates_are_per_million():
    payload, _, right = case("C23")
    cost = book().price(payload["model"], normalize_usage(payload), at=AT)
    assert cost.amount == Decimal(right["cost"])


def test_c24_an_input_without_its_cache_never_turns_negative(on_card):
    payload, card, right = case("C24")
    assert on_card(normalize_usage(payload, "anthropic"), card).amount == Decimal(right["cost"])


def test_c25_attempts_that_failed_were_billed_too(on_card):
    payload, card, right = case("C25")
    costs = [on_card(normalize_usage(attempt), card) for attempt in payload["attempts"]]
    assert sum(cost.amount for cost in costs) == Decimal(right["cost"])


def test_c27_an_answer_from_a_cache_of_ones_own_is_no_call(monkeypatch):
    from meter import MeterServer
    from openai import OpenAI

    from tracking import track

    with MeterServer() as meter, OpenAI(base_url=f"{meter.url}/v1", api_key="k") as client:

        @cache
        def ask(words):
            return client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": words}]
            )

        with track("cached") as tracker:
            assert ask("miss") is ask("miss")
        assert tracker.requests == len(meter.billed) == 1


def test_c30_a_local_model_is_free_which_is_not_unpriced():
    payload, _, right = case("C30")
    cost = book().price(payload["model"], TokenUsage(input_tokens=1000, output_tokens=100), at=AT)
    assert (cost.amount, cost.state) == (Decimal(right["cost"]), CostState.FREE)


def test_c33_a_retired_model_keeps_its_price():
    payload, _, right = case("C33")
    usage = normalize_usage(payload["usage"], "anthropic")
    assert book().price(payload["model"], usage, at=AT).amount == Decimal(right["cost"])


@pytest.mark.parametrize(("day", "key"), [("2025-06-01", "june"), ("2025-07-01", "july")])
def test_c36_a_call_is_priced_at_its_own_time(day, key):
    payload, _, right = case("C36")
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert book().price(payload["model"], normalize_usage(payload), at=at).amount == Decimal(right[key])


def test_every_case_is_here():
    here = {name[5:8].upper() for name in globals() if name.startswith("test_c")}
    assert here == set(CASES)
