from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tracking.domain.cost import CostState
from tracking.report.format import counted, duration, share, token_total, tokens, usd, when

MOMENT = datetime(2026, 11, 21, 20, 5, 9, tzinfo=UTC)


def test_tokens_have_separators_and_what_is_not_known_is_not_zero():
    assert tokens(1234567) == "1,234,567"
    assert tokens(0) == "0"
    assert tokens(None) == "not known"


def test_a_token_sum_says_when_it_is_only_a_lower_bound_or_an_estimate():
    assert token_total(1247) == "1,247"
    assert token_total(1247, unknown=2) == "≥ 1,247"
    assert token_total(1247, estimated=1) == "≈ 1,247"
    assert token_total(1247, unknown=2, estimated=1) == "≥ 1,247"
    assert token_total(None, unknown=2) == "not known"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("0.000312", "$0.000312"),
        ("0.0025", "$0.0025"),
        ("0.5", "$0.50"),
        ("0.123456", "$0.123"),
        ("0.99951", "$1.00"),  # three digits round up to a dollar
        ("1.24", "$1.24"),
        ("1.245", "$1.24"),  # half to even
        ("1234.5", "$1,234.50"),
        ("0.000000025", "$0.000000025"),  # the cheapest token there is
    ],
)
def test_money_has_as_many_digits_as_it_needs(amount, text):
    assert usd(Decimal(amount), CostState.KNOWN) == text


def test_money_says_how_sure_it_is():
    assert usd(Decimal("1.24"), CostState.PARTIAL) == "≥ $1.24"
    assert usd(Decimal("1.24"), CostState.ESTIMATED) == "≈ $1.24"
    assert usd(Decimal(0), CostState.FREE) == "free"
    assert usd(None, CostState.UNPRICED) == "unpriced"


def test_a_lower_bound_is_never_rounded_up():
    assert usd(Decimal("1.2399"), CostState.PARTIAL) == "≥ $1.23"
    assert usd(Decimal("1.2399"), CostState.KNOWN) == "$1.24"
    assert usd(Decimal("0.0012399"), CostState.PARTIAL) == "≥ $0.00123"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.32, "320 ms"),
        (0.9999, "1.0 s"),
        (6.14, "6.1 s"),
        (9.97, "10 s"),
        (38.2, "38 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
        (187200, "2 d 4 h"),
        (-3, "0 ms"),  # clocks of two machines may disagree
    ],
)
def test_durations_are_in_human_units(seconds, text):
    assert duration(seconds) == text
    assert duration(timedelta(seconds=seconds)) == text


def test_a_duration_that_is_not_known_says_so():
    assert duration(None) == "not known"


def test_times_are_in_the_viewers_zone():
    assert when(MOMENT, "Asia/Tokyo") == "22 Nov 2026, 05:05"
    assert when(MOMENT, "America/New_York", seconds=True) == "21 Nov 2026, 15:05:09"


@pytest.mark.parametrize("zone", [None, "", "Middle/Earth", "../etc"])
def test_a_zone_that_is_not_known_is_utc_and_says_so(zone):
    assert when(MOMENT, zone) == "21 Nov 2026, 20:05 UTC"


def test_a_share_is_not_rounded_to_nothing_or_to_all():
    assert [share(x) for x in (0, 0.0004, 0.004, 0.314, 0.996, 1)] == [
        "0 %",
        "< 0.1 %",
        "0.4 %",
        "31 %",
        "> 99 %",
        "100 %",
    ]
    assert share(None) == "not known"


def test_nouns_are_counted():
    assert [counted(n, "call") for n in (0, 1, 1200)] == ["0 calls", "1 call", "1,200 calls"]
