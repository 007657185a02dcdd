"""Which crewai this was tested with, and how the one that runs here is watched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Final

# Major and minor, first and last: the versions that tests/compat installs. Widen it when they pass there.
TESTED: Final = ((1, 13), (1, 15))


class Way(StrEnum):
    TAPS = "taps"  # inside crewai, in the emitter's own context
    EVENTS = "events"  # by handlers of its public events
    HTTP = "http"  # not at all: what passes the HTTP clients is all there is


_CONSEQUENCES: Final = {
    Way.EVENTS: "agents and tasks come from its public events; figures are checked against the HTTP calls",
    Way.HTTP: "agents and tasks are not known; figures come from the HTTP calls alone",
}


@dataclass(slots=True)
class _Watched:
    note: str | None = None


_watched = _Watched()  # one crewai in a process, and its taps belong to the process


def installed_version() -> str:
    try:
        return version("crewai")
    except PackageNotFoundError:  # run from its sources
        return "unknown"


def problem_of(installed: str) -> str | None:
    """Why this version can't be relied on, as a sentence's beginning; None: it is among the tested ones."""
    numbers = re.match(r"(\d+)\.(\d+)", installed)
    if numbers is None:
        return f"crewai {installed} is no version that this was tested with ({tested_range()})"
    found = (int(numbers[1]), int(numbers[2]))
    if TESTED[0] <= found <= TESTED[1]:
        return None
    age = "newer" if found > TESTED[1] else "older"
    return f"crewai {installed} is {age} than what this was tested with ({tested_range()})"


def tested_range() -> str:
    return " to ".join(f"{major}.{minor}" for major, minor in TESTED)


def watched_by(way: Way, problem: str | None = None) -> None:
    """Say how crewai is watched in this process from now on."""
    _watched.note = note_of(way, problem)


def note_of(way: Way, problem: str | None) -> str | None:
    return None if problem is None else f"{problem}: {_CONSEQUENCES[way]}"


def note() -> str | None:
    """What a reader of the figures should know of how they were come by; None: nothing."""
    return _watched.note
