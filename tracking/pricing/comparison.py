"""What differs between price books, lists and files, model by model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from tracking.pricing.book import PriceBook
from tracking.pricing.differences import Difference, differences, differences_at
from tracking.pricing.history import History
from tracking.pricing.listed import PriceList

Found = Mapping[str, list[Difference]]  # by the model's name, with who bills before it


def between_books(before: PriceBook, after: PriceBook, models: Iterable[tuple[str, str]]) -> Found:
    """What differs at any time, for these models (who bills, name)."""
    cards = {
        f"{provider}/{model}": [book.cards(model, provider=provider) for book in (before, after)]
        for provider, model in models
    }
    return {name: found for name, (old, new) in cards.items() if (found := differences(old, new))}


def between_lists(before: PriceList, after: PriceList) -> Found:
    """What differs at any time, for the models that are in both."""
    old, new = ({(who, name): cards for who, name, cards in each.everything()} for each in (before, after))
    return {
        "/".join(model): found
        for model, cards in old.items()
        if model in new and (found := differences(cards, new[model]))
    }


def with_a_file(file: History, history: History) -> Found:
    """What the prices of a file change, which win over the history."""
    models = {(card.provider, card.model.lower()) for cards in file.cards.values() for card in cards}
    before, after = PriceBook(history), PriceBook(file.over(history))
    return between_books(before, after, sorted(models | file.aliases.keys()))


def with_the_list(history: History, prices: PriceList, at: datetime) -> Found:
    """What the list says at that time, and what our history does, for the models that are in both."""
    ours = {
        (who, name): cards
        for (who, name), cards in history.cards.items()
        if any(card.covers(at) and card.model.lower() == name for card in cards)
    }
    both = {model: (listed, cards) for model, cards in ours.items() if (listed := prices.cards(*model))}
    return {
        "/".join(model): found
        for model, (listed, cards) in both.items()
        if (found := differences_at(at, listed, cards))
    }
