"""How fast a run spends now: over a stated window, as a function of its calls and the time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tracking.domain.call import CallTotals, LlmCall, totals
from tracking.domain.cost import CostState
from tracking.report.format import NOT_KNOWN, duration, usd

WINDOW: Final = timedelta(seconds=60)
_SHORTEST: Final = timedelta(seconds=1)  # of less nothing is said: a first call would look like a flood


@dataclass(frozen=True, slots=True)
class Rates:
    """What ended within the last `window`, per time. The tokens and the cost of a call count at its end.

    Attributes:
        window: as long as the run where that is younger.
        sums: the calls that ended in it.
    """

    window: timedelta
    sums: CallTotals

    @property
    def tokens_per_second(self) -> float | None:
        """Input and output; None where it is not known: nothing ended, or nobody said how much it took."""
        known = self.sums.usage.total_tokens
        return None if known is None else known / self.window.total_seconds()

    @property
    def usd_per_minute(self) -> Decimal | None:
        """None where nothing that ended has a price."""
        amount = self.sums.cost.amount
        if amount is None or not self.sums.requests:
            return None
        return amount * 60_000_000 / (self.window // timedelta(microseconds=1))


def rates(calls: Iterable[LlmCall], began: datetime, now: datetime, window: timedelta = WINDOW) -> Rates:
    """What a run that began at `began` has used within the last `window`, its later end included."""
    shown = max(_SHORTEST, min(window, now - began))
    ended = [call for call in calls if now - shown < call.ended_at]
    return Rates(shown, totals(ended))


def speed_words(found: Rates) -> str:
    """`62 tok/s`; a lower bound where a call that ended did not say what it took."""
    speed = found.tokens_per_second
    if speed is None:
        return NOT_KNOWN
    mark = "≥ " if found.sums.unknown_requests else "≈ " if found.sums.estimated_requests else ""
    return f"{mark}{speed:,.1f} tok/s" if speed < 10 else f"{mark}{speed:,.0f} tok/s"


def burn_words(found: Rates) -> str:
    """`$0.0021/min`, with the cost's state."""
    amount, state = found.usd_per_minute, found.sums.cost.state
    if not found.sums.requests:
        return NOT_KNOWN
    said = usd(amount, state)
    return f"{said}/min" if "$" in said and state is not CostState.FREE else said


def pace(found: Rates) -> str:
    """How fast in tokens and dollars, and over which time, in a line."""
    over = f"of what ended in the last {duration(found.window)}"
    if not found.sums.requests:
        return f"Speed and burn rate: {NOT_KNOWN}, for nothing ended in the last {duration(found.window)}."
    return f"{speed_words(found)} and {burn_words(found)}, {over}."
