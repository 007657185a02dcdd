"""Which of a card's rates a call falls under: tiers, service tiers, times of day."""

from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tracking import TokenUsage
from tracking.domain.cost import CostState
from tracking.pricing.card import Card, Change, Situation, Tier, Window
from tracking.pricing.offer import Offer

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
MONDAY = 0


def card(**changes):
    rates = {"input_tokens": Decimal(2), "output_tokens": Decimal(8)}
    return Card("p", "m", **({"rates": rates, "source": "https://example.org"} | changes))


def amount(card, tokens=1_000_000, service=None, at=AT, **more):
    """Dollars for so many input tokens."""
    usage = TokenUsage(input_tokens=tokens, output_tokens=0, **more)
    return Offer(card).quote(tokens, service, at).price(usage).amount


def window(start, end, days=range(7), **change):
    return Window(time.fromisoformat(start), time.fromisoformat(end), Change(**change), frozenset(days))


@pytest.mark.parametrize(
    ("at", "covered"),
    [("16:29:59.999999", False), ("16:30:00", True), ("18:59:59.999999", True), ("19:00:00", False)],
)
def test_a_window_begins_at_its_start_and_is_over_at_its_end(at, covered):
    assert window("16:30:00", "19:00:00").covers(datetime.fromisoformat(f"2026-03-04T{at}Z")) is covered


@pytest.mark.parametrize(
    ("at", "covered"),
    [
        ("2026-03-04T16:29:59Z", False),
        ("2026-03-04T16:30:00Z", True),
        ("2026-03-04T23:59:59Z", True),
        ("2026-03-05T00:00:00Z", True),
        ("2026-03-05T00:29:59Z", True),
        ("2026-03-05T00:30:00Z", False),
    ],
)
def test_a_window_goes_on_past_midnight(at, covered):
    assert window("16:30:00", "00:30:00").covers(datetime.fromisoformat(at)) is covered


@pytest.mark.parametrize(
    ("at", "covered"),
    [
        ("2026-03-01T23:00:00Z", False),  # Sunday evening
        ("2026-03-02T00:15:00Z", False),  # Monday, in the window that began on Sunday
        ("2026-03-02T23:00:00Z", True),  # Monday evening
        ("2026-03-03T00:15:00Z", True),  # Tuesday, in the window that began on Monday
        ("2026-03-03T23:00:00Z", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(at, covered):
    assert window("22:00:00", "00:30:00", days=[MONDAY]).covers(datetime.fromisoformat(at)) is covered


def test_a_window_from_a_time_to_itself_is_the_whole_day():
    saturday = window("00:00:00", "00:00:00", days=[5])
    friday, after = datetime(2026, 3, 6, 23, 59, 59, tzinfo=UTC), timedelta(seconds=1)
    assert [saturday.covers(friday + offset) for offset in (0 * after, after, 86_400 * after)] == [
        False,
        True,
        True,
    ]
    assert not saturday.covers(friday + after + timedelta(days=1))


@pytest.mark.parametrize(
    "zone", [ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York"), timezone(timedelta(hours=-12))]
)
def test_a_window_is_in_utc_whatever_zone_the_call_states(zone):
    inside, outside = datetime(2026, 3, 4, 17, tzinfo=UTC), datetime(2026, 3, 4, 15, tzinfo=UTC)
    evening = window("16:30:00", "19:00:00", days=[2])
    assert evening.covers(inside.astimezone(zone))
    assert not evening.covers(outside.astimezone(zone))


def test_the_last_of_the_windows_that_cover_a_call_counts():
    half, tenth = Decimal("0.5"), Decimal("0.1")
    both = card(windows=(window("00:00", "12:00", factor=half), window("06:00", "18:00", factor=tenth)))
    at = AT.replace
    assert [amount(both, at=at(hour=hour)) for hour in (3, 9, 15, 21)] == [
        1,
        Decimal("0.2"),
        Decimal("0.2"),
        2,
    ]


def test_a_tier_begins_above_its_threshold_and_takes_the_whole_request():
    tiered = card(tiers=(Tier(200_000, {"input_tokens": Decimal(4)}),))
    assert amount(tiered, 200_000) == Decimal("0.4")  # 200,000 x 2
    assert amount(tiered, 200_001) == Decimal("0.800004")  # 200,001 x 4


def test_what_is_read_from_a_cache_counts_towards_the_threshold():
    tiered = card(tiers=(Tier(200_000, {"input_tokens": Decimal(4)}),))
    assert amount(tiered, 200_001, cache_read_input_tokens=200_000) == Decimal("0.800004")


def test_the_highest_tier_reached_counts_and_keeps_what_it_does_not_change():
    tiered = card(
        tiers=(
            Tier(10, {"input_tokens": Decimal(4), "output_tokens": Decimal(9)}),
            Tier(20, {"input_tokens": Decimal(6)}),
        )
    )
    assert tiered.rates_in(tiered.situation(21, None, AT)) == {"input_tokens": 6, "output_tokens": 9}
    assert tiered.situation(20, None, AT).above == 10
    assert tiered.situation(10, None, AT).above == -1


FEES = {
    "input_tokens": Decimal(2),
    "output_tokens": Decimal(8),
    "web_search_requests": Decimal(10),
    "requests": Decimal(5),
}


def test_a_factor_is_on_tokens_and_leaves_fees_alone():
    half = card(rates=FEES, services={"flex": Change(Decimal("0.5"))})
    assert half.rates_in(Situation(service="flex")) == FEES | {"input_tokens": 1, "output_tokens": 4}
    # 1,000,000 x 1 per million, 3 searches x $10 and 1 request x $5 per thousand
    assert amount(half, service="flex", web_search_requests=3) == 1 + Decimal("0.03") + Decimal("0.005")


def test_a_service_tiers_own_rates_come_after_its_factor():
    change = Change(
        Decimal("0.5"), {"output_tokens": Decimal(7)}, (Tier(100, {"output_tokens": Decimal(9)}),)
    )
    own = card(tiers=(Tier(50, {"input_tokens": Decimal(4)}),), services={"priority": change})
    rates = [own.rates_in(own.situation(tokens, "priority", AT)) for tokens in (50, 51, 101)]
    assert rates == [
        {"input_tokens": 1, "output_tokens": 7},
        {"input_tokens": 2, "output_tokens": 7},
        {"input_tokens": 2, "output_tokens": 9},
    ]


def test_a_time_of_day_comes_after_the_service_tier():
    night = window("00:00", "00:00", factor=Decimal("0.5"))
    both = card(services={"batch": Change(Decimal("0.5"))}, windows=(night,))
    assert amount(both, service="batch") == Decimal("0.5")  # 2 x 0.5 x 0.5


def test_a_tier_that_only_a_window_has_counts_within_it():
    night = window("00:00", "06:00", tiers=(Tier(100, {"input_tokens": Decimal(3)}),))
    timed = card(windows=(night,))
    assert amount(timed, 101, at=AT.replace(hour=3)) == Decimal("0.000303")
    assert amount(timed, 100, at=AT.replace(hour=3)) == Decimal("0.0002")
    assert amount(timed, 101) == Decimal("0.000202")


def test_a_service_tier_without_a_price_is_not_the_standard_one():
    with pytest.raises(KeyError):
        card().situation(1, "flex", AT)


def test_all_situations_are_those_that_calls_fall_under():
    full = card(
        tiers=(Tier(10, {"input_tokens": Decimal(4)}),),
        services={"flex": Change(Decimal("0.5"), tiers=(Tier(20, {"input_tokens": Decimal(3)}),))},
        windows=(window("00:00", "06:00", factor=Decimal(2)),),
    )
    possible = set(full.situations())
    for tokens in (10, 11, 21):
        for service in (None, "flex"):
            for hour in (3, 12):
                assert full.situation(tokens, service, AT.replace(hour=hour)) in possible
    assert len(possible) == (2 + 3) * 2


def test_a_card_holds_from_its_first_moment_to_just_before_its_last():
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    dated, tick = card(since=since, until=until), timedelta(microseconds=1)
    assert [dated.covers(at) for at in (since - tick, since, until - tick, until)] == [
        False,
        True,
        True,
        False,
    ]
    assert card().covers(since)


def test_a_fingerprint_changes_with_anything_the_card_says():
    night = window("00:00", "06:00", factor=Decimal("0.5"))
    cards = [
        card(),
        card(note="x"),
        card(rates={"input_tokens": Decimal(2)}),
        card(since=AT),
        card(tiers=(Tier(10, {}),)),
        card(services={"flex": Change()}),
        card(windows=(night,)),
    ]
    assert len({each.fingerprint() for each in cards}) == len(cards)
    assert card().fingerprint() == card(rates=dict(reversed(card().rates.items()))).fingerprint()


def test_audio_and_cache_that_may_overlap_make_the_cost_a_lower_bound():
    rates = {
        "input_tokens": Decimal(2),
        "cache_read_input_tokens": Decimal(1),
        "input_audio_tokens": Decimal(20),
    }
    offer = Offer(card(rates=rates))
    apart = TokenUsage(input_tokens=100, output_tokens=0, cache_read_input_tokens=30, input_audio_tokens=50)
    cost = offer.quote(100, None, AT).price(apart)
    # 20 x 2 + 30 x 1 + 50 x 20 per million
    assert (cost.amount, cost.state) == (Decimal("0.00107"), CostState.KNOWN)
    over = TokenUsage(input_tokens=100, output_tokens=0, cache_read_input_tokens=80, input_audio_tokens=50)
    cost = offer.quote(100, None, AT).price(over)
    assert cost.state is CostState.PARTIAL
    assert cost.amount == Decimal("0.00108")  # 80 x 1 + 50 x 20, and nothing for what is left of the input
    assert "overlap" in cost.receipt.note
