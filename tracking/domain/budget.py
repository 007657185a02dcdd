"""A budget: how much may be spent, on what, in what time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from tracking.domain.money import nano_usd
from tracking.errors import ConfigError

THRESHOLDS: Final = (50, 80, 95)
EVER: Final = "all"
ANY: Final = "?"  # the name of an agent that is not known yet: it may be any


class Per(StrEnum):
    """The time after which a budget is whole again."""

    RUN = "run"
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"
    ALL = "all"  # never


class Unit(StrEnum):
    """What is limited."""

    NANO_USD = "nano_usd"
    TOKENS = "tokens"  # input plus output
    CALLS = "calls"


class OnUnpriced(StrEnum):
    """What becomes of a call whose price, or whose most tokens, nobody can tell beforehand."""

    BLOCK = "block"  # it is not made
    ALLOW = "allow"  # it is made, and counts for what turns out to be known of it
    COUNT_TOKENS = "count tokens"  # it is made if it fits the budget's limit in tokens, which must be there


@dataclass(frozen=True, slots=True)
class Amounts:
    """So much of each unit."""

    nano_usd: int = 0
    tokens: int = 0
    calls: int = 0

    def of(self, unit: Unit) -> int:
        return int(getattr(self, unit))

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.nano_usd + other.nano_usd, self.tokens + other.tokens, self.calls + other.calls)

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(self.nano_usd - other.nano_usd, self.tokens - other.tokens, self.calls - other.calls)


NOTHING: Final = Amounts()


@dataclass(frozen=True, slots=True)
class Span:
    """One of a budget's periods. `since` is inclusive, `until` exclusive; None: without end on that side."""

    name: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit on what calls may use, kept by setting aside the most that a call can take before it is made.

    Args:
        name: what it is called where it refuses.
        per: the time after which it is whole again.
        usd: US dollars, as text or Decimal (a float would not be what was written); 0: only what is free.
        tokens: input plus output.
        calls: requests to models.
        preset, agent, model, provider: only calls of these; `*` and `?` stand for any letters. None: all.
        warn_at: per cent of a limit at which to say so, before it is reached.
        on_unpriced: see `OnUnpriced`.
        wait_minutes: how long a call that does not fit waits for the limit to be raised; 0: not at all.
        zone: whose days, weeks and months are meant.

    Raises:
        ConfigError: it limits nothing, or a value can't be.
    """

    name: str = "budget"
    per: Per = Per.RUN
    usd: Decimal | None = None
    tokens: int | None = None
    calls: int | None = None
    preset: str | None = None
    agent: str | None = None
    model: str | None = None
    provider: str | None = None
    warn_at: tuple[int, ...] = THRESHOLDS
    on_unpriced: OnUnpriced = OnUnpriced.BLOCK
    wait_minutes: float = 0
    zone: str = "UTC"

    def __post_init__(self) -> None:
        object.__setattr__(self, "usd", _amount(self.name, self.usd))
        object.__setattr__(self, "per", _one_of(self.name, Per, "per", self.per))
        object.__setattr__(
            self, "on_unpriced", _one_of(self.name, OnUnpriced, "on_unpriced", self.on_unpriced)
        )
        object.__setattr__(self, "warn_at", tuple(sorted(self.warn_at)))
        limits = {"usd": self.usd, "tokens": self.tokens, "calls": self.calls}
        if all(limit is None for limit in limits.values()):
            raise ConfigError(f"budget {self.name!r} limits nothing: give it usd, tokens or calls")
        for what, limit in limits.items():
            if limit is not None and limit < 0:
                raise ConfigError(f"budget {self.name!r}: {what} cannot be below 0, found {limit}")
        if not all(0 < percent <= 100 for percent in self.warn_at):
            raise ConfigError(f"budget {self.name!r}: warn_at is per cent, from 1 to 100: {self.warn_at}")
        if self.on_unpriced is OnUnpriced.COUNT_TOKENS and self.tokens is None:
            raise ConfigError(f"budget {self.name!r} counts tokens of unpriced calls: give it tokens as well")
        if self.wait_minutes < 0:
            raise ConfigError(f"budget {self.name!r}: wait_minutes cannot be below 0")
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ConfigError(
                f"budget {self.name!r}: there is no time zone {self.zone!r}; write one like Europe/Berlin"
            ) from error

    def limit(self, unit: Unit) -> int | None:
        """The most of a unit that may be used; None: any amount."""
        if unit is Unit.NANO_USD:
            return None if self.usd is None else nano_usd(self.usd)
        return self.tokens if unit is Unit.TOKENS else self.calls

    @property
    def limits(self) -> dict[Unit, int]:
        """What is limited, and to how much."""
        found = ((unit, self.limit(unit)) for unit in Unit)
        return {unit: limit for unit, limit in found if limit is not None}

    @property
    def key(self) -> str:
        """Names its account: another one where it means other calls or other times, whatever its limits."""
        meant = (self.per, self.preset, self.agent, self.model, self.provider, self.zone)
        return f"{self.name}#{sha256(repr(meant).encode()).hexdigest()[:8]}"

    def covers_call(self, provider: str, models: Iterable[str], agent: str | None) -> bool:
        """Whether a call counts here, by its provider, any name of its model, and its agent."""
        return (
            _fits(self.provider, provider)
            and any(_fits(self.model, model) for model in models)
            and _fits(self.agent, agent)
        )

    def covers_preset(self, preset: str | None) -> bool:
        return _fits(self.preset, preset)

    def span(self, at: datetime, run_id: str) -> Span:
        """The period that a moment is in; of a budget per run, the run's own."""
        if self.per is Per.RUN:
            return Span(run_id)
        if self.per is Per.ALL:
            return Span(EVER)
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        if self.per is Per.DAY:
            first, after, name = today, today + timedelta(days=1), today.isoformat()
        elif self.per is Per.WEEK:
            first = today - timedelta(days=today.weekday())
            year, week, _ = today.isocalendar()
            after, name = first + timedelta(days=7), f"{year}-W{week:02}"
        else:
            first = today.replace(day=1)
            after, name = (first + timedelta(days=31)).replace(day=1), f"{today:%Y-%m}"
        return Span(name, _midnight(first, zone), _midnight(after, zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _fits(wanted: str | None, found: str | None) -> bool:
    if wanted is None or found is ANY:
        return True
    return found is not None and fnmatchcase(found.casefold(), wanted.casefold())


def _amount(name: str, value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, float):
        raise ConfigError(f'budget {name!r}: write usd as text, usd = "{value}": a float is not exact')
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise ConfigError(f"budget {name!r}: usd must be an amount like 2.00, found {value!r}") from error
    if not amount.is_finite():
        raise ConfigError(f"budget {name!r}: usd must be an amount like 2.00, found {value!r}")
    return amount


def _one_of(name: str, kind: type[StrEnum], what: str, value: object) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError as error:
        raise ConfigError(
            f"budget {name!r}: {what} must be one of {', '.join(kind)}, found {value!r}"
        ) from error
