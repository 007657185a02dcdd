"""A card at work: the quote for a call, compiled when the first call falls under it."""

from __future__ import annotations

from datetime import datetime

from tracking.domain.cost import Receipt
from tracking.pricing.card import Card, Situation
from tracking.pricing.quote import Quote


class Offer:
    """The quotes of one card."""

    __slots__ = ("_ladder", "_quotes", "card", "since", "until")

    def __init__(self, card: Card) -> None:
        self.card, self.since, self.until = card, card.since, card.until
        self._quotes: dict[Situation, Quote] = {}
        steps = (-1, *(tier.above for tier in card.tiers))
        # The standard tier's quotes, the highest step first: nearly every call is one of these.
        self._ladder = tuple((above, self._quote(Situation(above))) for above in reversed(steps))

    def quote(self, input_tokens: int, service: str | None, at: datetime) -> Quote:
        """What a call is priced with. `service` None: the standard tier; `at`: time zone aware.

        Raises:
            KeyError: the card has no price for that service tier.
        """
        if service is None and not self.card.windows:
            for above, quote in self._ladder:
                if input_tokens > above:
                    return quote
        return self.quote_in(self.card.situation(input_tokens, service, at))

    def quote_in(self, situation: Situation) -> Quote:
        return self._quotes.get(situation) or self._quote(situation)

    def _quote(self, situation: Situation) -> Quote:
        card = self.card
        notes = [card.note or ""]
        if situation.above >= 0:
            notes.append(f"more than {situation.above:,} input tokens")
        if situation.service is not None:
            notes.append(f"service tier {situation.service}")
        if situation.window is not None:
            window = card.windows[situation.window]
            notes.append(f"from {window.start:%H:%M} to {window.end:%H:%M} UTC")
        self._quotes[situation] = Quote(
            Receipt(
                card.provider,
                card.model,
                card.source,
                card.rates_in(situation),
                "; ".join(filter(None, notes)) or None,
                card.since,
                card.until,
                card.fingerprint(),
            )
        )
        return self._quotes[situation]
