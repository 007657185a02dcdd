"""What looks like a slip in a price file, with its line."""

import pytest

from tracking.pricing.book import PRICES
from tracking.pricing.checks import Finding, check

HEAD = '[[price]]\nprovider = "openai"\nmodel = "m"\nsource = "https://example.org/prices"\ninput = 2\n'
ALIAS = '[[alias]]\nprovider = "openai"\nname = "n"\nis = "m"\nsource = "https://example.org/a"\n'


def said(text):
    return [(found.line, found.what) for found in check(text)]


def test_what_is_in_order_gives_no_finding():
    assert check(HEAD + "output = 8\ncache_read = 0.2\n" + ALIAS) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (
            "input = 0.0000025",
            "input_tokens at $0.0000025 per million looks like a price per token or per thousand",
        ),
        (
            "input = 0.0009",
            "input_tokens at $0.0009 per million looks like a price per token or per thousand",
        ),
        ("input = 2\nper_search = 10", "web_search_requests at $10 each looks like a price per thousand"),
        ("input = 2\nper_request = 1.01", "requests at $1.01 each looks like a price per thousand"),
        ("input = 2\noutput = 0.019", "output at $0.019 is cheaper than a hundredth of the input at $2"),
        ("input = 2\ncache_read = 2.1", "reading a cache at $2.1 is dearer than the input at $2"),
    ],
)
def test_rates_in_units_of_their_own(changed, what):
    assert said(HEAD.replace("input = 2", changed)) == [(1, what)]


@pytest.mark.parametrize(
    "changed",
    [
        "input = 0.001",
        "input = 0",
        "input = 2\noutput = 0",
        "input = 2\noutput = 0.02",
        "input = 2\nper_search = 1",
    ],
)
def test_rates_that_may_be_so(changed):
    assert check(HEAD.replace("input = 2", changed)) == []


def test_a_rate_that_only_a_service_tier_or_a_tier_has_is_looked_at_too():
    tier = "[[price.tier]]\nabove = 9\ninput = 0.0005\n"
    service = "[price.service.flex]\nfactor = 0.0001\n"
    assert [line for line, _ in said(HEAD + tier)] == [1]
    assert said(HEAD + service)[0][1].startswith("input_tokens at $0.0002 per million")


def test_a_jump_between_neighbouring_periods():
    later = HEAD.replace("input = 2", "input = 20.01\nfrom = 2025-03-01")
    assert said(HEAD + "until = 2025-03-01\n" + later) == [
        (7, "input_tokens of m went from $2 to $20.01: more than 10 times")
    ]
    assert check(HEAD + "until = 2025-03-01\n" + later.replace("20.01", "20")) == []
    assert check(HEAD + "until = 2025-03-01\n" + later.replace("20.01", "0")) == []  # made free


def test_a_gap_in_a_models_history():
    first, second = HEAD + "until = 2025-03-01\n", HEAD + "from = 2025-04-01T06:00:00\n"
    gap = "m has no price from 2025-03-01 00:00 to 2025-04-01 06:00"
    assert said(first + second) == [(7, gap)]
    filled = ALIAS.replace('"n"', '"m"').replace('is = "m"', 'is = "k"')
    other = HEAD.replace('"m"', '"k"')
    assert check(first + second + filled + "from = 2025-03-01\nuntil = 2025-04-01T06:00:00\n" + other) == []
    partly = said(first + second + filled + "from = 2025-03-02\nuntil = 2025-04-01T06:00:00\n" + other)
    assert partly == [(7, "m has no price from 2025-03-01 00:00 to 2025-03-02 00:00")]


def test_a_name_that_leads_nowhere():
    assert said(HEAD + ALIAS.replace('is = "m"', 'is = "gpt-0"')) == [
        (6, "n means gpt-0, which has no price")
    ]
    early = (
        HEAD + "from = 2025-02-01\nuntil = 2025-05-01\n" + ALIAS + "from = 2025-01-01\nuntil = 2025-06-01\n"
    )
    assert said(early) == [
        (8, "n means m, which has no price from 2025-01-01 00:00 to 2025-02-01 00:00"),
        (8, "n means m, which has no price from 2025-05-01 00:00 to 2025-06-01 00:00"),
    ]
    ended = HEAD + "until = 2025-05-01\n" + ALIAS + "from = 2025-01-01\n"
    assert said(ended) == [(7, "n means m, which has no price from 2025-05-01 00:00 on")]


def test_a_name_may_lead_to_what_only_the_public_list_has():
    assert check(HEAD + ALIAS.replace('is = "m"', 'is = "gpt-4o"')) == []


@pytest.mark.parametrize(
    "source", ["the docs", "example.org", "ftp://example.org", "https://", "https://localhost"]
)
def test_a_source_that_is_no_url(source):
    assert said(HEAD.replace("https://example.org/prices", source)) == [
        (1, f"the source {source!r} is no URL")
    ]


def test_a_provider_or_a_name_by_which_nothing_is_looked_up():
    assert said(HEAD.replace('"openai"', '"opneai"')) == [(1, "unknown provider 'opneai'")]
    assert said(HEAD.replace('"openai"', '"gemini"')) == []  # which is google's name elsewhere
    assert said(HEAD.replace('"m"', '"openai/m"')) == [
        (1, "'openai/m' is never found: it is looked up as 'm'")
    ]


def test_what_is_impossible_comes_with_its_line_and_the_rest_is_looked_at_all_the_same():
    text = HEAD.replace("input = 2", "input = -2") + HEAD.replace("input = 2", "input = 0.0001")
    found = check(text)
    assert [(each.line, each.impossible) for each in found] == [(1, True), (6, False)]
    overlap = check(HEAD + HEAD)
    assert overlap == [
        Finding(
            6,
            "two entries for openai/m overlap: end the first with `until` where the second begins "
            "(the other one: line 1)",
            impossible=True,
        )
    ]


def test_what_is_not_toml_is_one_finding():
    (found,) = check(HEAD + "input = 3\n")
    assert (found.line, found.impossible) == (6, True)


def test_our_own_file_has_one_jump_that_is_true():
    """DeepSeek cut cache hits to a tenth and everything by three quarters on one day."""
    (found,) = check(PRICES.read_text(encoding="utf-8"))
    assert found.what == (
        "cache_read_input_tokens of deepseek-v4-pro went from $0.145 to $0.003625: more than 10 times"
    )
