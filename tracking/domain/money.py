"""US dollars as integers of a thousand-millionth, so that sums are exact.

A token costs as little as $0.000000025, so cents and micro-dollars lose money; a float loses it in sums.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000


def nano_usd(amount: Decimal) -> int:
    """US dollars to nano-dollars; the one place where an amount is rounded (half to even)."""
    return int((amount * NANO_PER_USD).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd(nano: int) -> Decimal:
    """Nano-dollars to US dollars, exactly."""
    return Decimal(nano) / NANO_PER_USD
