"""genai-prices' list as cards: its names, conditions and variants end here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tracking.pricing.card import Card, Change, Rates, Tier, Window
from tracking.pricing.names import is_decoration
from tracking.pricing.publication import Publication, newest

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, PriceVariant, Provider

# the list's name of a rate -> our name of what it is charged for
_RATES: Final = {
    "input_mtok": "input_tokens",
    "output_mtok": "output_tokens",
    "cache_read_mtok": "cache_read_input_tokens",
    "cache_write_mtok": "cache_creation_input_tokens",
    "cache_write_5m_mtok": "cache_creation_5m_input_tokens",
    "cache_write_1h_mtok": "cache_creation_1h_input_tokens",
    "output_reasoning_mtok": "reasoning_output_tokens",
    "input_audio_mtok": "input_audio_tokens",
    "output_audio_mtok": "output_audio_tokens",
    "web_searches_kcount": "web_search_requests",
    "requests_kcount": "requests",
}
# What a variant is selected by -> the service tier that it is.
_SERVICES: Final = frozenset({"processing", "service_tier", "speed"})
_DECIMALS: Final = 9
_OPEN_END: Final = re.compile(r"(?:-20\d\d)?[-:@.]$")  # where a prefix breaks off, perhaps within a date
_FINE_TUNED: Final = re.compile(r"^(ft:[^:]+):.*$")  # whose it is, and of what job, is no other price
_STRANGER: Final = "zq7"  # in no model's name


class PriceList:
    """A list as it was published. It is read when something is looked up in it, not before."""

    def __init__(self, publication: Callable[[], Publication] = newest) -> None:
        self._publish = publication

    @cached_property
    def publication(self) -> Publication:
        return self._publish()

    @cached_property
    def _providers(self) -> dict[str, Provider]:
        return {provider.id: provider for provider in self.publication.providers}

    def provider_of(self, model: str) -> str | None:
        """Whose model that is, where its name alone tells."""
        for provider in self._providers.values():
            if provider.model_match is not None and provider.model_match.is_match(model):
                return provider.id
        return None

    def everything(self) -> Iterator[tuple[str, str, list[Card]]]:
        """All that is in it: provider, the model's name in the list, its cards."""
        for provider in self._providers.values():
            for model in provider.models:
                yield provider.id, model.id, list(_cards(provider.id, model, self.publication.source))

    def newest(self, at: datetime) -> datetime | None:
        """When the last of its prices that it has a date for began, as of a time: it does not say its age."""
        models = (model for provider in self._providers.values() for model in provider.models)
        starts = (
            _start(each)
            for model in models
            for each in (*_conditional(model.prices), *(model.price_variants or ()))
        )
        return max((start for start in starts if start is not None and start <= at), default=None)

    def has_provider(self, name: str) -> bool:
        return name in self._providers

    def cards(self, provider: str, model: str) -> list[Card]:
        """The model's cards, oldest first; none when the list does not have exactly this model."""
        found = self._find(provider, model)
        return [] if found is None else list(_cards(provider, found, self.publication.source))

    def context_window(self, provider: str, model: str) -> int | None:
        """The most input tokens the model takes, where the list says so."""
        found = self._find(provider, model)
        return None if found is None else found.context_window

    def _find(self, provider: str, model: str) -> ModelInfo | None:
        if (listed := self._providers.get(provider)) is None:
            return None
        found = _model(listed, model) or _model(listed, f"{provider}/{model}")
        for other in listed.fallback_model_providers or () if found is None else ():
            if (found := _model(self._providers[other], model)) is not None:
                break
        return found


def _model(provider: Provider, name: str) -> ModelInfo | None:
    """The list matches by prefix or substring in places, which takes in models that do not exist yet."""
    found = provider.find_model(name)
    return found if found is not None and _is_exactly(found, name.lower()) else None


def _is_exactly(model: ModelInfo, name: str) -> bool:
    name = _FINE_TUNED.sub(r"\1", name)
    literals = {model.id.lower(), *_literals(model.match)}
    if name in literals or any(
        name.startswith(each) and is_decoration(name.removeprefix(each)) for each in literals
    ):
        return True
    # Matched by a pattern that is closed on both sides.
    return not (model.is_match(name + _STRANGER) or model.is_match(_STRANGER + name))


def _literals(clause: Any) -> Iterator[str]:
    for part in (*getattr(clause, "or_", ()), *getattr(clause, "and_", ())):
        yield from _literals(part)
    for kind in ("equals", "starts_with", "contains", "ends_with"):
        if text := getattr(clause, kind, None):
            yield _OPEN_END.sub("", text.lower())


def _cards(provider: str, model: ModelInfo, source: str) -> Iterator[Card]:
    """One card per period between the dates on which anything changes."""
    prices = _conditional(model.prices)
    variants = model.price_variants or []
    dated = (*map(_start, prices), *map(_start, variants))
    starts = sorted({start for start in dated if start is not None})
    for since, until in zip([None, *starts], [*starts, None], strict=True):
        yield Card(
            provider=provider,
            model=model.id,
            rates=_rates(_standard(prices, since)) or _nothing(model),
            tiers=_tiers(_standard(prices, since)),
            windows=tuple(_windows(prices, since)),
            services=dict(_services(variants, since)),
            source=source,
            since=since,
            until=until,
        )


def _conditional(prices: ModelPrice | list[ConditionalPrice]) -> list[ConditionalPrice]:
    from genai_prices.types import ConditionalPrice  # noqa: PLC0415  # half a second, paid only when something is priced

    return prices if isinstance(prices, list) else [ConditionalPrice(prices=prices)]


def _start(priced: ConditionalPrice | PriceVariant) -> datetime | None:
    day = getattr(priced.constraint, "start_date", None)
    return None if day is None else datetime.combine(day, time(), UTC)


def _began(priced: ConditionalPrice | PriceVariant, since: datetime | None) -> bool:
    start = _start(priced)
    return start is None or (since is not None and start <= since)


def _is_timed(priced: ConditionalPrice | PriceVariant) -> bool:
    return hasattr(priced.constraint, "start_time")


def _standard(prices: list[ConditionalPrice], since: datetime | None) -> ModelPrice:
    """The list's rule: the last one whose condition is met, or else the first."""
    met = [each for each in prices if not _is_timed(each) and _began(each, since)]
    return (met[-1] if met else prices[0]).prices


def _windows(prices: list[ConditionalPrice], since: datetime | None) -> Iterator[Window]:
    for number, each in enumerate(prices):
        if _is_timed(each) and not any(_start(later) and _began(later, since) for later in prices[number:]):
            constraint: Any = each.constraint
            change = Change(rates=_rates(each.prices), tiers=_tiers(each.prices))
            yield Window(_naive(constraint.start_time), _naive(constraint.end_time), change)


def _services(variants: Iterable[PriceVariant], since: datetime | None) -> Iterator[tuple[str, Change]]:
    for each in reversed(list(variants)):  # the first one that fits wins
        (key, value), *more = each.when.items()
        if key in _SERVICES and value != "default" and not more and _began(each, since):
            yield value, Change(rates=_rates(each.prices), tiers=_tiers(each.prices))


def _naive(moment: time) -> time:
    if moment.tzinfo is None:
        return moment
    return datetime.combine(datetime(1970, 1, 1, tzinfo=UTC), moment).astimezone(UTC).time()


def _rates(prices: ModelPrice) -> Rates:
    stated = {ours: getattr(prices, foreign, None) for foreign, ours in _RATES.items()}
    return {
        name: _even(rate if isinstance(rate, Decimal) else rate.base)
        for name, rate in stated.items()
        if rate is not None
    }


def _even(rate: Decimal) -> Decimal:
    """Without the tail of a binary fraction (0.18000000000000002), which money of ours does not hold."""
    return rate if rate == (near := round(rate, _DECIMALS)) else near


def _nothing(model: ModelInfo) -> Rates:
    """The list has no prices of 0: a model without a price is free only where its name says so."""
    return {"input_tokens": Decimal(0), "output_tokens": Decimal(0)} if model.id.endswith(":free") else {}


def _tiers(prices: ModelPrice) -> tuple[Tier, ...]:
    above: dict[int, dict[str, Decimal]] = {}
    for foreign, ours in _RATES.items():
        for tier in getattr(getattr(prices, foreign, None), "tiers", ()):
            above.setdefault(tier.start, {})[ours] = _even(tier.price)
    return tuple(Tier(start, above[start]) for start in sorted(above))
