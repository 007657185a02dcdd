"""The models: every one in the ledger and every one configured, with what it used and what it costs now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas as pd

from tracking.domain.call import CallTotals, totals
from tracking.domain.cost import CostState
from tracking.domain.usage import TokenUsage
from tracking.pricing.book import PriceBook
from tracking.pricing.card import Card
from tracking.pricing.origin import Origin, origin_of
from tracking.report.account import tokens_of_sums
from tracking.report.format import counted, exact, tokens, usd
from tracking.ui.receipt import date

Group = tuple[str | None, ...]  # provider, model asked for, model that answered: `state.MODEL_COLUMNS`
_NOTHING: Final = totals(())
_PROBE: Final = TokenUsage(input_tokens=0, output_tokens=0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model costs at one time: by its card, nothing at all, or not known and why."""

    card: Card | None = None
    is_free: bool = False
    why: str | None = None

    @property
    def has_price(self) -> bool:
        return self.why is None

    @property
    def origin(self) -> str:
        """In a word, where the price is from."""
        if self.card is not None:
            origin = origin_of(self.card.source)
            return self.card.source if origin is Origin.LISTED else str(origin)
        return "free" if self.is_free else "no price"


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model as calls are billed under it. `hidden` are those of its calls whose cost is in no total."""

    provider: str
    model: str
    standing: Standing
    sums: CallTotals = _NOTHING
    hidden: CallTotals = _NOTHING
    last_at: datetime | None = None
    label: str | None = None  # as config/models.toml names it

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"

    @property
    def is_seen(self) -> bool:
        return self.last_at is not None


def standing(book: PriceBook, provider: str | None, model: str, at: datetime) -> Standing:
    """How a model stands in the price book at a time."""
    cost, cards = book.price(model, _PROBE, provider=provider, at=at), book.cards(model, provider=provider)
    if cost.state is CostState.UNPRICED:
        noted = cost.receipt.note if cost.receipt else None
        return Standing(why=_why(cards, at) or noted or "no price is known")
    card = next((card for card in cards if card.covers(at)), None)
    return Standing(card=card, is_free=cost.state is CostState.FREE)


def _why(cards: Sequence[Card], at: datetime) -> str | None:
    """Where prices of other times are known: which is the nearest."""
    if any(card.covers(at) for card in cards):
        return None
    if ended := [card.until for card in cards if card.until is not None and card.until <= at]:
        return f"the last one that is known ended on {date(max(ended))}"
    begins = [card.since for card in cards if card.since is not None]
    return f"the first one begins on {date(min(begins))}" if begins else None


def taken_apart(name: str) -> tuple[str | None, str]:
    """`openai/gpt-4o` as provider and model; without a provider the model's name must tell."""
    provider, slash, model = name.partition("/")
    return (provider, model) if slash else (None, name)


def model_lines(
    sums: Mapping[Group, CallTotals],
    hidden: Mapping[Group, CallTotals],
    latest: Mapping[Group, datetime],
    configured: Iterable[tuple[str, str, str]],
    book: PriceBook,
    now: datetime,
) -> list[ModelLine]:
    """One line per provider and billed model: what has no price first, then the dearest, the unused last.

    The ledger's calls come per `Group`: all of them, the unpriced ones, and when the last one began.
    `configured` are provider, model and label of config/models.toml.
    """
    labels = {(provider, model): label for provider, model, label in configured}
    groups: dict[tuple[str, str], list[Group]] = {}
    for group in sums:
        groups.setdefault(billed(group), []).append(group)
    lines = [
        ModelLine(
            provider,
            model,
            standing(book, provider, model, now),
            _together(sums, groups.get((provider, model), ())),
            _together(hidden, groups.get((provider, model), ())),
            max((latest[group] for group in groups.get((provider, model), ())), default=None),
            labels.get((provider, model)),
        )
        for provider, model in dict.fromkeys([*groups, *labels])
    ]
    return sorted(lines, key=_place)


def billed(group: Group) -> tuple[str, str]:
    """The provider, and the model that answered: it is the one that is billed."""
    provider, asked, answered = group
    return provider or "", answered or asked or ""


def _together(sums: Mapping[Group, CallTotals], groups: Iterable[Group]) -> CallTotals:
    added = _NOTHING
    for group in groups:
        added += sums.get(group, _NOTHING)
    return added


def _place(line: ModelLine) -> tuple[bool, bool, int, int, str]:
    return (
        not line.is_seen,
        line.standing.has_price,
        -(line.sums.cost.nano_usd or 0),
        -(line.sums.usage.total_tokens or 0),
        line.name,
    )


def title(lines: Sequence[ModelLine]) -> str:
    """The page's answer: `7 models seen, 1 of them without a price: it hides 12 calls`."""
    seen = [line for line in lines if line.is_seen]
    if not seen:
        return "No model has been called yet"
    models = f"{counted(len(seen), 'model')} seen"
    without = [line for line in seen if not line.standing.has_price]
    if without:
        hidden = counted(sum(line.hidden.requests for line in without), "call")
        if len(seen) == 1:
            return f"{models}, and it has no price: it hides {hidden}"
        hides = "it hides" if len(without) == 1 else "they hide"
        return f"{models}, {len(without):,} of them without a price: {hides} {hidden}"
    return f"{models}, and it has a price" if len(seen) == 1 else f"{models}, each with a price"


def hidden_note(lines: Iterable[ModelLine]) -> str | None:
    """What no total holds the cost of, in a sentence; None when every billed call was priced."""
    hidden = _NOTHING
    for line in lines:
        hidden += line.hidden
    if not hidden.requests:
        return None
    used = hidden.usage.total_tokens
    note = f"{counted(hidden.requests, 'call')} could not be priced when made"
    note += f", {tokens(used)} tokens" if used is not None else ""
    if unknown := hidden.unknown_requests:
        whose = "their" if unknown > 1 else "its"
        note += f" ({unknown:,} because {whose} usage is not known)"
    return f"{note}: what they cost is in no total."


def models_frame(lines: Sequence[ModelLine]) -> pd.DataFrame:
    """One row per line, in the given order; what a model that was never called did not use is left empty."""
    rates = [line.standing.card.rates if line.standing.card else {} for line in lines]
    return pd.DataFrame(
        {
            "model": [line.model for line in lines],
            "calls": pd.array([_calls(line) for line in lines], dtype="Int64"),
            "cost": [_cost(line) for line in lines],
            "tokens": [tokens_of_sums(line.sums) if line.is_seen else "" for line in lines],
            "hidden": pd.array([line.hidden.requests or None for line in lines], dtype="Int64"),
            "input": [exact(rate["input_tokens"]) if "input_tokens" in rate else "" for rate in rates],
            "output": [exact(rate["output_tokens"]) if "output_tokens" in rate else "" for rate in rates],
            "origin": [line.standing.origin for line in lines],
            "provider": [line.provider for line in lines],
            "last": [line.last_at for line in lines],
            "label": [line.label or "" for line in lines],
        }
    )


def _calls(line: ModelLine) -> int | None:
    return line.sums.requests if line.is_seen else None


def _cost(line: ModelLine) -> str:
    return usd(line.sums.cost.amount, line.sums.cost.state) if line.is_seen else ""
