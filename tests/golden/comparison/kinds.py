"""Why a library's answer is not the truth, found by making our own book err in the same way.

A kind is a claim, such as "it took the price of another time". It is made of an answer where our book, erring
like that, says the same amount to the nano-dollar; where it takes two errors at once, both are named.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Final

from golden.comparison.answers import genai_helped
from golden.comparison.rows import Answer, Row, same

from tracking import PriceBook, TokenUsage
from tracking.domain.cost import Receipt
from tracking.pricing.card import Card
from tracking.pricing.quote import Quote

_BOOK = PriceBook.load()
_READ: Final = "cache_read_input_tokens"

# What can be wrong, in the order of the document.
KINDS: Final = tomllib.loads(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8"))
# Where several errors would do, it is the one that the library is known to make: litellm has no dates.
_FIRST: Final = ("tier", "days", "searches", "one search", "audio", "lifetime", "cache")
_LAST: Final = ("cached rate", "product", "tenth", "characters")
_ERRORS: Final = {
    "genai-prices": (*_FIRST, "context", "time", *_LAST),
    "litellm": (*_FIRST, "time", "context", *_LAST),
}


def kinds_of(library: str, row: Row, answer: Answer) -> tuple[str, ...]:
    """What is wrong with an answer, in as few errors as make our book say the same; () when nothing does."""
    if answer.amount is None:
        is_spelling = library == "genai-prices" and genai_helped(row).amount is not None
        return ("spelling",) if is_spelling else ("unlisted",)
    if answer.amount == 0:
        return ("zero",)
    tried = [*combinations(_ERRORS[library], 1), *combinations(_ERRORS[library], 2)]
    for errors in tried if row.truth is not None else [("time",)]:
        if any(same(amount, answer.amount) for amount in _erring(row, errors)):
            return errors if row.truth is not None else ("early",)
    if any(same(amount, answer.amount) for amount in _of_shorter_names(row)):
        return ("prefix",)
    return ()


def _erring(row: Row, errors: tuple[str, ...], model: str | None = None) -> Iterator[Decimal]:
    """What our book says when it errs like that."""
    usage = TokenUsage(**_counts(row, errors))
    cards = _BOOK.cards(model or row.model, provider=row.provider)
    for card in _cards(cards, row, errors):
        try:
            situation = card.situation(usage.input_tokens or 0, _tier(row, errors), row.at)
        except KeyError:
            continue
        if "context" in errors:
            situation = situation._replace(above=-1)
        rates = card.rates_in(situation)
        if "tenth" in errors and _READ in rates:
            rates[_READ] = rates["input_tokens"] / 10
        amount = Quote(Receipt(card.provider, card.model, card.source, rates)).price(usage).amount
        if amount is not None:
            yield amount / (2 if "product" in errors else 4 if "characters" in errors else 1)


def _cards(cards: tuple[Card, ...], row: Row, errors: tuple[str, ...]) -> Iterator[Card]:
    then = [card for card in cards if card.covers(row.at)]
    others = [card for card in cards if not card.covers(row.at)]
    for card in others if "time" in errors else then:
        if "days" in errors:
            windows = tuple(replace(window, days=frozenset(range(7))) for window in card.windows)
            yield replace(card, windows=windows)
        elif "cached rate" in errors:
            for other in (each for each in others if _READ in each.rates):
                yield replace(card, rates={**card.rates, _READ: other.rates[_READ]})
        else:
            yield card


def _tier(row: Row, errors: tuple[str, ...]) -> str | None:
    return None if {"tier", "product"} & set(errors) else row.tier


def _counts(row: Row, errors: tuple[str, ...]) -> dict[str, int]:
    counts = row.usage.counts()
    dropped = {
        "searches": ("web_search_requests",),
        "audio": ("input_audio_tokens", "output_audio_tokens"),
        "lifetime": ("cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens"),
        "cache": (_READ,),
    }
    for name in (name for error in errors for name in dropped.get(error, ())):
        counts.pop(name, None)
    if "one search" in errors and "web_search_requests" in counts:
        counts["web_search_requests"] = 1
    return counts


def _of_shorter_names(row: Row) -> Iterator[Decimal]:
    """What a model costs whose name this one only begins with, at any time."""
    for end in range(len(row.model) - 1, 3, -1):
        for errors in ((), ("time",)):
            yield from _erring(row, errors, row.model[:end])
