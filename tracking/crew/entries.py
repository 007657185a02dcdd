"""The files under config/ as entries with checked keys. What is wrong is said with file, key and cure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tracking.errors import ConfigError

# How a key's type is called, and what a file holds where it is right.
_WORDS: Final[Mapping[Any, tuple[Any, str]]] = {
    str: (str, "text"),
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    list: (list, "a list of names"),
    dict: (dict, "a table"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One named entry of a file."""

    file: Path
    name: str
    values: Mapping[str, Any]

    def checked(self, required: Mapping[str, type], optional: Mapping[str, type]) -> dict[str, Any]:
        """Its values by key.

        Raises:
            ConfigError: a key is missing, is not known or has the wrong type.
        """
        known = {**required, **optional}
        if missing := [key for key in required if key not in self.values]:
            raise self.wrong(f"lacks {', '.join(missing)}: add {'it' if len(missing) == 1 else 'them'}")
        if unknown := [str(key) for key in self.values if key not in known]:
            names = ", ".join(unknown)
            raise self.wrong(
                f"has unknown keys: {names}. Rename or remove them; it may have {_listed(known)}"
            )
        for key, value in self.values.items():
            self._check_type(key, value, known[key])
        return dict(self.values)

    def check_names(self, key: str, found: Iterable[str], known: Iterable[str]) -> None:
        """Raises ConfigError when `key` names what there is not."""
        names = list(known)
        if unknown := [item for item in found if item not in names]:
            raise ConfigError(
                f"{self.file.name}: {self.name}.{key} names {_listed(unknown)}, known here: {_listed(names)}"
            )

    def check_range(self, key: str, low: int, high: int) -> None:
        """Raises ConfigError when there is a number under `key` outside of these bounds, both included."""
        value = self.values.get(key)
        if value is not None and not low <= value <= high:
            raise ConfigError(
                f"{self.file.name}: {self.name}.{key} must be from {low:,} to {high:,}, found {value:,}: "
                "correct it"
            )

    def wrong(self, what: str) -> ConfigError:
        return ConfigError(f"{self.file.name}: {self.name} {what}")

    def _check_type(self, key: str, value: Any, kind: type) -> None:
        wanted, words = _WORDS[kind]
        fits = isinstance(value, wanted) and not (kind is int and isinstance(value, bool))
        if fits and kind is list:
            fits = all(isinstance(item, str) for item in value)
        if not fits:
            raise ConfigError(
                f"{self.file.name}: {self.name}.{key} must be {words}, found {value!r}: correct it"
            )


def yaml_entries(file: Path) -> list[Entry]:
    """The entries of a YAML file that maps names to them, in their order.

    Raises:
        ConfigError: it can't be read, or holds something else.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:  # its own words begin with what it was doing, and go on for lines
        mark = error.problem_mark
        place = "" if mark is None else f", in line {mark.line + 1}, column {mark.column + 1}"
        raise ConfigError(f"{file.name} can't be read: {error.problem}{place}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file.name} can't be read: {error}") from error
    return _entries(file, content, "write its keys under its name")


def toml_entries(file: Path) -> list[Entry]:
    """The tables of a TOML file, in their order. Raises ConfigError as `yaml_entries` does."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not TOML, or not UTF-8
        raise ConfigError(f"{file.name} can't be read: {error}") from error
    return _entries(file, content, "begin it with its name in brackets")


def _entries(file: Path, content: Any, advice: str) -> list[Entry]:
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"{file.name} holds no entry: it must map names to entries")
    for name, values in content.items():
        if not isinstance(name, str):
            raise ConfigError(f"{file.name}: the name {name!r} must be text: put it in quotes")
        if not isinstance(values, dict):
            raise ConfigError(f"{file.name}: {name} must be an entry with keys, found {values!r}: {advice}")
    return [Entry(file, name, values) for name, values in content.items()]


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))
