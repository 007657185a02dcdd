"""How numbers are written for a person: one rule each, and words for what is not known.

Money stays a Decimal until it is text. A lower bound is rounded down, or it would no longer be one.
"""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tracking.domain.cost import CostState

NOT_KNOWN = "not known"
_SIGNIFICANT = 3  # digits of an amount below a dollar
_SECONDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def tokens(count: int | None) -> str:
    return NOT_KNOWN if count is None else f"{count:,}"


def token_total(count: int | None, *, unknown: int = 0, estimated: int = 0) -> str:
    """A sum of tokens, marked as a lower bound or an estimate when some requests make it one."""
    if count is None:
        return NOT_KNOWN
    return f"{'≥ ' if unknown else '≈ ' if estimated else ''}{count:,}"


def counted(count: int, noun: str) -> str:
    """`1 call`, `3 calls`: for nouns that take an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def spoken(name: str) -> str:
    """A task's name as it is said: `market_research` is "Market research"; other spellings are kept."""
    return name.replace("_", " ").capitalize() if name.islower() else name


def usd(amount: Decimal | None, state: CostState) -> str:
    """An amount with as many digits as it needs: `$0.000312`, `$1.24`, `≥ $1.24`, `free`, `unpriced`."""
    if amount is None or state is CostState.UNPRICED:
        return str(CostState.UNPRICED)
    if state is CostState.FREE:
        return str(CostState.FREE)
    if state is CostState.PARTIAL:
        return f"≥ ${_digits(amount, ROUND_FLOOR)}"
    mark = "≈ " if state is CostState.ESTIMATED else ""
    return f"{mark}${_digits(amount, ROUND_HALF_EVEN)}"


def _digits(amount: Decimal, rounding: str) -> str:
    """Cents from a dollar up; below it three significant digits, without the zeros that say nothing."""
    places = 2 if amount == 0 or amount >= 1 else _SIGNIFICANT - 1 - amount.adjusted()
    whole, _, cents = f"{amount.quantize(Decimal(1).scaleb(-places), rounding=rounding):,f}".partition(".")
    return f"{whole}.{cents.rstrip('0').ljust(2, '0')}"


def exact(amount: Decimal, places: int = 0) -> str:
    """An amount with every digit it has, and at least cents: `$0.15`, `$2.50`, `-$0.0000000005`."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{max(2, places, decimals(amount))}f}"


def decimals(amount: Decimal) -> int:
    """How many digits it has after the point, without the zeros that say nothing."""
    return max(0, -int(amount.normalize().as_tuple().exponent))


def duration(span: timedelta | float | None) -> str:
    """`320 ms`, `6.1 s`, `38 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`. A bare number is in seconds."""
    if span is None:
        return NOT_KNOWN
    seconds = max(0.0, span.total_seconds() if isinstance(span, timedelta) else span)
    if round(seconds, 3) < 1:
        return f"{round(seconds * 1000)} ms"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    for index, (unit, name) in enumerate(_SECONDS):
        if rest >= unit:
            text = f"{rest // unit} {name}"
            smaller = _SECONDS[index + 1 : index + 2]
            if smaller and (part := rest % unit // smaller[0][0]):
                text += f" {part} {smaller[0][1]}"
            return text
    return "0 s"


def zone(name: str | None) -> ZoneInfo | None:
    """The viewer's time zone; None when the browser did not say, or named one that is not known here."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def when(moment: datetime | None, tz: str | None, *, seconds: bool = False) -> str:
    """A moment in the viewer's zone; where that is not known, in UTC, and it says so."""
    if moment is None:
        return NOT_KNOWN
    known = zone(tz)
    local = moment.astimezone(known or UTC)
    text = f"{local.day} {local:%b %Y, %H:%M}" + (f":{local:%S}" if seconds else "")
    return text if known else f"{text} UTC"


def share(part: float | None) -> str:
    """A part of one as a percentage. What is not nothing is not written as 0, nor almost all as 100."""
    if part is None:
        return NOT_KNOWN
    if 0 < part < 0.001:
        return "< 0.1 %"
    if 0 < part < 0.01:
        return f"{part * 100:.1f} %"
    if 0.99 < part < 1:
        return "> 99 %"
    return f"{part:.0%}".replace("%", " %")
