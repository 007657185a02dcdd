"""What a person asked for: everything a run needs, and nothing a worker could not read back."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from tracking.domain.budget import Budget
from tracking.errors import ConfigError

OWN_BUDGET: Final = "this run"

# The least and the most of every number that a person sets, both included.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "campaign.budget_usd": (0, 10**10),
    "campaign.duration_weeks": (1, 260),
    "market.forecast_periods": (1, 36),
    "market.expected_revenue": (0, 10**12),
    "brand.awareness": (0, 100),
    "brand.sentiment": (-1, 1),
    "settings.max_output_tokens": (16, 32_768),
    "settings.context_tokens": (10, 32_768),
    "settings.token_budget": (1, 10**9),
    "settings.cost_budget_usd": (0, 10**6),
    "settings.budget_wait_minutes": (0, 1_440),
}
_WORDS: Final = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


class ContextMode(StrEnum):
    """Which earlier outputs a task is shown."""

    ALL = "all"  # every output so far
    DECLARED = "declared"  # those its `context` in tasks.yaml names
    TRIMMED = "trimmed"  # the declared ones, each cut to `context_tokens`


class LoopGuard(StrEnum):
    """What happens when an agent asks the same again and again, see `analysis.loops`."""

    WARN = "warn"  # the log, the page and the results say so
    STOP = "stop"  # and the run ends before the next call
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is advertised, to whom, for how much. `budget_usd` is the campaign's, not the run's."""

    target_audience: str = ""
    campaign_type: str = ""
    budget_usd: int | None = None
    duration_weeks: int | None = None
    goals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Which part of the data is looked at, and for what. Empty selections mean everything."""

    analysis_focus: str = ""
    business_objective: str = ""
    competitive_landscape: str = ""
    regions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    key_metrics: tuple[str, ...] = ()
    forecast_periods: int = 6  # months
    expected_revenue: int | None = None  # over the forecast periods, in the data's currency
    competitive_analysis: bool = True
    market_share_analysis: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Where the brand stands. `awareness` is a percentage, `sentiment` runs from -1 to 1."""

    awareness: int | None = None
    sentiment: float | None = None
    market_position: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How the crew runs.

    Attributes:
        track_tokens: keep a ledger of every call; without it nothing can verify crewai's own figures.
        max_output_tokens: the most a model may answer with, per call.
        context_tokens: with `ContextMode.TRIMMED`, how much of each earlier output is shown.
        cache_tool_results: a tool asked the same thing twice answers from memory.
        token_budget: input plus output; a call that may pass it is not made. None: no limit.
        cost_budget_usd: the same in US dollars.
        budget_wait_minutes: how long a call that does not fit a budget waits for a higher limit.
        stream: ask for streamed answers.
        loop_guard: what happens when an agent goes round in circles; without `track_tokens` nobody sees it.
    """

    track_tokens: bool = True
    max_output_tokens: int = 120
    context_mode: ContextMode = ContextMode.TRIMMED
    context_tokens: int = 80
    cache_tool_results: bool = True
    token_budget: int | None = None
    cost_budget_usd: float | None = None
    budget_wait_minutes: int = 10
    stream: bool = False
    loop_guard: LoopGuard = LoopGuard.WARN

    @property
    def budget(self) -> Budget | None:
        """What the person allowed this run alone."""
        if self.token_budget is None and self.cost_budget_usd is None:
            return None
        dollars = None if self.cost_budget_usd is None else Decimal(str(self.cost_budget_usd))
        return Budget(name=OWN_BUDGET, tokens=self.token_budget, usd=dollars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Which file is analysed. `sha256` names an uploaded file's bytes; None is the bundled sample."""

    name: str = "beverage_sales.csv"
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything the page decides about a run.

    Attributes:
        agents: names in config/agents.yaml; each brings its tasks.
        model: an id in config/models.toml, for every agent that `agent_models` does not name.
    """

    preset: str
    agents: tuple[str, ...]
    model: str
    agent_models: Mapping[str, str] = field(default_factory=dict)
    dataset: Dataset = Dataset()
    campaign: Campaign = Campaign()
    market: Market = Market()
    brand: Brand = Brand()
    settings: RunSettings = RunSettings()

    def __post_init__(self) -> None:
        if not self.agents:
            raise ConfigError("a run needs at least one agent")
        for path, (low, high) in BOUNDS.items():
            section, name = path.split(".")
            value = getattr(getattr(self, section), name)
            if value is not None and not low <= value <= high:
                raise ConfigError(f"{path} must be from {low:,} to {high:,}, found {value:,}")

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that takes part, once."""
        return tuple(dict.fromkeys(self.model_of(agent) for agent in self.agents))

    def model_of(self, agent: str) -> str:
        return self.agent_models.get(agent, self.model)

    def to_json(self) -> dict[str, Any]:
        """As JSON types: tuples become lists."""
        return typing.cast("dict[str, Any]", _plain(dataclasses.asdict(self)))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. A missing key takes its default.

        Raises:
            ConfigError: a key is unknown or has the wrong type; the message names it.
        """
        return typing.cast("Self", _build(cls, data, "spec"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _build(kind: Any, value: Any, path: str) -> Any:
    """Make a `kind` out of JSON types, naming the path of whatever does not fit."""
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{path} must be a table, found {value!r}")
        hints = typing.get_type_hints(kind)
        if unknown := sorted(set(value) - set(hints)):
            raise ConfigError(f"{path} has unknown keys: {', '.join(unknown)}")
        if missing := [f.name for f in dataclasses.fields(kind) if _is_required(f) and f.name not in value]:
            raise ConfigError(f"{path} lacks {', '.join(missing)}")
        return kind(**{key: _build(hints[key], item, f"{path}.{key}") for key, item in value.items()})  # type: ignore[operator]  # is_dataclass also lets instances through
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        return None if value is None else _build(typing.get_args(kind)[0], value, path)
    if origin is tuple:
        return tuple(_build(str, item, f"{path}[{i}]") for i, item in enumerate(_of(list, value, path)))
    if origin is not None:  # the only other generic is Mapping[str, str]
        return {key: _build(str, item, f"{path}.{key}") for key, item in _of(dict, value, path).items()}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in [str(member) for member in kind]:
            raise ConfigError(f"{path} must be one of {', '.join(kind)}, found {value!r}")
        return kind(value)
    return _of(kind, value, path)


def _is_required(field_: dataclasses.Field[Any]) -> bool:
    return field_.default is dataclasses.MISSING and field_.default_factory is dataclasses.MISSING


def _of(kind: type, value: Any, path: str) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind is float and whole:
        return float(value)
    if not isinstance(value, kind) or (kind is int and not whole):
        raise ConfigError(f"{path} must be {_WORDS[kind]}, found {value!r}")
    return value
