"""A person's own prices: a file like config/prices.toml, changed one entry at a time.

What is not changed stays as it was written, comments too. The file as it was before the last change is kept
beside it, so that the change can be undone.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Final

from filelock import FileLock
from pydantic import ValidationError

from tracking.errors import PriceError
from tracking.pricing.card import Card
from tracking.pricing.entries import Price
from tracking.pricing.history import parse
from tracking.pricing.writing import day, entry

_HEADER: Final = re.compile(r"\s*\[\[\s*(price|alias)\s*\]\]")
_FROM: Final = re.compile(r"\s*from\s*=")
_IDLE: Final = re.compile(r"\s*(#|$)")  # a comment or nothing


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """An entry of the file, on its lines `first` (from 0) to `end` (exclusive)."""

    card: Card
    aliases: tuple[str, ...]
    first: int
    end: int


class OwnPrices:
    """The file at `path`, which need not be there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.backup = path.with_name(f"{path.name}.bak")

    def text(self) -> str:
        """Raises: PriceError: it is there, and can't be read."""
        return _read(self.path) if self.path.exists() else ""

    def entries(self) -> list[OwnPrice]:
        """In the order of the file.

        Raises:
            PriceError: the file can't be used; with the line.
        """
        text = self.text()
        parse(text, self.path)
        return _entries(text)

    def text_with(self, *cards: Card) -> str:
        """The file with these prices in it, each in place of its model's entry that begins at the same time.

        One that begins at another time is a new entry, and ends the one before it.

        Raises:
            PriceError: that would not be a price file; with the line.
        """
        text = reduce(_with, cards, self.text())
        parse(text, self.path)
        return text

    def put(self, *cards: Card) -> None:
        """Raises: PriceError: as `text_with` does, or the file can't be written."""
        self._change(lambda: self.text_with(*cards))

    def remove(self, card: Card) -> None:
        """Take out the price of this model that begins when `card` does. Raises as `put` does."""
        self._change(lambda: _without(self.text(), card))

    @property
    def can_undo(self) -> bool:
        return self.backup.exists()

    def undo(self) -> None:
        """The file as it was before the last change. Undone once more, the change is back.

        Raises:
            PriceError: a file can't be read or written.
        """
        self._change(lambda: _read(self.backup))

    def _change(self, made: Callable[[], str]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock"):  # several pages may be open
                text, before = made(), self.text()
                _write(self.backup, before)
                _write(self.path, text)
        except OSError as error:
            raise PriceError(f"{self.path} can't be written: {error}") from error


def _entries(text: str) -> list[OwnPrice]:
    lines = text.split("\n")
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    spans = [span for span in pairwise([*headers, len(lines)]) if "price" in lines[span[0]]]
    stated = tomllib.loads(text, parse_float=Decimal).get("price", [])
    found = []
    for (first, end), values in zip(spans, stated, strict=True):
        price = Price.model_validate(values)
        while _IDLE.match(lines[end - 1]):  # what stands before the next entry is about that one
            end -= 1  # noqa: PLW2901
        found.append(OwnPrice(price.card, price.aliases, first, end))
    return found


def _of_model(text: str, card: Card) -> list[OwnPrice]:
    name = (card.provider, card.model.lower())
    try:
        return [own for own in _entries(text) if (own.card.provider, own.card.model.lower()) == name]
    except (tomllib.TOMLDecodeError, ValidationError, ValueError):
        return []  # checking the whole file says what is wrong with it


def _with(text: str, card: Card) -> str:
    lines, own = text.split("\n"), _of_model(text, card)
    same = next((price for price in own if price.card.since == card.since), None)
    if same is not None:
        lines[same.first : same.end] = entry(card, same.aliases).splitlines()
        return "\n".join(lines)
    if (before := _open_before(own, card)) is not None:
        assert card.since is not None
        block = lines[before.first : before.end]
        begins = next((number for number, line in enumerate(block) if _FROM.match(line)), 0)
        lines.insert(before.first + begins + 1, f"until = {day(card.since)}")
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join([*lines, *([""] if lines else []), entry(card)])


def _open_before(own: list[OwnPrice], card: Card) -> OwnPrice | None:
    since = card.since
    if since is None:
        return None
    return next(
        (p for p in own if p.card.until is None and (p.card.since is None or p.card.since < since)), None
    )


def _without(text: str, card: Card) -> str:
    lines = text.split("\n")
    for own in _of_model(text, card):
        if own.card.since == card.since:
            del lines[own.first : own.end]
    return "\n".join(lines)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceError(f"{path} can't be read: {error}") from error


def _write(path: Path, text: str) -> None:
    """As a whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
