"""Finding runs among all there are: in the database, by an index that holds all that is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tracking.domain.run import LOST_AFTER, Run, RunState
from tracking.ledger.database import microseconds
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import runs


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs. What is empty lets every run through.

    Attributes:
        text: words which all occur in the run's id, preset, name, state, model or agents.
        states: as a person sees them: a running run that has been silent for too long is lost.
    """

    text: str = ""
    preset: str | None = None
    states: tuple[RunState, ...] = ()

    @property
    def is_every(self) -> bool:
        return not self.text.split() and self.preset is None and not self.states


class RunSearch:
    """The runs of a ledger as of `now`, by the database's clock.

    Raises:
        LedgerError: from every method, when the database can't be read.
    """

    def __init__(self, ledger: Ledger, now: datetime) -> None:
        self._ledger = ledger
        silent = sa.select(runs.c.run_id).where(
            runs.c.state == str(RunState.RUNNING), runs.c.heartbeat_at < microseconds(now - LOST_AFTER)
        )
        self._silent = self._column(silent)

    def newest(self, wanted: Wanted, limit: int) -> list[Run]:
        """The newest runs that match, newest first."""
        if wanted.is_every:
            return self._ledger.runs(limit=limit)
        # First their ids, which the index has: a run's own row is long.
        query = sa.select(runs.c.run_id).where(*self._conditions(wanted))
        found = self._column(query.order_by(runs.c.created_at.desc()).limit(limit))
        return self._ledger.runs(run_id=tuple(found)) if found else []

    def count(self, wanted: Wanted) -> int:
        """How many match."""
        if wanted.is_every:
            return self._ledger.run_count()
        query = sa.select(sa.func.count()).select_from(runs).where(*self._conditions(wanted))
        with self._ledger.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def states(self) -> list[RunState]:
        """The states in which there are runs."""
        there = [sa.exists().where(self._in_state(state)).label(str(state)) for state in RunState]
        with self._ledger.engine.connect() as connection:
            row = connection.execute(sa.select(*there)).one()
        return [state for state, is_there in zip(RunState, row, strict=True) if is_there]

    def presets(self) -> list[str]:
        """Every preset that a run was made from: from one to the next in the index, however many runs."""
        first = sa.select(sa.func.min(runs.c.preset).label("preset"))
        found = first.cte("found", recursive=True)
        after = sa.select(sa.func.min(runs.c.preset)).where(runs.c.preset > found.c.preset).scalar_subquery()
        found = found.union_all(sa.select(after).where(found.c.preset.is_not(None)))
        return self._column(sa.select(found.c.preset).where(found.c.preset.is_not(None)))

    def _in_state(self, state: RunState) -> sa.ColumnElement[bool]:
        is_it, is_silent = runs.c.state == str(state), runs.c.run_id.in_(self._silent)
        if state is RunState.LOST and self._silent:
            return is_it | is_silent
        return is_it & ~is_silent if state is RunState.RUNNING and self._silent else is_it

    def _conditions(self, wanted: Wanted) -> Iterable[sa.ColumnElement[bool]]:
        # Written so that no narrower index is taken: only the one by time has everything in it.
        state, preset = runs.c.state.concat(""), runs.c.preset.concat("")
        for word in wanted.text.casefold().split():
            yield runs.c.searched.contains(word, autoescape=True) | state.contains(word, autoescape=True)
        if wanted.preset is not None:
            yield preset == wanted.preset
        if wanted.states:
            among: sa.ColumnElement[bool] = state.in_([str(each) for each in wanted.states])
            is_silent = runs.c.run_id.in_(self._silent)
            lost, running = (each in wanted.states for each in (RunState.LOST, RunState.RUNNING))
            if self._silent and lost != running:
                among = among | is_silent if lost else among & ~is_silent
            yield among

    def _column(self, query: sa.Select[Any]) -> list[str]:
        with self._ledger.engine.connect() as connection:
            return list(connection.execute(query).scalars())
