"""Where prices come from, and how old they are."""

from datetime import datetime

from tracking.pricing.book import PRICES, PriceBook
from tracking.pricing.history import read
from tracking.report.format import counted
from tracking.ui import state
from tracking.ui.receipt import date


def ages(book: PriceBook, at: datetime) -> str:
    """The sources in the order in which they are asked, each with its age, in a line."""
    return "Prices: " + " · ".join(filter(None, (_own(book), _history(at), _list(book, at))))


def _own(book: PriceBook) -> str:
    file = state.settings().price_overrides
    if file is None or book.problem:
        return ""
    return f"your own of {counted(len(read(file).cards), 'name')}"


def _history(at: datetime) -> str:
    if not PRICES.exists():
        return ""
    cards = read(PRICES).cards
    begun = [card.since for each in cards.values() for card in each if card.since and card.since <= at]
    text = f"our history of {counted(len(cards), 'name')}"
    return f"{text}, its newest price {_ago(max(begun), at)}" if begun else text


def _list(book: PriceBook, at: datetime) -> str:
    published = book.public_list.publication
    if published.fetched_at is not None:
        return f"{published.source}, fetched {_ago(published.fetched_at, at).removeprefix('of ')}"
    newest = book.public_list.newest(at)
    return f"{published.source}, its newest dated price {_ago(newest, at)}" if newest else published.source


def _ago(moment: datetime, at: datetime) -> str:
    days = (at - moment).days
    return "of today" if days == 0 else f"of {date(moment)}, {counted(days, 'day')} ago"
