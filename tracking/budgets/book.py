"""The budgets that all runs share: those of config/budgets.toml, and those that were made on the page."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tracking.domain.budget import THRESHOLDS, Budget, OnUnpriced, Per
from tracking.domain.spec import OWN_BUDGET
from tracking.errors import ConfigError
from tracking.ledger.database import insert_into
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import budgets
from tracking.settings import Settings

_TEXTS: Final = ("name", "usd", "preset", "agent", "model", "provider", "zone", "per", "on_unpriced")
_NUMBERS: Final = ("tokens", "calls")


class BudgetBook:
    """The budgets that were made on the page. Every program that shares the ledger keeps to them.

    Raises:
        LedgerError: from every method, when the database can't be read or written.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._engine = ledger.engine

    def all(self) -> list[Budget]:
        """By name."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(budgets.c.definition).order_by(budgets.c.name))
            return [budget_of(json.loads(definition), "the ledger") for definition in rows.scalars()]

    def put(self, budget: Budget) -> None:
        """Add a budget, or change the one of its name."""
        row = {"name": budget.name, "definition": json.dumps(as_json(budget))}
        upsert = insert_into(self._engine, budgets).values(row)
        with self._engine.begin() as connection:
            connection.execute(upsert.on_conflict_do_update(index_elements=["name"], set_=row))

    def remove(self, name: str) -> None:
        """Forget a budget. What was booked under it is there again when it comes back as it was."""
        with self._engine.begin() as connection:
            connection.execute(budgets.delete().where(budgets.c.name == name))


def in_force(settings: Settings, ledger: Ledger) -> list[Budget]:
    """Every budget that runs share; of two of one name the file's.

    Raises:
        ConfigError: the file can't be used; with budget and key.
    """
    of_file = read_budgets(settings.budgets)
    names = {budget.name for budget in of_file}
    return [*of_file, *(budget for budget in BudgetBook(ledger).all() if budget.name not in names)]


def read_budgets(path: Path) -> list[Budget]:
    """The budgets of a file; none where there is no file.

    Raises:
        ConfigError: it can't be used; with budget and key.
    """
    if not path.exists():
        return []
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} can't be read: {error}") from error
    if unknown := sorted(set(content) - {"budget"}):
        raise ConfigError(f"{path.name} has {', '.join(unknown)}: only [[budget]] tables belong there")
    tables = content.get("budget", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{path.name}: write each budget as a [[budget]] table")
    found = [budget_of(table, path.name) for table in tables]
    _check_names(found, path.name)
    return found


def budget_of(table: Mapping[str, Any], place: str) -> Budget:
    """A budget from a table of its fields.

    Raises:
        ConfigError: a key is unknown, or a value can't be used.
    """
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{place}: a budget needs a name, found {name!r}")
    if name.strip() == OWN_BUDGET:
        raise ConfigError(f"{place}: {name!r} is what each run's own budget is named: choose another name")
    known = {field.name for field in dataclasses.fields(Budget)}
    if unknown := sorted(set(table) - known):
        there = ", ".join(sorted(known))
        raise ConfigError(
            f"{place}: budget {name!r} has unknown keys: {', '.join(unknown)}; there are {there}"
        )
    _check_types(table, f"{place}: {{}} of budget {name!r} must be")
    warn_at = tuple(table.get("warn_at", THRESHOLDS))
    try:
        return Budget(**{**table, "name": name.strip(), "warn_at": warn_at})
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error


def _check_types(table: Mapping[str, Any], told: str) -> None:
    """Raise what is `told` of the first key whose value is of another type than it must be."""
    for key, value in table.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if key in _TEXTS and not isinstance(value, str):
            raise ConfigError(f"{told.format(key)} text, found {value!r}")
        if key in _NUMBERS and not whole:
            raise ConfigError(f"{told.format(key)} a whole number, found {value!r}")
        if key == "warn_at" and not (isinstance(value, list) and all(isinstance(p, int) for p in value)):
            raise ConfigError(f"{told.format(key)} a list like [50, 80, 95], found {value!r}")
        if key == "wait_minutes" and not (whole or isinstance(value, float)):
            raise ConfigError(f"{told.format(key)} a number, found {value!r}")


def as_json(budget: Budget) -> dict[str, Any]:
    """Its fields that say anything, as JSON and TOML types."""
    values = {field.name: getattr(budget, field.name) for field in dataclasses.fields(budget)}
    values["usd"] = None if budget.usd is None else str(budget.usd)
    values["warn_at"] = list(budget.warn_at)
    return {
        name: str(v) if isinstance(v, Per | OnUnpriced) else v for name, v in values.items() if v is not None
    }


def _check_names(found: Iterable[Budget], place: str) -> None:
    seen: set[str] = set()
    for budget in found:
        if budget.name in seen:
            raise ConfigError(f"{place} has two budgets named {budget.name!r}: rename one")
        seen.add(budget.name)
