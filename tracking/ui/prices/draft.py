"""A price as the form has it, checked as the price file is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tracking.pricing.card import Card
from tracking.pricing.checks import check
from tracking.pricing.entries import RATES, Price
from tracking.pricing.listed import PriceList
from tracking.pricing.names import canonical, reference
from tracking.pricing.own import OwnPrice

RATE_KEYS: Final = tuple(RATES)
_UNSAID: Final = "entered on the Models & prices page"


@dataclass(frozen=True, slots=True)
class PriceDraft:
    """`card` is there when nothing in the form contradicts the rules; `problems` say what does."""

    card: Card | None
    problems: tuple[tuple[str, str], ...] = ()  # the key, and what is wrong with its value


def drafted(values: Mapping[str, object], terms: Card | None = None) -> PriceDraft:
    """The form's values as a card.

    Args:
        values: by the price file's keys, rates as they were typed; None or empty: not stated.
        terms: a card whose steps, service tiers and hours are taken over.
    """
    stated = {key: value for key, value in values.items() if value not in (None, "")}
    problems = [(key, "whose price is it?") for key in ("provider", "model") if key not in stated]
    for key in RATE_KEYS:
        if isinstance(typed := stated.get(key), str):
            try:
                stated[key] = Decimal(typed.strip().removeprefix("$"))
            except InvalidOperation:
                problems.append((key, f"{typed} is not a number: write it as 0.25"))
    if problems:
        return PriceDraft(None, tuple(problems))
    provider, model = named(str(stated["provider"]), str(stated["model"]))
    stated |= {"provider": provider, "model": model, "source": stated.get("source", _UNSAID)}
    try:
        card = Price.model_validate(stated).card
    except ValidationError as error:
        return PriceDraft(None, tuple(map(_told, error.errors(include_url=False))))
    if terms is not None:
        card = replace(card, tiers=terms.tiers, services=terms.services, windows=terms.windows)
    return PriceDraft(card)


def named(provider: str, model: str) -> tuple[str, str]:
    """Whose model that is and what it is called where it is looked up: `gemini` is `google` there."""
    found = reference(provider, model)
    name = found.provider or provider
    return canonical(name) or name, found.model


def in_effect(card: Card, own: Iterable[OwnPrice], current: Card | None, at: datetime) -> tuple[Card, ...]:
    """What has to be written for a price to count when it says.

    A name that is in a person's file is priced by that file alone. Where the price begins only later, the one
    that is in force now (`current`) is written too, or until then there would be none.
    """
    if card.since is None or card.since <= at or current is None:
        return (card,)
    names = {(price.card.provider, price.card.model.lower()) for price in own}
    if (card.provider, card.model.lower()) in names:
        return (card,)
    kept = replace(current, provider=card.provider, model=card.model, until=card.since)
    return (kept, card)


def slips(text: str, before: str, prices: PriceList) -> list[str]:
    """What a changed file has that is possible, and looks like a slip. A contract is source enough here."""
    known = {finding.what for finding in check(before, prices)}
    new = [finding.what for finding in check(text, prices) if finding.what not in known]
    return [what for what in new if not what.startswith("the source ")]


def values_of(card: Card) -> dict[str, object]:
    """A card as the form shows it; what else it says is not in the form."""
    values: dict[str, object] = {
        "provider": card.provider,
        "model": card.model,
        "from": _day(card.since),
        "until": _day(card.until),
        "source": card.source,
        "note": card.note or "",
    }
    for key, (name, times) in RATES.items():
        if name in card.rates:
            values[key] = f"{(card.rates[name] / times).normalize():f}"
    return values


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(UTC).date()


def _told(problem: ErrorDetails) -> tuple[str, str]:
    return ".".join(map(str, problem["loc"])), problem["msg"].removeprefix("Value error, ")
