"""What a call cost, by the prices in force at its own time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, Self

from tracking.domain.cost import Cost, CostState, Receipt
from tracking.domain.usage import TokenUsage
from tracking.errors import PriceError
from tracking.pricing.card import Card
from tracking.pricing.history import History, read
from tracking.pricing.listed import PriceList
from tracking.pricing.names import FREE_PROVIDERS, reference
from tracking.pricing.offer import Offer
from tracking.pricing.timeline import timeline

PRICES: Final = Path(__file__).resolve().parents[2] / "config" / "prices.toml"
STANDARD_TIERS: Final = frozenset({None, "default", "standard", "auto", "on_demand", "standard_only"})


class PriceBook:
    """Prices calls: by a person's own prices, else by config/prices.toml, else by genai-prices' list.

    The list is read when the first call needs it, not before: it takes half a second.

    Attributes:
        public_list: genai-prices', as it came with the library or was fetched.
        problem: why a price file is left out, with its line; None: none is.
    """

    def __init__(self, history: History, prices: PriceList | None = None, problem: str | None = None) -> None:
        self.problem = problem
        self.public_list = prices or PriceList()
        self._history = history
        self._offers: dict[tuple[str | None, str], tuple[Offer, ...] | Cost] = {}

    @classmethod
    def load(cls, overrides: str | Path | None = None) -> Self:
        """The book with this project's price history, and with a file of the same kind which wins over it.

        Raises:
            PriceError: a file says something impossible; with file and line.
        """
        return cls(_shipped()) if overrides is None else cls.with_own(read(Path(overrides)))

    @classmethod
    def load_usable(cls, overrides: str | Path | None) -> Self:
        """The same for whoever must go on: without a file that can't be used, see `problem`."""
        try:
            return cls.load(overrides)
        except PriceError as error:
            problem = str(error)
        for file in (PRICES, *([] if overrides is None else [Path(overrides)])):
            # By its name: a long path looks like a secret where text is searched for them.
            problem = problem.replace(str(file), file.name)
        try:
            return cls(_shipped(), problem=problem)
        except PriceError:
            return cls(History(), problem=problem)

    @classmethod
    def with_own(cls, prices: History) -> Self:
        """The book with a person's own prices, which win name by name and say so as their source."""
        return cls(prices.as_own().over(_shipped()))

    def price(
        self,
        model: str,
        usage: TokenUsage | None,
        *,
        provider: str | None = None,
        at: datetime,
        service_tier: str | None = None,
        as_of: datetime | None = None,
    ) -> Cost:
        """Price one call. Never raises: what can't be priced is `unpriced`, with the reason in its receipt.

        Args:
            model: as the provider, crewai, litellm or OpenRouter spells it: `openai/gpt-4o`, `gpt-4o`.
            usage: the call's counts; None: not known.
            provider: who sent the bill; None: read off the model's name.
            at: when the call was made, time zone aware; the rates of that time are used.
            service_tier: the tier that served it; None: the standard one.
            as_of: by the prices of this time instead; the hour that counts is still the call's own.
        """
        offers = self._offers.get((provider, model)) or self._find(provider, model)
        if isinstance(offers, Cost):
            return offers
        if usage is None:
            return _unpriced(offers[-1].card, "its token usage is not known")
        moment = at if as_of is None else as_of
        for offer in offers:
            if (offer.since is None or moment >= offer.since) and (
                offer.until is None or moment < offer.until
            ):
                break
        else:
            return _unpriced(offers[-1].card, "no price of it is known for that time")
        service = None if service_tier in STANDARD_TIERS else service_tier
        try:
            return offer.quote(usage.input_tokens or 0, service, at).price(usage)
        except KeyError:
            return _unpriced(offer.card, f"{offer.card.source} has no price for the service tier {service}")

    def cards(self, model: str, *, provider: str | None = None) -> tuple[Card, ...]:
        """The model's cards, newest first; none when it can't be priced."""
        offers = self.offers(model, provider=provider)
        return () if isinstance(offers, Cost) else tuple(offer.card for offer in offers)

    def context_window(self, model: str, *, provider: str | None = None) -> int | None:
        """The most input tokens the model takes, where the public list says so."""
        cards = self.cards(model, provider=provider)
        if not cards:
            return None
        return self.public_list.context_window(cards[0].provider, reference(provider, model).model)

    def offers(self, model: str, *, provider: str | None = None) -> tuple[Offer, ...] | Cost:
        """The model's cards at work, newest first; or what every call costs: nothing, or nobody knows."""
        return self._offers.get((provider, model)) or self._find(provider, model)

    def names(self) -> list[str]:
        """Every name that a price file has, as `provider/model`; the public list has others."""
        return sorted(
            f"{provider}/{name}" for provider, name in (*self._history.cards, *self._history.aliases)
        )

    def _find(self, provider: str | None, model: str) -> tuple[Offer, ...] | Cost:
        wanted = reference(provider, model)
        found: tuple[Offer, ...] | Cost
        if wanted.provider in FREE_PROVIDERS and wanted not in self._history.cards:
            receipt = Receipt(wanted.provider, wanted.model, "runs on your own machine")
            found = Cost(0, CostState.FREE, receipt)
        elif isinstance(cards := timeline(self._history, self.public_list, wanted), str):
            found = Cost.unpriced(Receipt(wanted.provider or "", wanted.model, "none", note=cards))
        else:
            found = tuple(map(Offer, reversed(cards)))  # most calls fall under the newest card
        self._offers[provider, model] = found
        return found


def _shipped() -> History:
    return read(PRICES) if PRICES.exists() else History()


def _unpriced(card: Card, why: str) -> Cost:
    return Cost.unpriced(Receipt(card.provider, card.model, "none", note=why))
