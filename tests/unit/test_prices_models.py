"""The models of the ledger and of the configuration, and the words for what has no price."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from run_support import call

from tracking import PriceBook
from tracking.domain.call import totals
from tracking.domain.usage import TokenUsage
from tracking.pricing.card import Card
from tracking.pricing.history import History
from tracking.ui.prices.models import hidden_note, model_lines, models_frame, standing, taken_apart, title
from tracking.ui.prices.words import history_frame, rates_frame, terms

NOW = datetime(2026, 11, 21, tzinfo=UTC)
BOOK = PriceBook.load()
MINI, OWN = ("openai", "gpt-4o-mini", None), ("openai_compatible", "tuned", None)


def sums_of(*groups, nano=120_000):
    """Three calls a group."""
    return {group: totals([call(n, nano=nano) for n in range(3)]) for group in groups}


def lines(priced=(MINI,), hidden=(), configured=()):
    unpriced = sums_of(*hidden, nano=None)
    everything = sums_of(*priced) | unpriced
    return model_lines(everything, unpriced, dict.fromkeys(everything, NOW), configured, BOOK, NOW)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (lines(priced=()), "No model has been called yet"),
        (lines(), "1 model seen, and it has a price"),
        (lines(priced=(MINI, ("anthropic", "claude-sonnet-4-5", None))), "2 models seen, each with a price"),
        (lines(priced=(), hidden=(OWN,)), "1 model seen, and it has no price: it hides 3 calls"),
        (lines(hidden=(OWN,)), "2 models seen, 1 of them without a price: it hides 3 calls"),
        (
            lines(hidden=(OWN, ("openai", "made-up-1", None))),
            "3 models seen, 2 of them without a price: they hide 6 calls",
        ),
    ],
)
def test_the_title_is_the_answer(found, said):
    assert title(found) == said


def test_hidden_calls_are_counted_with_their_tokens():
    assert hidden_note(lines()) is None
    assert hidden_note(lines(hidden=(OWN,))) == (
        "3 calls could not be priced when made, 1,260 tokens: what they cost is in no total."
    )


def test_calls_are_told_apart_by_the_model_that_answered():
    snapshot = ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    one, other = lines(priced=(MINI, snapshot, ("openai", "alias", "gpt-4o-mini")))
    assert (one.name, one.sums.requests) == ("openai/gpt-4o-mini", 6)
    assert (other.name, other.sums.requests) == ("openai/gpt-4o-mini-2024-07-18", 3)


def test_what_has_no_price_comes_first_and_what_was_never_called_last():
    found = lines(hidden=(OWN,), configured=[("openai", "gpt-4o-mini", "Mini"), ("openai", "gpt-5", "Five")])
    assert [line.model for line in found] == ["tuned", "gpt-4o-mini", "gpt-5"]
    frame = models_frame(found)
    assert list(frame["origin"]) == ["no price", "our history", "our history"]
    assert list(frame["input"]) == ["", "$0.15", "$1.25"]
    assert list(frame["cost"]) == ["unpriced", "$0.00036", ""]
    assert list(frame["label"]) == ["", "Mini", "Five"]


def test_a_standing_says_where_a_price_is_from_or_why_there_is_none():
    assert standing(BOOK, "openai", "gpt-4o-mini", NOW).origin == "our history"
    assert standing(BOOK, "local", "smollm2", NOW).origin == "free"
    assert standing(BOOK, "openai", "made-up-1", NOW).why == "made-up-1 is in no price list"


def test_a_price_that_ended_says_when():
    card = Card("openai", "old", {"input_tokens": Decimal(1)}, "x", until=datetime(2026, 7, 24, tzinfo=UTC))
    book = PriceBook(History({("openai", "old"): [card]}))
    assert standing(book, "openai", "old", NOW).why == "the last one that is known ended on 24 Jul 2026"


def test_a_name_is_taken_apart_at_its_first_slash():
    assert taken_apart("openrouter/openai/gpt-4o") == ("openrouter", "openai/gpt-4o")
    assert taken_apart("gpt-4o") == (None, "gpt-4o")


def test_cards_side_by_side_mark_the_lowest_rate():
    cards = {"a": Card("o", "a", {"input_tokens": Decimal(1)}, "x")}
    cards["b"] = Card("o", "b", {"input_tokens": Decimal(2), "cache_read_input_tokens": Decimal("0.5")}, "x")
    frame = rates_frame(cards)
    assert list(frame.loc["Input, per million"]) == [r"**\$1.00**", r"\$2.00"]
    assert list(frame.loc["Input read from the cache, per million"]) == ["as input", r"\$0.50"]


def test_what_a_card_says_besides_its_rates_is_said_in_words():
    (card,) = (each for each in BOOK.cards("gpt-5", provider="openai") if each.covers(NOW))
    assert "service tier flex: 0.5 × every token rate" in terms(card)
    deepseek = BOOK.cards("deepseek-chat", provider="deepseek")
    assert any("UTC" in term for card in deepseek for term in terms(card))


def test_a_price_history_has_a_row_per_card():
    cards = BOOK.cards("gpt-4o", provider="openai")
    frame = history_frame(cards, NOW)
    assert len(frame) == len(cards) > 1
    assert list(frame["in force"]).count("now") == 1


def test_sums_need_no_usage():
    none = {MINI: totals([call(0, usage=TokenUsage(), nano=None)])}
    assert model_lines(none, none, {MINI: NOW}, (), BOOK, NOW)[0].sums.requests == 1
