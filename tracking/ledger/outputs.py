"""What the crew wrote: kept apart from the ledger, which never holds content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Column, Integer, MetaData, Table, Text

from tracking.ledger.database import create_tables, open_engine

_metadata = MetaData()
_outputs = Table(
    "outputs",
    _metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("task_name", Text, nullable=False),
    Column("agent_name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("figures", Text, nullable=False),
)
# What a failure's message says may quote what a model said.
_failures = Table(
    "failures", _metadata, Column("run_id", Text, primary_key=True), Column("message", Text, nullable=False)
)


@dataclass(frozen=True, slots=True)
class TaskOutput:
    """A task's answer. `figures` is Markdown computed from the data, not by the model."""

    position: int
    task_name: str
    agent_name: str
    text: str
    figures: str = ""


class OutputStore:
    """Task outputs by run. With SQLite in a file of its own, with PostgreSQL in a table of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> OutputStore:
        """Open the store, making its table when it is missing.

        Raises:
            LedgerError: it can't be opened.
        """
        engine = open_engine(url)
        create_tables(engine, _metadata)
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    def put(self, run_id: str, output: TaskOutput) -> None:
        """Keep an output; one at the same position is replaced."""
        key = (_outputs.c.run_id == run_id) & (_outputs.c.position == output.position)
        values = {
            "run_id": run_id,
            "position": output.position,
            "task_name": output.task_name,
            "agent_name": output.agent_name,
            "text": output.text,
            "figures": output.figures,
        }
        with self._engine.begin() as connection:
            connection.execute(_outputs.delete().where(key))
            connection.execute(_outputs.insert().values(values))

    def put_failure(self, run_id: str, message: str) -> None:
        """Keep why a run failed."""
        with self._engine.begin() as connection:
            connection.execute(_failures.delete().where(_failures.c.run_id == run_id))
            connection.execute(_failures.insert().values(run_id=run_id, message=message))

    def forget(self, run_ids: Iterable[str]) -> None:
        """Delete what these runs wrote, and why they failed."""
        named = list(run_ids)
        with self._engine.begin() as connection:
            for table in (_outputs, _failures):
                connection.execute(table.delete().where(table.c.run_id.in_(named)))

    def failure(self, run_id: str) -> str | None:
        """Why a run failed; None: nothing is kept of it."""
        query = sa.select(_failures.c.message).where(_failures.c.run_id == run_id)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def last(self, run_ids: Iterable[str]) -> dict[str, str]:
        """What each run's last task said so far, by the run's id."""
        query = (
            sa.select(_outputs.c.run_id, _outputs.c.text)
            .where(_outputs.c.run_id.in_(list(run_ids)))
            .order_by(_outputs.c.position)
        )
        with self._engine.connect() as connection:
            return {row.run_id: row.text for row in connection.execute(query)}

    def of(self, run_id: str) -> list[TaskOutput]:
        """A run's outputs in the declared order."""
        query = sa.select(_outputs).where(_outputs.c.run_id == run_id).order_by(_outputs.c.position)
        with self._engine.connect() as connection:
            return [
                TaskOutput(r.position, r.task_name, r.agent_name, r.text, r.figures)
                for r in connection.execute(query)
            ]
