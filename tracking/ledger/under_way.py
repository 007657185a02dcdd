"""Calls in flight, for those who watch. Their process says which they are; nothing is added up from them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import sqlalchemy as sa

from tracking.domain.under_way import CallUnderWay
from tracking.errors import LedgerError
from tracking.ledger.database import microseconds, moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.schema import calls, calls_under_way


class UnderWay:
    """Runs' calls that have been sent and have not ended, as their processes last said."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine = ledger.engine

    def of(self, run_id: str) -> list[CallUnderWay]:
        """A run's calls in flight, the oldest first. One that is in the ledger has ended, whatever is said.

        What a run's process said last stays when it dies: only of a run that lives is it worth asking.
        """
        ended = sa.exists().where(calls.c.call_id == calls_under_way.c.call_id)
        query = (
            sa.select(calls_under_way)
            .where(calls_under_way.c.run_id == run_id, ~ended)
            .order_by(calls_under_way.c.started_at, calls_under_way.c.call_id)
        )
        with self._engine.connect() as connection:
            return [_call_of(row) for row in connection.execute(query).mappings()]

    def say(self, run_id: str, under_way: Iterable[CallUnderWay]) -> None:
        """Replace all that was said of a run, in one transaction.

        Raises:
            ValueError: one of the calls is another run's.
            LedgerError: it could not be written.
        """
        rows = [_row(run_id, call) for call in under_way]
        with self._engine.begin() as connection:
            connection.execute(calls_under_way.delete().where(calls_under_way.c.run_id == run_id))
            if rows:
                connection.execute(calls_under_way.insert(), rows)

    def clear(self, run_id: str) -> None:
        """Say that none is in flight, as when the run has ended."""
        self.say(run_id, ())


@contextlib.contextmanager
def telling(
    ledger: Ledger, run_id: str, under_way: Callable[[], list[CallUnderWay]]
) -> Iterator[Callable[[], None]]:
    """Gives what says which calls are in flight: it writes only where that changed since it said so last.

    After the block none is. Raises LedgerError from what it gives, when that can't be written.
    """
    kept, said = UnderWay(ledger), list[CallUnderWay]()

    def tell() -> None:
        nonlocal said
        found = under_way()
        if found != said:
            kept.say(run_id, found)
            said = found

    try:
        yield tell
    finally:
        if said:  # also where the run was ended meanwhile: the last word may have come after that
            with contextlib.suppress(LedgerError):
                kept.clear(run_id)


def _row(run_id: str, call: CallUnderWay) -> dict[str, object]:
    if call.run_id != run_id:
        raise ValueError(f"call {call.call_id} belongs to run {call.run_id}, not to {run_id}")
    return {
        "call_id": call.call_id,
        "run_id": call.run_id,
        "started_at": microseconds(call.started_at),
        "provider_name": call.provider_name,
        "request_model": call.request_model,
        "operation_name": call.operation_name,
        "agent_name": call.agent_name,
        "task_name": call.task_name,
        "output_tokens": call.output_tokens,
    }


def _call_of(row: sa.RowMapping) -> CallUnderWay:
    return CallUnderWay(
        call_id=row["call_id"],
        run_id=row["run_id"],
        started_at=moment(row["started_at"]),
        provider_name=row["provider_name"],
        request_model=row["request_model"],
        operation_name=row["operation_name"],
        agent_name=row["agent_name"],
        task_name=row["task_name"],
        output_tokens=row["output_tokens"],
    )
