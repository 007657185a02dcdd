"""A chart of what a model has cost over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final

import plotly.graph_objects as go

from tracking.pricing.card import Card
from tracking.report.format import exact
from tracking.ui.charts import finish
from tracking.ui.palette import OKABE_ITO
from tracking.ui.receipt import date, name_of

# Told apart by colour, dash and mark, so that any two of the three may be lost.
_LINES: Final = (
    ("input_tokens", OKABE_ITO[0], "solid", "circle"),
    ("cache_read_input_tokens", OKABE_ITO[2], "dot", "diamond"),
    ("output_tokens", OKABE_ITO[1], "dash", "square"),
)
_BEFORE: Final = timedelta(days=90)  # of an open beginning that is drawn


def price_steps(cards: Sequence[Card], now: datetime) -> go.Figure:
    """Input, cached and output rates as steps, from the first card known to now or the last change to come.

    Args:
        cards: oldest first.
        now: until when a card without an end is drawn, unless a later one begins after it.
    """
    figure = go.Figure()
    known = [moment for card in cards for moment in (card.since, card.until) if moment is not None]
    first, last = (
        min([*known, now]) - (_BEFORE if cards[0].since is None else timedelta(0)),
        max([*known, now]),
    )
    for count, colour, dash, symbol in _LINES:
        x: list[datetime | None] = []
        y: list[float | None] = []
        hover: list[str] = []
        for number, card in enumerate(cards):
            rate = card.rates.get(count)
            if rate is None:
                continue
            text = f"<b>{name_of(count)} {exact(rate)}</b> per million<br>{escape(_spell(card))}"
            x += [card.since or first, card.until or last]
            y += [float(rate), float(rate)]
            hover += [text, text]
            if not _goes_on(cards, number, count):  # where no card is in force, there is no line
                x, y, hover = [*x, None], [*y, None], [*hover, ""]
        if x:
            figure.add_scatter(
                name=name_of(count),
                x=x,
                y=y,
                mode="lines+markers",
                line={"color": colour, "width": 2.5, "dash": dash},
                marker={"symbol": symbol, "size": 7, "color": colour},
                customdata=hover,
                hovertemplate="%{customdata}<extra></extra>",
            )
    finish(figure, "Price over time, $ per million tokens", 320)
    figure.update_yaxes(title=None, rangemode="tozero", tickprefix="$", tickformat=",~f")
    return figure


def _goes_on(cards: Sequence[Card], number: int, count: str) -> bool:
    """Whether the next card takes over at the moment at which this one ends."""
    following = cards[number + 1 : number + 2]
    return any(card.since == cards[number].until and count in card.rates for card in following)


def _spell(card: Card) -> str:
    since = "the beginning" if card.since is None else date(card.since)
    return f"{since} to {'now on' if card.until is None else date(card.until)}"
