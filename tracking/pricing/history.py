"""config/prices.toml: dated prices, and names that moved.

It says what a list of today's prices cannot: what was in force when a call was made. Everything in it is
checked when it is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from tracking.domain.cost import Receipt
from tracking.errors import PriceError
from tracking.pricing.card import Card, Situation
from tracking.pricing.entries import AliasEntry, Dated, Price
from tracking.pricing.quote import Quote

_TABLES: Final = frozenset({"price", "alias"})
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
Entry = TypeVar("Entry", bound=Dated)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that meant `target` from `since` (inclusive) to `until` (exclusive)."""

    target: str
    since: datetime | None
    until: datetime | None


@dataclass(slots=True)
class History:
    """What a price file says, by provider and name; every list oldest first and without overlaps."""

    cards: dict[tuple[str, str], list[Card]] = field(default_factory=dict)
    aliases: dict[tuple[str, str], list[Alias]] = field(default_factory=dict)

    def over(self, older: History) -> History:
        """Both; a name that is in this one is taken from this one alone."""
        return History(older.cards | self.cards, older.aliases | self.aliases)


@cache
def read(path: Path) -> History:
    """Read and check a price file, once in a process.

    Raises:
        PriceError: it can't be read, or an entry is impossible or overlaps another; with file and line.
    """
    try:
        text = path.read_text("utf-8")
        stated = tomllib.loads(text, parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PriceError(f"{path} can't be read as a price list: {error}") from error
    return _Reader(path, text, stated).history()


class _Reader:
    def __init__(self, path: Path, text: str, stated: dict[str, Any]) -> None:
        if unknown := sorted(stated.keys() - _TABLES):
            raise PriceError(f"{path}: unknown table {unknown[0]!r}; there are [[price]] and [[alias]]")
        self._path = path
        self._stated = stated
        self._lines: dict[str, list[int]] = {table: [] for table in _TABLES}
        self._line_of: dict[int, int] = {}  # by the id of a card or alias of the history
        for number, line in enumerate(text.splitlines(), 1):
            if found := re.match(r"\[\[(\w+)\]\]", line.replace(" ", "")):
                self._lines.setdefault(found[1], []).append(number)

    def history(self) -> History:
        history = History()
        for line, price in self._entries("price", Price):
            card = price.card
            self._line_of[id(card)] = line
            self._check_rates(card)
            for name in (price.model, *price.aliases):
                history.cards.setdefault((price.provider, name.lower()), []).append(card)
        for line, entry in self._entries("alias", AliasEntry):
            alias = Alias(entry.target.lower(), entry.since, entry.until)
            self._line_of[id(alias)] = line
            history.aliases.setdefault((entry.provider, entry.name.lower()), []).append(alias)
        for key, cards in history.cards.items():
            cards.sort(key=lambda card: card.since or _BEGINNING)
            self._check_periods(key, cards)
        for key, aliases in history.aliases.items():
            aliases.sort(key=lambda alias: alias.since or _BEGINNING)
            self._check_periods(key, aliases)
        return history

    def _entries(self, table: str, kind: type[Entry]) -> Iterator[tuple[int, Entry]]:
        for line, stated in zip(self._lines[table], self._stated.get(table, ()), strict=True):
            try:
                entry = kind.model_validate(stated)
            except ValidationError as error:
                said = error.errors(include_url=False, include_input=False)[0]
                key = ".".join(map(str, said["loc"])) or table
                raise PriceError(f"{self._path}, line {line}: {key}: {said['msg']}") from None
            yield line, entry

    def _check_rates(self, card: Card) -> None:
        try:
            Quote(Receipt(card.provider, card.model, card.source, card.rates_in(Situation())))
        except PriceError as error:
            raise PriceError(f"{self._path}, line {self._line_of[id(card)]}: {error}") from None

    def _check_periods(self, name: tuple[str, str], periods: Sequence[Card | Alias]) -> None:
        for earlier, later in pairwise(periods):
            if (earlier.until or _END) > (later.since or _BEGINNING):
                lines = f"{self._line_of[id(earlier)]} and {self._line_of[id(later)]}"
                raise PriceError(
                    f"{self._path}, lines {lines}: two entries for {'/'.join(name)} overlap: "
                    "end the first with `until` where the second begins"
                )
