"""Price cards and what differs between them, as tables for a terminal."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tracking.domain.cost import per
from tracking.pricing.card import Card
from tracking.pricing.comparison import Found
from tracking.pricing.differences import rate_name, rate_text, situation_name


def card_table(card: Card) -> RenderableType:
    """Every rate of a card in every situation, its period, its source and what is to be noted."""
    situations = list(dict.fromkeys(card.situations()))
    names = list(dict.fromkeys(name for each in situations for name in card.rates_in(each)))
    title = f"{escape(f'{card.provider}/{card.model}')}, {period(card.since, card.until)}"
    table = Table(title=title, title_justify="left")
    table.add_column("US dollars per million")
    for name in names:
        unit = "" if per(name) == 1_000_000 else f"\nper {per(name):,}"
        table.add_column(rate_name(name) + unit, justify="right")
    for each in situations:
        rates = card.rates_in(each)
        cells = (rate_text(rates.get(name)) for name in names)
        table.add_row(escape(situation_name(card, each)) or "standard", *cells)
    said = [f"source {escape(card.source)}", f"card {card.fingerprint()}"]
    return Group(table, *([escape(card.note)] if card.note else []), ", ".join(said), "")


def difference_table(title: str, sides: tuple[str, str], found: Found) -> Table:
    """What differs, model by model."""
    is_dated = any(each.since or each.until for said in found.values() for each in said)
    table = Table(title=escape(title), title_justify="left")
    for name in ("model", *(["when"] if is_dated else []), "what"):
        table.add_column(name, overflow="fold")
    for side in sides:
        table.add_column(escape(side), justify="right", overflow="fold")
    for model, differences in found.items():
        table.add_section()
        for number, each in enumerate(differences):
            when = [period(each.since, each.until)] if is_dated else []
            name = escape(model) if number == 0 else ""
            table.add_row(name, *when, escape(each.what), each.before, each.after)
    return table


def period(since: datetime | None, until: datetime | None) -> str:
    """In UTC: `since` inclusive, `until` exclusive; None: open."""
    if since is None and until is None:
        return "at any time"
    begin = "until" if since is None else f"from {_moment(since)}"
    if until is None:
        return begin
    return f"until {_moment(until)}" if since is None else f"{begin} until {_moment(until)}"


def _moment(at: datetime) -> str:
    """A day where it is the day's first moment."""
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute, at.second) == (0, 0, 0) else f"{at:%Y-%m-%d %H:%M}"
