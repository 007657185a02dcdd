"""What can take part in a run: agents, tasks, presets and models, as config/ declares them."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from tracking.crew.entries import Entry, toml_entries, yaml_entries
from tracking.crew.inputs import INPUTS
from tracking.dataset.briefing import FOCUSES
from tracking.domain.spec import BOUNDS, RunSettings, RunSpec
from tracking.errors import ConfigError
from tracking.settings import Settings

# What an entry of each file may hold.
_AGENT: Final = {"role": str, "goal": str, "backstory": str}
_TASK: Final = {
    "agent": str,
    "description": str,
    "expected_output": str,
    "briefing": str,
    "inputs": list,
    "context": list,
}
_PRESET: Final = {"title": str, "summary": str, "agents": list}
_SECTIONS: Final = {"campaign": dict, "market": dict, "brand": dict}
_MODEL: Final = {"label": str, "provider": str}
_MODEL_OPTIONS: Final = {
    **dict.fromkeys(("model", "model_env", "key_env", "base_url", "base_url_env", "package"), str),
    "tools": bool,
    "context_window": int,
    "min_output_tokens": int,
}
_LARGEST_WINDOW: Final = 10**9  # larger than any model's: a typing error, not a window


@dataclass(frozen=True, slots=True)
class AgentEntry:
    name: str
    role: str
    goal: str
    backstory: str


@dataclass(frozen=True, slots=True)
class TaskEntry:
    name: str
    agent: str
    description: str
    expected_output: str
    briefing: str
    inputs: tuple[str, ...]
    context: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preset:
    """`defaults` holds the sections `campaign`, `market` and `brand`, as the spec spells them."""

    name: str
    title: str
    summary: str
    agents: tuple[str, ...]
    defaults: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model and whether it can be used here.

    Attributes:
        min_output_tokens: output that an answer needs room for, where the model thinks first and thinking
            counts as output; None for a model that answers at once.
        problem: why it can't be used here, and what to do; None: usable.
    """

    id: str
    label: str
    provider: str
    model: str
    key_env: str | None = None
    base_url: str | None = None
    package: str | None = None
    tools: bool = False
    context_window: int = 4096
    min_output_tokens: int | None = None
    problem: str | None = None

    @property
    def usable(self) -> bool:
        return self.problem is None

    @property
    def is_local(self) -> bool:
        return self.provider == "local"


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything under config/ that a run is put together from, checked against itself."""

    agents: Mapping[str, AgentEntry]
    tasks: Mapping[str, TaskEntry]
    presets: Mapping[str, Preset]
    models: Mapping[str, ModelEntry] = field(default_factory=dict)

    def tasks_of(self, agents: Iterable[str]) -> tuple[TaskEntry, ...]:
        """The tasks that these agents bring, in the declared order."""
        chosen = set(agents)
        return tuple(task for task in self.tasks.values() if task.agent in chosen)

    def inputs_of(self, agents: Iterable[str]) -> frozenset[str]:
        """The page's fields that reach at least one of these agents' prompts."""
        return frozenset(name for task in self.tasks_of(agents) for name in task.inputs)

    def output_tokens(self, models: Iterable[str]) -> int:
        """The limit of output that a run on these models begins with: what the neediest of them needs."""
        least = (self.models[model].min_output_tokens or 0 for model in models)
        return max([RunSettings().max_output_tokens, *least])

    @property
    def default_model(self) -> ModelEntry:
        """The first usable model; when there is none, the last one listed, which says what it lacks."""
        return next((m for m in self.models.values() if m.usable), list(self.models.values())[-1])


def load_catalog(settings: Settings) -> Catalog:
    """Read and check config/.

    Raises:
        ConfigError: a file is missing, is not valid, or names what does not exist.
    """
    folder = settings.config
    agents = {
        e.name: AgentEntry(e.name, **e.checked(_AGENT, {})) for e in yaml_entries(folder / "agents.yaml")
    }
    tasks: dict[str, TaskEntry] = {}
    for entry in yaml_entries(folder / "tasks.yaml"):
        tasks[entry.name] = _task(entry, agents, earlier=list(tasks))
    presets = {e.name: _preset(e, agents) for e in yaml_entries(folder / "analyses.yaml")}
    return Catalog(agents, tasks, presets, load_models(settings))


def load_models(settings: Settings) -> dict[str, ModelEntry]:
    """Read config/models.toml and look whether each model can be used on this machine, now.

    Raises:
        ConfigError: it is missing or not valid.
    """
    return {entry.name: _model(entry, settings) for entry in toml_entries(settings.config / "models.toml")}


def _task(entry: Entry, agents: Mapping[str, AgentEntry], earlier: Iterable[str]) -> TaskEntry:
    values = entry.checked(_TASK, {})
    entry.check_names("agent", [values["agent"]], agents)
    entry.check_names("briefing", [values["briefing"]], FOCUSES)
    entry.check_names("inputs", values["inputs"], INPUTS)
    entry.check_names("context", values["context"], earlier)
    values |= {"inputs": tuple(values["inputs"]), "context": tuple(values["context"])}
    return TaskEntry(entry.name, **values)


def _preset(entry: Entry, agents: Mapping[str, AgentEntry]) -> Preset:
    values = entry.checked(_PRESET, _SECTIONS)
    entry.check_names("agents", values["agents"], agents)
    sections = {name: values.pop(name, {}) for name in _SECTIONS}
    try:
        spec = RunSpec.from_json({"preset": entry.name, "agents": values["agents"], "model": "", **sections})
    except ConfigError as error:
        raise ConfigError(f"{entry.file.name}: {entry.name}: {str(error).removeprefix('spec.')}") from error
    defaults = {name: spec.to_json()[name] for name in _SECTIONS}
    return Preset(entry.name, defaults=defaults, **{**values, "agents": spec.agents})


def _model(entry: Entry, settings: Settings) -> ModelEntry:
    values = entry.checked(_MODEL, _MODEL_OPTIONS)
    entry.check_range("context_window", 1, _LARGEST_WINDOW)
    entry.check_range("min_output_tokens", 1, int(BOUNDS["settings.max_output_tokens"][1]))
    needed = ("model", "base_url") if values["provider"] == "openai_compatible" else ("model",)
    for key in needed:
        if not values.get(key) and not values.get(f"{key}_env"):
            raise entry.wrong(f"lacks {key} or {key}_env: add one of them")
    variables = {key: values.pop(f"{key}_env", None) for key in ("model", "base_url")}
    for key, variable in variables.items():
        values[key] = (os.environ.get(variable) if variable else None) or values.get(key)
    model = ModelEntry(id=entry.name, **{**values, "model": values["model"] or ""})
    return dataclasses.replace(model, problem=_problem(model, variables, settings))


def _problem(entry: ModelEntry, variables: Mapping[str, str | None], settings: Settings) -> str | None:
    """Why a model can't be used here, as the end of a sentence that begins with its name."""
    compatible = entry.provider == "openai_compatible"
    checks = (
        (
            bool(entry.package) and importlib.util.find_spec(str(entry.package).partition(".")[0]) is None,
            f"needs the package {entry.package}: pip install -r requirements.txt",
        ),
        (
            bool(entry.key_env) and not compatible and not os.environ.get(str(entry.key_env)),
            f"needs a key: set {entry.key_env} and start again",
        ),
        (
            compatible and not entry.base_url,
            f"needs an address: set {variables['base_url']} and start again",
        ),
        (not entry.model, f"needs a model's name: set {variables['model']} and start again"),
        (
            entry.is_local and not settings.weights.exists(),
            "has no weights here yet: run python run_dashboard.py once, with a network",
        ),
        (
            entry.provider == "ollama" and not _answers(entry.base_url or ""),
            f"does not answer at {entry.base_url}: start Ollama",
        ),
    )
    return next((reason for applies, reason in checks if applies), None)


def _answers(url: str) -> bool:
    """Whether a server takes connections: asked for a fifth of a second, for the page waits."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        with socket.create_connection((parts.hostname or "localhost", parts.port or 11434), timeout=0.2):
            return True
    except OSError:
        return False
