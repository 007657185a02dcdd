"""config/prices.toml: dated prices, and names that moved.

It says what a list of today's prices cannot: what was in force when a call was made. Everything in it is
checked when it is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import ValidationError

from tracking.domain.cost import Receipt
from tracking.errors import PriceError
from tracking.pricing.card import Card
from tracking.pricing.entries import AliasEntry, Dated, Price
from tracking.pricing.origin import Origin
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
        named = self.cards.keys() | self.aliases.keys()
        cards = {name: cards for name, cards in older.cards.items() if name not in named}
        aliases = {name: aliases for name, aliases in older.aliases.items() if name not in named}
        return History(cards | self.cards, aliases | self.aliases)

    def as_own(self) -> History:
        """The same, with sources that say that a person stated these prices: on receipts too, for ever."""
        own = {
            name: [replace(card, source=f"{Origin.OWN}: {card.source}") for card in cards]
            for name, cards in self.cards.items()
        }
        return History(own, self.aliases)


class Problem(NamedTuple):
    """What a price file says that can't be, and on which lines."""

    lines: tuple[int, ...]
    what: str


def read(path: Path) -> History:
    """Read and check a price file, again only when it has changed.

    Raises:
        PriceError: it can't be read, or an entry is impossible or overlaps another; with file and line.
    """
    try:
        found = path.stat()
        return _read(path, found.st_mtime_ns, found.st_size)
    except (OSError, UnicodeDecodeError) as error:
        raise PriceError(f"{path} can't be read as a price list: {error}") from error


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> History:  # noqa: ARG001  # both only decide when to read anew
    return parse(path.read_text("utf-8"), path)


def parse(text: str, path: Path) -> History:
    """What a price file with this text says; `path` stands in the errors. Raises as `read` does."""
    try:
        file = PriceFile(text)
    except tomllib.TOMLDecodeError as error:
        raise PriceError(f"{path} can't be read as a price list: {error}") from error
    if file.problems:
        lines, what = file.problems[0]
        raise PriceError(f"{path}, line{'s' * (len(lines) > 1)} {' and '.join(map(str, lines))}: {what}")
    return file.history


class PriceFile:
    """A price file, entry by entry.

    Attributes:
        history: what is possible of it.
        problems: all that is not, in the order in which it was found.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML.
    """

    def __init__(self, text: str) -> None:
        self.history = History()
        self.problems: list[Problem] = []
        self._line_of: dict[int, int] = {}  # by the id of a card or alias of the history
        self._text = text
        self._stated = tomllib.loads(text, parse_float=Decimal)
        self._check_tables()
        self._take_prices()
        self._take_aliases()
        self._check_periods()

    def line_of(self, entry: Card | Alias) -> int:
        """Where an entry of the history begins."""
        return self._line_of[id(entry)]

    def _check_tables(self) -> None:
        for table in sorted(self._stated.keys() - _TABLES):
            lines = self._lines(rf'\[*"?{re.escape(table)}"?[\].=]')
            what = f"unknown table {table!r}; there are [[price]] and [[alias]]"
            self.problems.append(Problem(lines[:1] or (1,), what))

    def _take_prices(self) -> None:
        for line, price in self._entries("price", Price):
            if fault := _fault(card := price.card):
                self.problems.append(Problem((line,), fault))
                continue
            self._line_of[id(card)] = line
            for name in (price.model, *price.aliases):
                self.history.cards.setdefault((price.provider, name.lower()), []).append(card)

    def _take_aliases(self) -> None:
        for line, entry in self._entries("alias", AliasEntry):
            alias = Alias(entry.target.lower(), entry.since, entry.until)
            self._line_of[id(alias)] = line
            self.history.aliases.setdefault((entry.provider, entry.name.lower()), []).append(alias)

    def _entries(self, table: str, kind: type[Entry]) -> Iterator[tuple[int, Entry]]:
        stated: Any = self._stated.get(table, [])
        lines = self._lines(rf"\[\[{table}\]\]")
        if not isinstance(stated, list) or len(stated) != len(lines):
            what = f"every entry must begin with a line of its own that says [[{table}]]"
            self.problems.append(Problem(lines[:1] or (1,), what))
            return
        for line, each in zip(lines, stated, strict=True):
            try:
                entry = kind.model_validate(each)
            except ValidationError as error:
                for fault in error.errors(include_url=False, include_input=False):
                    key = ".".join(map(str, fault["loc"])) or table
                    what = fault["msg"].removeprefix("Value error, ")
                    self.problems.append(Problem((line,), f"{key}: {what}"))
            else:
                yield line, entry

    def _lines(self, begin: str) -> tuple[int, ...]:
        lines = enumerate(self._text.splitlines(), 1)
        return tuple(number for number, line in lines if re.match(begin, line.replace(" ", "")))

    def _check_periods(self) -> None:
        named: list[tuple[tuple[str, str], list[Any]]] = [
            *self.history.cards.items(),
            *self.history.aliases.items(),
        ]
        overlaps: dict[tuple[int, ...], str] = {}  # by lines: one entry stands under several names
        for name, periods in named:
            periods.sort(key=lambda each: each.since or _BEGINNING)
            for earlier, later in pairwise(periods):
                if (earlier.until or _END) > (later.since or _BEGINNING):
                    lines = tuple(sorted({self.line_of(earlier), self.line_of(later)}))
                    overlaps.setdefault(lines, "/".join(name))
        for lines, entry in overlaps.items():
            what = f"two entries for {entry} overlap: end the first with `until` where the second begins"
            self.problems.append(Problem(lines, what))


def _fault(card: Card) -> str | None:
    """Why its rates can't be money, in any situation that they may apply in."""
    for situation in card.situations():
        try:
            Quote(Receipt(card.provider, card.model, card.source, card.rates_in(situation)))
        except PriceError as error:
            return str(error)
    return None
