"""Many specs out of one: which fields of a run a table may vary, and what its cells say of them."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from tracking.domain.spec import BOUNDS, Brand, Campaign, Market, RunSettings, RunSpec

NAME: Final = "name"  # of the run
MODEL: Final = "model"
LIST_SEPARATOR: Final = "; "
MOST_IN_A_NAME: Final = 80  # characters, as the page allows

_SECTIONS: Final[Mapping[str, type]] = {
    "campaign": Campaign,
    "market": Market,
    "brand": Brand,
    "settings": RunSettings,
}
_IN_A_LIST: Final = re.compile(r"[;|\n]")
_WHOLE: Final = re.compile(r"[+-]?[0-9]+(?:\.0+)?")  # spreadsheets write 12.0 for 12
_SWITCH: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


class CellError(ValueError):
    """A cell that can't be used: what is wrong with it, as the end of "found 'x', …", and what to do."""


def _kinds() -> dict[str, Any]:
    """Every field of a run that a cell can hold, by its path, in the page's order, with its type."""
    kinds: dict[str, Any] = {}
    for section, kind in _SECTIONS.items():
        for name, hint in typing.get_type_hints(kind).items():
            optional = typing.get_origin(hint) in {types.UnionType, typing.Union}
            kinds[f"{section}.{name}"] = typing.get_args(hint)[0] if optional else hint
    return kinds


FIELDS: Final[Mapping[str, Any]] = _kinds()
_PLAIN: Final = (NAME, MODEL)
# A column may be headed by the whole path or by its last part, however that is spelt: no two end alike.
_BY_HEADER: Final = {
    **{name: name for name in _PLAIN},
    **{path: path for path in FIELDS},
    **{path.partition(".")[2]: path for path in FIELDS},
}


def field_named(header: str) -> str | None:
    """The field that a column is headed by (`campaign.goals`, `Goals`), `name` or `model`; None: none is."""
    return _BY_HEADER.get(_normalised(header))


def nearest_field(header: str) -> str | None:
    """The field that was probably meant."""
    close = difflib.get_close_matches(_normalised(header), _BY_HEADER, n=1, cutoff=0.7)
    return _BY_HEADER[close[0]] if close else None


def _normalised(header: str) -> str:
    return re.sub(r"[\s_-]+", "_", header.strip().casefold())


def value_of(field: str, cell: str) -> Any:
    """What a cell that is not empty says, in the type of the spec.

    Raises:
        CellError: it is not of that type, or out of bounds.
    """
    if field == NAME:
        return _name(cell)
    kind = FIELDS.get(field, str)
    if kind is bool:
        if cell.casefold() not in _SWITCH:
            raise CellError("which is neither true nor false. Write true or false")
        return _SWITCH[cell.casefold()]
    if kind is int or kind is float:
        return _within(field, _whole(cell) if kind is int else _number(cell))
    if typing.get_origin(kind) is tuple:
        return tuple(dict.fromkeys(part.strip() for part in _IN_A_LIST.split(cell) if part.strip()))
    if issubclass(kind, StrEnum):
        if cell.casefold() not in set(kind):
            raise CellError(f"which can't be chosen here. Write one of {', '.join(kind)}")
        return kind(cell.casefold())
    return cell


def _name(cell: str) -> str:
    if len(cell) > MOST_IN_A_NAME:
        raise CellError(f"which has {len(cell):,} characters. Write at most {MOST_IN_A_NAME}")
    return cell


def _whole(cell: str) -> int:
    if not _WHOLE.fullmatch(cell):
        raise CellError("which isn't a whole number. Write it in digits only, like 250000")
    return int(cell.partition(".")[0])


def _number(cell: str) -> float:
    try:
        number = float(cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CellError("which isn't a number. Write it like 0.5")
    return round(number, 1)  # what the page keeps and the prompt says


def _within(field: str, number: float) -> float:
    low, high = BOUNDS[field]
    if not low <= number <= high:
        raise CellError(f"which is out of range. Write a number from {low:,} to {high:,}")
    return number


def vary(base: RunSpec, changes: Mapping[str, Any]) -> RunSpec:
    """The spec with these fields changed, to values as `value_of` gives them. Other keys are ignored."""
    sections = {}
    for section in _SECTIONS:
        own = {path.partition(".")[2]: v for path, v in changes.items() if path.startswith(f"{section}.")}
        sections[section] = dataclasses.replace(getattr(base, section), **own)
    return dataclasses.replace(base, model=changes.get(MODEL, base.model), **sections)


def cell_of(spec: RunSpec, field: str) -> str:
    """A field of a spec as a cell that means it; what is not set is an empty one."""
    section, _, name = field.rpartition(".")
    return written(getattr(getattr(spec, section) if section else spec, name))


def written(value: Any) -> str:
    """A value of a spec, or of its JSON, in one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return LIST_SEPARATOR.join(map(str, value))
    return str(value)


def varying(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The fields in which these specs (as JSON types) are not all alike, in the page's order."""
    return [path for path in (MODEL, *FIELDS) if len({json.dumps(at(spec, path)) for spec in specs}) > 1]


def at(spec: Mapping[str, Any], path: str) -> Any:
    """A field of a spec as JSON types; None where it is not given."""
    section, _, name = path.rpartition(".")
    part = spec.get(section, {}) if section else spec
    return part.get(name) if isinstance(part, Mapping) else None


def known_fields(told: Iterable[str]) -> list[str]:
    """Every column that a table may have for a crew that is told these fields."""
    wanted = set(told)
    return [*_PLAIN, *(path for path in FIELDS if path in wanted)]
