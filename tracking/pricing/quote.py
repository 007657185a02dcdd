"""One set of rates turned into integers, once, so that pricing a call is a handful of multiplications.

Every token is charged once: at the rate of the narrowest count it is in that has one. That makes the amount a
weighted sum of the counts as they stand: a part weighs its own rate less that of the whole it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter, mul
from typing import Final

from tracking.domain.cost import REQUESTS, Cost, CostState, Receipt, per
from tracking.domain.usage import COUNTS, TokenUsage, wholes
from tracking.errors import PriceError

# Sums are kept in millionths of a nano-dollar: rates of up to nine decimals per million tokens are whole.
PER_NANO: Final = 10**6
_PER_DOLLAR: Final = PER_NANO * 10**9


class Quote:
    """What the rates of `receipt` make of a usage.

    Attributes:
        weights: by count, in the order of `COUNTS`, in millionths of a nano-dollar.
        fixed: on top, for every call.
        free: a price of 0 is stated.
        unrated: the counts for which no rate is.

    Raises:
        PriceError: a rate is finer than that.
    """

    __slots__ = (
        "_counts", "_gaps", "_rates", "_used", "fixed", "free", "receipt", "unrated",
        "weights",
    )  # fmt: skip

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        self._rates = {name: _whole_number(name, rate) for name, rate in receipt.rates.items()}
        self.free = bool(self._rates) and not any(self._rates.values())
        self.fixed = self._rates.get(REQUESTS, 0)
        self.weights = tuple(_weight(name, self._rates) for name in COUNTS)
        used = [(name, weight) for name, weight in zip(COUNTS, self.weights, strict=True) if weight]
        self.unrated = tuple(name for name in COUNTS if not _covered(name, self._rates))
        self._counts, self._used = _getter([name for name, _ in used]), tuple(weight for _, weight in used)
        self._gaps = _getter(self.unrated) if self.unrated else None

    @property
    def unpriced(self) -> bool:
        """Whether the card states no price at all."""
        return not self._rates

    def price(self, usage: TokenUsage) -> Cost:
        """The cost of one call: exact, rounded once to the nano-dollar, half to even."""
        counts = self._counts(usage)
        if None in counts or usage.input_audio_tokens or not self._rates:
            if self._is_tangled(usage):
                return self._by_parts(usage)
            counts = tuple([count or 0 for count in counts])
        return self._cost(sum(map(mul, counts, self._used), self.fixed), usage)

    def _cost(self, amount: int, usage: TokenUsage, gap: str = "") -> Cost:
        nano = amount // PER_NANO
        if rest := amount - nano * PER_NANO:
            nano += 2 * rest > PER_NANO or (2 * rest == PER_NANO and nano & 1)
        if self._gaps is not None and any(self._gaps(usage)):
            gap = f"{self.receipt.source} has no rate for {', '.join(usage.outside(self._rates))}"
        if gap:
            note = "; ".join(filter(None, (self.receipt.note, f"at least this much: {gap}")))
            return Cost(nano, CostState.PARTIAL, replace(self.receipt, note=note))
        return Cost(nano, CostState.FREE if self.free else CostState.KNOWN, self.receipt)

    def _is_tangled(self, usage: TokenUsage) -> bool:
        """Whether weights won't do: a part may be known without its whole, and two parts may overlap."""
        return (
            usage.input_tokens is None
            or usage.output_tokens is None
            or (
                usage.cache_creation_input_tokens is None
                and bool(usage.cache_creation_5m_input_tokens or usage.cache_creation_1h_input_tokens)
            )
            or bool(usage.input_audio_tokens)
            or not self._rates
        )

    def _by_parts(self, usage: TokenUsage) -> Cost:
        if not self._rates:
            why = f"{self.receipt.source} lists {self.receipt.model} without a price for tokens"
            return Cost.unpriced(replace(self.receipt, note=why))
        if not usage.counts():
            return Cost.unpriced(replace(self.receipt, note="its token usage is not known"))
        charged = usage.apart(self._rates)
        gap = ""
        if any(count < 0 for count in charged.values()):
            gap = "its audio and its cached tokens overlap, by how much was not reported"
        amount = sum(max(count, 0) * self._rates[name] for name, count in charged.items())
        return self._cost(amount + self.fixed, usage, gap)


def _whole_number(name: str, rate: Decimal) -> int:
    number = rate * _PER_DOLLAR / per(name)
    if number != int(number):
        raise PriceError(f"the rate of {name} ({rate}) has more than nine decimals per million")
    return int(number)


def _weight(name: str, rates: Mapping[str, int]) -> int:
    if name not in rates:
        return 0
    return rates[name] - next((rates[whole] for whole in wholes(name) if whole in rates), 0)


def _covered(name: str, rates: Mapping[str, int]) -> bool:
    return name in rates or any(whole in rates for whole in wholes(name))


def _getter(names: Sequence[str]) -> Callable[[TokenUsage], tuple[int | None, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda usage: tuple([getattr(usage, name) for name in names])  # attrgetter would give no tuple
