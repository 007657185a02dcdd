"""Where prices come from, and how old they are."""

from datetime import datetime

from tracking.pricing.book import PRICES
from tracking.pricing.history import read
from tracking.report.format import counted
from tracking.ui import state
from tracking.ui.receipt import date


def ages(at: datetime) -> str:
    """The sources in the order in which they are asked, each with its age, in a line."""
    return "Prices: " + " · ".join(
        filter(None, (_own(), _history(at), f"then {state.price_book().list_source}"))
    )


def _own() -> str:
    file = state.settings().price_overrides
    if file is None or state.price_book().problem:
        return ""
    return f"your own prices of {counted(len(read(file).cards), 'name')}"


def _history(at: datetime) -> str:
    if not PRICES.exists():
        return ""
    cards = read(PRICES).cards
    begun = [card.since for each in cards.values() for card in each if card.since and card.since <= at]
    text = f"our history of {counted(len(cards), 'name')}"
    if not begun:
        return text
    newest = max(begun)
    days = (at - newest).days
    return f"{text}, the newest price {counted(days, 'day')} old ({date(newest)})"
