"""What a call cost, by the public price list at the call's own time."""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tracking.domain.cost import Cost, CostState, Receipt
from tracking.domain.money import nano_usd
from tracking.domain.usage import TokenUsage

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

logger = logging.getLogger(__name__)

# Models that run on the user's own machines: nobody sends a bill.
_FREE_PROVIDERS: Final = frozenset({"local", "ollama", "ollama_chat", "hosted_vllm"})
# crewai's spelling -> the price list's. None: the list can't know what this endpoint charges.
_PROVIDERS: Final[dict[str, str | None]] = {
    "gemini": "google",
    "bedrock": "aws",
    "xai": "x-ai",
    "openai_compatible": None,
}
# our name -> the price list's name
_USAGE_KEYS: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
    "cache_creation_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation_1h_input_tokens": "cache_write_1h_tokens",
    "reasoning_output_tokens": "output_reasoning_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "web_search_requests": "web_searches",
}
# the price list's name of a rate -> our name of what it is charged for
_RATE_NAMES: Final = {
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
# The list has no prices of 0: a model that costs nothing has no rates, as one has whose price is not known.
_FREE_SUFFIX: Final = ":free"
_STANDARD_TIERS: Final = frozenset({"default", "standard", "auto"})


class PriceBook:
    """Prices calls. The list is read when the first call is priced, not before: it takes half a second."""

    @classmethod
    def load(cls) -> PriceBook:
        return cls()

    def price(
        self,
        model: str,
        usage: TokenUsage | None,
        *,
        provider: str | None = None,
        at: datetime,
        service_tier: str | None = None,
    ) -> Cost:
        """Price one call. Never raises: what can't be priced is `unpriced`, with the reason in its receipt.

        Args:
            model: as the provider or crewai spells it, `openai/gpt-4o-mini` or `gpt-4o-mini`.
            usage: the call's counts; None: not known.
            provider: who sent the bill; None: read off the model's prefix.
            at: when the call was made, time zone aware; the rates of that time are used.
            service_tier: the tier that served it.
        """
        provider, model = _split(provider, model)
        if provider in _FREE_PROVIDERS:
            return Cost(0, CostState.FREE, Receipt(provider, model, "runs on your own machine"))
        listed = _PROVIDERS.get(provider, provider) if provider else None
        if provider and listed is None:
            return _unpriced(provider, model, f"no price list covers {provider}")
        if usage is None:
            return _unpriced(provider or "", model, "its token usage is not known")
        try:
            return _priced(_calculate(model, usage, listed, at, service_tier), usage, service_tier)
        except LookupError:
            return _unpriced(provider or "", model, f"{model} is in no price list")
        except ValueError as error:
            return _unpriced(provider or "", model, f"the price list refused the usage: {error}")


def _split(provider: str | None, model: str) -> tuple[str | None, str]:
    """A `provider/model` reference in its two parts; OpenRouter's own `vendor/model` names stay whole."""
    prefix, slash, rest = model.partition("/")
    if not slash or (provider == "openrouter" and prefix != "openrouter"):
        return provider, model
    return (prefix, rest) if provider in {None, prefix} else (provider, model)


def _calculate(
    model: str, usage: TokenUsage, provider: str | None, at: datetime, service_tier: str | None
) -> PriceCalculation:
    from genai_prices import Usage, calc_price  # noqa: PLC0415  # 0.5 s, paid only when something is priced

    context: Any = None
    if service_tier and service_tier not in _STANDARD_TIERS:
        context = {"service_tier": service_tier}
    return calc_price(
        Usage(**{_USAGE_KEYS[name]: count for name, count in usage.counts().items()}),
        model_ref=model,
        provider_id=provider,
        genai_request_timestamp=at,
        price_context=context,
    )


def _priced(found: PriceCalculation, usage: TokenUsage, service_tier: str | None) -> Cost:
    from genai_prices import __version__  # noqa: PLC0415  # imported already, by the calculation

    provider, model, source = found.provider.id, found.model.id, f"genai-prices {__version__}"
    rates = _rates(found.model_price, usage)
    if not rates:
        if model.endswith(_FREE_SUFFIX):
            return Cost(0, CostState.FREE, Receipt(provider, model, source))
        return _unpriced(provider, model, f"{source} lists {model} without a price for tokens")
    notes = [] if service_tier in {None, *_STANDARD_TIERS} else [f"service tier {service_tier}"]
    uncharged = usage.outside(rates)
    if uncharged:
        notes.append(f"at least this much: {source} has no rate for {', '.join(uncharged)}")
    return Cost(
        nano_usd(Decimal(found.total_price)),
        CostState.PARTIAL if uncharged else CostState.KNOWN,
        Receipt(provider, model, source, rates, "; ".join(notes) or None),
    )


def _rates(card: Any, usage: TokenUsage) -> dict[str, Decimal]:
    """The card's rates in force for this call: a tier's rate replaces the base for the whole request."""
    rates = {}
    for foreign, name in _RATE_NAMES.items():
        rate = getattr(card, foreign, None)
        if rate is None:
            continue
        if not isinstance(rate, Decimal):
            reached = [tier.price for tier in rate.tiers if (usage.input_tokens or 0) > tier.start]
            rate = reached[-1] if reached else rate.base
        rates[name] = rate
    return rates


def _unpriced(provider: str, model: str, why: str) -> Cost:
    return Cost.unpriced(Receipt(provider, model, "none", note=why))
