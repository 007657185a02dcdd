"""The list of workers in the ledger: who lives, by the database's clock, and who may enter."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tracking.ledger.clock import now_of
from tracking.ledger.database import insert_into, microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import workers

WORKER_GONE_AFTER = timedelta(seconds=10)  # a worker says that it lives every two seconds
_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that carries out runs.

    Attributes:
        started_at: by the clock of its own computer.
        running: how many runs it carries out now, of at most `concurrency`.
        warm: a spare process stands ready for the next one.
        versions: of what a run's outcome may hang on.
        draining: it ends the runs it has, takes no new one, and leaves.
    """

    worker_id: str
    host: str
    pid: int
    started_at: datetime
    running: int
    warm: bool
    versions: Mapping[str, str]
    concurrency: int = 1
    draining: bool = False


class WorkerList:
    """Who carries out runs of this ledger, on whatever computer."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine = ledger.engine

    def living(self) -> list[Worker]:
        """Who said within the last ten seconds that it lives, in an order that is the same for everybody."""
        query = sa.select(workers).where(living_now(self._engine))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(workers.c.started_at, workers.c.worker_id)).mappings()
            return [_worker_of(row) for row in rows]

    def claim(self, worker: Worker) -> bool:
        """Enter a worker unless another one lives that takes runs. Of two at once, one is told False."""
        values = _row(worker)
        nobody = ~sa.exists().where(living_now(self._engine), workers.c.draining == 0)
        row = sa.select(
            *(sa.literal(value, workers.c[name].type) for name, value in values.items()), now_of(self._engine)
        )
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # SQLite lets one statement write at a time anyway
                connection.exec_driver_sql("LOCK TABLE workers IN SHARE ROW EXCLUSIVE MODE")
            enter = workers.insert().from_select([*values, "heartbeat_at"], row.where(nobody))
            return connection.execute(enter.returning(workers.c.worker_id)).first() is not None

    def beat(self, worker: Worker) -> None:
        """Say that a worker lives and what it does. Rows of workers long gone are cleared away."""
        now = now_of(self._engine)
        values: dict[str, Any] = {**_row(worker), "heartbeat_at": now}
        # One statement for the row: a worker's threads may say so at the same time.
        upsert = insert_into(self._engine, workers).values(values)
        forgotten = workers.c.heartbeat_at < now - _FORGOTTEN_AFTER // timedelta(microseconds=1)
        with self._engine.begin() as connection:
            connection.execute(upsert.on_conflict_do_update(index_elements=["worker_id"], set_=values))
            connection.execute(workers.delete().where(forgotten))

    def leave(self, worker_id: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(workers.delete().where(workers.c.worker_id == worker_id))


def living_now(engine: sa.Engine) -> sa.ColumnElement[bool]:
    """Whether a row of the list is that of a worker that lives."""
    return workers.c.heartbeat_at > now_of(engine) - WORKER_GONE_AFTER // timedelta(microseconds=1)


def differing_versions(living: Iterable[Worker]) -> dict[str, dict[str, list[str]]]:
    """What workers have in different versions: its name, then each version with the hosts that have it."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for worker in living:
        for name, version in worker.versions.items():
            found[name][version].add(worker.host)
    return {
        name: {version: sorted(hosts) for version, hosts in sorted(versions.items())}
        for name, versions in sorted(found.items())
        if len(versions) > 1
    }


def _row(worker: Worker) -> dict[str, Any]:
    return {
        "worker_id": worker.worker_id,
        "host": worker.host,
        "pid": worker.pid,
        "started_at": microseconds(worker.started_at),
        "running": worker.running,
        "warm": int(worker.warm),
        "versions": json.dumps(dict(worker.versions)),
        "concurrency": worker.concurrency,
        "draining": int(worker.draining),
    }


def _worker_of(row: sa.RowMapping) -> Worker:
    return Worker(
        worker_id=row["worker_id"],
        host=row["host"],
        pid=row["pid"],
        started_at=moment(row["started_at"]),
        running=row["running"],
        warm=bool(row["warm"]),
        versions=json.loads(row["versions"]),
        concurrency=row["concurrency"],
        draining=bool(row["draining"]),
    )
