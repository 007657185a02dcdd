"""What can take part in a run: agents, tasks, presets and models, as config/ declares them."""

from __future__ import annotations

import importlib.util
import os
import socket
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_type_hints
from urllib.parse import urlsplit

import yaml

from tracking.crew.inputs import INPUTS
from tracking.dataset.briefing import FOCUSES
from tracking.domain.spec import RunSettings, RunSpec
from tracking.errors import ConfigError
from tracking.settings import Settings

# What a file must hold for a field of these types. Other fields are checked by what they are made into.
_TYPES: Final[Mapping[Any, tuple[Any, str]]] = {
    str: (str, "text"),
    str | None: (str | None, "text"),
    tuple[str, ...]: (list, "a list"),
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    int | None: (int | None, "a whole number"),
}


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
        name: AgentEntry(name=name, **_fields(folder / "agents.yaml", name, entry, AgentEntry))
        for name, entry in _yaml(folder / "agents.yaml").items()
    }
    tasks = {
        name: _task(folder / "tasks.yaml", name, entry, agents)
        for name, entry in _yaml(folder / "tasks.yaml").items()
    }
    _check_context(folder / "tasks.yaml", tasks)
    presets = {
        name: _preset(folder / "analyses.yaml", name, entry, agents)
        for name, entry in _yaml(folder / "analyses.yaml").items()
    }
    return Catalog(agents, tasks, presets, load_models(settings))


def load_models(settings: Settings) -> dict[str, ModelEntry]:
    """Read config/models.toml and look whether each model can be used on this machine, now."""
    file = settings.config / "models.toml"
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not TOML, or not UTF-8
        raise ConfigError(f"{file.name} can't be read: {error}") from error
    if not tables:
        raise ConfigError(f"{file.name} lists no model")
    return {id_: _model(file, id_, table, settings) for id_, table in tables.items()}


def _model(file: Path, id_: str, table: Any, settings: Settings) -> ModelEntry:
    if not isinstance(table, dict):
        raise ConfigError(f"{file.name}: {id_} must be a table: [{id_}]")
    values = dict(table)
    for key in ("model", "base_url"):
        variable = values.pop(f"{key}_env", None)
        values[key] = (os.environ.get(variable) if variable else None) or values.get(key)
    values["model"] = values["model"] or ""
    try:
        entry = ModelEntry(id=id_, **values)
    except TypeError as error:
        raise ConfigError(f"{file.name} [{id_}]: {error}") from error
    _check_types(file, id_, values, ModelEntry)
    problem = _problem(entry, table, settings)
    return ModelEntry(id=id_, **values, problem=problem)


def _problem(entry: ModelEntry, table: Mapping[str, Any], settings: Settings) -> str | None:
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
            f"needs an address: set {table.get('base_url_env')} and start again",
        ),
        (not entry.model, f"needs a model's name: set {table.get('model_env')} and start again"),
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


def _yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:  # its own words begin with what it was doing, and go on for lines
        mark = error.problem_mark
        place = "" if mark is None else f", in line {mark.line + 1}, column {mark.column + 1}"
        raise ConfigError(f"{file.name} can't be read: {error.problem}{place}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file.name} can't be read: {error}") from error
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"{file.name} must map names to entries")
    return content


def _fields(file: Path, name: str, entry: Any, kind: type) -> dict[str, Any]:
    wanted = {key for key in kind.__dataclass_fields__ if key != "name"}  # type: ignore[attr-defined]  # a dataclass
    found = set(entry) if isinstance(entry, dict) else set()
    if missing := sorted(wanted - found):
        raise ConfigError(f"{file.name}: {name} lacks {', '.join(missing)}")
    if unknown := sorted(found - wanted):
        raise ConfigError(f"{file.name}: {name} has unknown keys: {', '.join(unknown)}")
    _check_types(file, name, entry, kind)
    return dict(entry)


def _check_types(file: Path, name: str, entry: Mapping[str, Any], kind: type) -> None:
    hints = get_type_hints(kind)
    for key, value in entry.items():
        wanted, words = _TYPES.get(hints[key], (object, ""))
        if not isinstance(value, wanted):
            raise ConfigError(f"{file.name}: {name}.{key} must be {words}, found {value!r}")


def _task(file: Path, name: str, entry: Any, agents: Mapping[str, AgentEntry]) -> TaskEntry:
    values = _fields(file, name, entry, TaskEntry)
    _known(file, name, "agent", [values["agent"]], agents)
    _known(file, name, "briefing", [values["briefing"]], FOCUSES)
    _known(file, name, "inputs", values["inputs"], INPUTS)
    return TaskEntry(
        name=name, **{**values, "inputs": tuple(values["inputs"]), "context": tuple(values["context"])}
    )


def _check_context(file: Path, tasks: Mapping[str, TaskEntry]) -> None:
    earlier: list[str] = []
    for task in tasks.values():
        _known(file, task.name, "context", task.context, earlier)
        earlier.append(task.name)


def _preset(file: Path, name: str, entry: Any, agents: Mapping[str, AgentEntry]) -> Preset:
    entry = dict(entry) if isinstance(entry, dict) else {}
    sections = {key: entry.pop(key, {}) for key in ("campaign", "market", "brand")}
    values = _fields(file, name, entry | {"defaults": sections}, Preset)
    _known(file, name, "agents", values["agents"], agents)
    try:
        RunSpec.from_json({"preset": name, "agents": values["agents"], "model": "", **sections})
    except ConfigError as error:
        raise ConfigError(f"{file.name}: {name}: {error}") from error
    return Preset(name=name, **{**values, "agents": tuple(values["agents"])})


def _known(file: Path, name: str, key: str, found: Iterable[str], known: Iterable[str]) -> None:
    names = list(known)
    if unknown := [item for item in found if item not in names]:
        raise ConfigError(
            f"{file.name}: {name}.{key} names {', '.join(unknown)}, known here: {', '.join(names)}"
        )
