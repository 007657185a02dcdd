"""What config/prices.toml may say, entry by entry; its own header says what the keys mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from tracking.pricing.card import Card, Change, Tier, Window
from tracking.pricing.names import canonical

# a key of the file -> what it is charged for, and how many of that the key's rate is for a thousandth of ours
RATES: Final = {
    "input": ("input_tokens", 1),
    "output": ("output_tokens", 1),
    "cache_read": ("cache_read_input_tokens", 1),
    "cache_write": ("cache_creation_input_tokens", 1),
    "cache_write_5m": ("cache_creation_5m_input_tokens", 1),
    "cache_write_1h": ("cache_creation_1h_input_tokens", 1),
    "reasoning": ("reasoning_output_tokens", 1),
    "input_audio": ("input_audio_tokens", 1),
    "output_audio": ("output_audio_tokens", 1),
    "per_search": ("web_search_requests", 1_000),
    "per_request": ("requests", 1_000),
}
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _moment(value: object) -> datetime:
    """A day is its first moment in UTC; a moment without a zone is in UTC."""
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except OverflowError:
            raise ValueError(f"{value} is beyond the calendar") from None
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is no date: write it like 2025-06-10")  # noqa: TRY004  # as below
    return datetime.combine(value, time(), UTC)


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"{value} is no number")  # noqa: TRY004  # pydantic takes this one for a finding
    return value


def _billing(provider: str) -> str:
    """`Gemini` is `google` here, as in every other list."""
    name = provider.strip().lower()
    return canonical(name) or name


Rate = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=100_000)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Time = Annotated[time, Strict()]
Provider = Annotated[str, Field(min_length=1), AfterValidator(_billing)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rated(_Entry):
    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None
    reasoning: Rate | None = None
    input_audio: Rate | None = None
    output_audio: Rate | None = None
    per_search: Rate | None = None
    per_request: Rate | None = None

    @property
    def rates(self) -> dict[str, Decimal]:
        stated = ((ours, times, getattr(self, key)) for key, (ours, times) in RATES.items())
        rates = {ours: rate * times for ours, times, rate in stated if rate is not None}
        if self.cache_write is None and self.cache_write_5m is not None:
            # Five minutes is what a write lives unless more was asked for; often no lifetime is reported.
            rates["cache_creation_input_tokens"] = self.cache_write_5m
        return rates


class _Tier(_Rated):
    above: int | None = Field(None, ge=0)
    at_least: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _has_one_threshold(self) -> _Tier:
        if (self.above is None) == (self.at_least is None):
            raise ValueError("a tier needs either `above` or `at_least`")
        return self

    @property
    def tier(self) -> Tier:
        return Tier(self.above if self.above is not None else (self.at_least or 1) - 1, self.rates)


class _Change(_Rated):
    factor: Rate = Decimal(1)
    tier: tuple[_Tier, ...] = ()

    @property
    def change(self) -> Change:
        return Change(self.factor, self.rates, _tiers(self.tier))


class _Window(_Change):
    start: Time
    end: Time
    days: frozenset[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = frozenset(DAYS)

    @property
    def window(self) -> Window:
        return Window(self.start, self.end, self.change, frozenset(map(DAYS.index, self.days)))


class Dated(_Entry):
    provider: Provider
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = None
    source: str
    note: str | None = None

    @model_validator(mode="after")
    def _is_a_period(self) -> Dated:
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"until ({self.until}) must be after from ({self.since})")
        return self


class Price(_Rated, Dated):
    model: Annotated[str, Field(min_length=1)]
    aliases: tuple[str, ...] = ()
    tier: tuple[_Tier, ...] = ()
    service: dict[str, _Change] = {}
    window: tuple[_Window, ...] = ()

    @model_validator(mode="after")
    def _has_a_rate(self) -> Price:
        if not self.rates:
            raise ValueError("it states no rate at all")
        return self

    @property
    def card(self) -> Card:
        return Card(
            provider=self.provider,
            model=self.model,
            rates=self.rates,
            source=self.source,
            since=self.since,
            until=self.until,
            note=self.note,
            tiers=_tiers(self.tier),
            services={name: service.change for name, service in self.service.items()},
            windows=tuple(window.window for window in self.window),
        )


class AliasEntry(Dated):
    name: str
    target: str = Field(alias="is")


def _tiers(tiers: tuple[_Tier, ...]) -> tuple[Tier, ...]:
    return tuple(sorted((each.tier for each in tiers), key=lambda tier: tier.above))
