"""Whose calls the made history holds: a firm with twenty models, fifty agents, their tasks and crews."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np


@dataclass(frozen=True)
class Model:
    """A model as calls name it, and how it behaves.

    `share` is how often runs choose it, `since` when the firm first could, `speed` in output tokens a second.
    `reads` and `writes`: whether its provider reports tokens read from and written to a prompt cache.
    """

    provider: str
    name: str
    answers_as: str
    share: float
    speed: float
    prompt: float = 1_800.0
    answer: float = 280.0
    reads: bool = True
    writes: bool = False
    thinks: bool | None = None  # None: it does not report reasoning at all
    tier: str | None = None
    searches: bool = False
    since: datetime | None = None


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def _openai(name: str, answers_as: str, share: float, speed: float, *, thinks: bool = False, **more) -> Model:
    return Model("openai", name, answers_as, share, speed, thinks=thinks, tier="default", **more)


def _anthropic(name: str, answers_as: str, share: float, speed: float) -> Model:
    return Model("anthropic", name, answers_as, share, speed, prompt=3_200, writes=True, tier="standard")


EMBEDDINGS = "text-embedding-3-small"
# The most used first: shares are about those of Zipf's law.
MODELS = (
    _openai("gpt-4o-mini", "gpt-4o-mini-2024-07-18", 1.0, 95),
    Model("gemini", "gemini-2.5-flash", "gemini-2.5-flash", 0.52, 160, thinks=True),
    _anthropic("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 0.36, 65),
    _openai("gpt-5-mini", "gpt-5-mini-2025-08-07", 0.27, 90, thinks=True),
    _openai("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 0.22, 85),
    _openai("gpt-5", "gpt-5-2025-08-07", 0.18, 60, thinks=True, searches=True),
    _anthropic("claude-haiku-4-5", "claude-haiku-4-5-20251001", 0.15, 130),
    _openai("gpt-4.1", "gpt-4.1-2025-04-14", 0.13, 70),
    _openai("gpt-5.4", "gpt-5.4-2026-03-05", 0.30, 75, thinks=True, since=_day(2026, 3, 9)),
    Model("gemini", "gemini-2.5-pro", "gemini-2.5-pro", 0.10, 75, prompt=4_200, thinks=True),
    _openai("gpt-4o", "gpt-4o-2024-08-06", 0.09, 80),
    # No list states its price after July 2026: from then on its calls are unpriced.
    Model("deepseek", "deepseek-chat", "deepseek-chat", 0.08, 40),
    _openai("o4-mini", "o4-mini-2025-04-16", 0.06, 100, thinks=True),
    Model("mistral", "mistral-large-latest", "mistral-large-2411", 0.05, 55, reads=False),
    Model("gemini", "gemini-2.5-flash-lite", "gemini-2.5-flash-lite", 0.05, 250),
    _openai("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", 0.04, 140),
    Model("local", "smollm2-135m-instruct", "smollm2-135m-instruct", 0.03, 25, prompt=600, reads=False),
    _anthropic("claude-opus-4-1", "claude-opus-4-1-20250805", 0.02, 45),
    Model("mistral", "mistral-small-latest", "mistral-small-latest", 0.02, 110, reads=False),
    # Never an agent's own: it remembers for them.
    Model("openai", EMBEDDINGS, EMBEDDINGS, 0.0, 0, prompt=350, reads=False),
)

_FIELDS = (
    "Market", "Pricing", "Brand", "Retail", "Consumer",
    "Competitor", "Media", "Product", "Regional", "Channel",
)  # fmt: skip
_ROLES = ("Research Analyst", "Data Analyst", "Strategist", "Copywriter", "Report Writer")
_WORK = ("overview", "figures", "forecast", "segments", "positioning", "messages", "plan", "summary")
AGENTS = tuple(f"{field} {role}" for role in _ROLES for field in _FIELDS)
TASKS = tuple(f"{field.lower()} {work}" for field in _FIELDS for work in _WORK)


@dataclass(frozen=True)
class Crew:
    """Agents and tasks as numbers of `AGENTS` and `TASKS`, one task an agent, in the order of the work."""

    name: str
    agents: tuple[int, ...]
    tasks: tuple[int, ...]


def _crew(number: int, random: np.random.Generator) -> Crew:
    """Two agents of its own, and some of those that everybody asks for."""
    own = [2 * number, 2 * number + 1]
    wanted = random.zipf(1.6, 12) - 1
    popular = [int(each) for each in dict.fromkeys(wanted[wanted < len(AGENTS)]) if each not in own]
    agents = (*popular[: int(random.integers(1, 4))], *own)
    tasks = tuple(agent % len(_FIELDS) * len(_WORK) + int(random.integers(len(_WORK))) for agent in agents)
    return Crew(f"{AGENTS[own[0]].lower()} crew", agents, tasks)


_random = np.random.default_rng(50)
CREWS = tuple(_crew(number, _random) for number in range(len(AGENTS) // 2))
