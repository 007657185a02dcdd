"""The golden rows, and what litellm said of them when it was last asked."""

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from tracking import TokenUsage

FOLDER = Path(__file__).resolve().parents[1]
GOLDEN = FOLDER / "prices.csv"
LITELLM = FOLDER / "litellm.csv"
_KEYS = ("provider", "model", "at", "service_tier", "usage")


@dataclass(frozen=True)
class Row:
    """A call, and what it cost: None where no price existed."""

    stated: dict[str, str]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(self.stated[name] for name in _KEYS)

    @property
    def model(self) -> str:
        return self.stated["model"]

    @property
    def provider(self) -> str | None:
        return self.stated["provider"] or None

    @property
    def tier(self) -> str | None:
        return self.stated["service_tier"] or None

    @cached_property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.stated["at"])

    @cached_property
    def usage(self) -> TokenUsage:
        return TokenUsage(**json.loads(self.stated["usage"]))

    @property
    def truth(self) -> Decimal | None:
        return Decimal(self.stated["amount_usd"]) if self.stated["amount_usd"] else None


@dataclass(frozen=True)
class Answer:
    """What a library says a call cost; None: it refused."""

    amount: Decimal | None

    def verdict(self, truth: Decimal | None) -> str:
        if self.amount is None:
            return "right" if truth is None else "refused"
        if truth is not None and same(self.amount, truth):
            return "right"
        return "zero" if self.amount == 0 else "wrong"


def same(one: Decimal, other: Decimal) -> bool:
    """To the nano-dollar: litellm's amounts are floats."""
    return abs(one - other) < Decimal("0.0000000015")


def golden_rows() -> list[Row]:
    with GOLDEN.open(newline="") as file:
        return [Row(stated) for stated in csv.DictReader(file)]


def read_litellm() -> tuple[str, dict[tuple[str, ...], Answer]]:
    """Which one was asked and when, and its answers by a row's key."""
    with LITELLM.open(newline="") as file:
        reader = csv.DictReader(file)
        asked = (reader.fieldnames or [""])[-1]
        answers = {
            tuple(row[name] for name in _KEYS): Answer(Decimal(row[asked]) if row[asked] else None)
            for row in reader
        }
    return asked, answers


def write_litellm(asked: str, answers: dict[tuple[str, ...], Answer]) -> None:
    with LITELLM.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_KEYS, asked])
        for key, answer in answers.items():
            writer.writerow([*key, "" if answer.amount is None else f"{answer.amount.normalize():f}"])
