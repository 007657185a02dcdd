"""Between the domain's values and the tables' rows: one function each way and kind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import RowMapping

from tracking.domain.call import CallStatus, LlmCall, Purpose
from tracking.domain.cost import Cost, CostState, Receipt
from tracking.domain.run import Run, RunState, TaskProgress
from tracking.domain.usage import COUNTS, TokenUsage, UsageState, counts_of
from tracking.ledger.database import microseconds, moment

USAGE_COLUMNS = COUNTS
_CALL_TEXTS = (
    "call_id", "run_id", "provider_name", "request_model", "response_model", "operation_name",
    "agent_name", "task_name", "workflow_name", "error_type", "response_id", "service_tier",
)  # fmt: skip
CALL_COLUMNS = (
    *_CALL_TEXTS, *USAGE_COLUMNS, "started_at", "duration", "usage_state", "cost_nano_usd", "cost_state",
    "receipt", "status", "sources", "purpose", "notes", "billed", "stated_nano_usd", "raw_usage",
)  # fmt: skip
_NOTHING = TokenUsage()
_call_texts = attrgetter(*_CALL_TEXTS)  # written for every call on the crew's thread: read at once
_written: dict[int, tuple[Receipt, str]] = {}
_MOST_WRITTEN = 1_000
_RUN_TIMES = ("created_at", "started_at", "finished_at", "heartbeat_at", "stop_requested_at")
_RUN_JSON = ("spec", "error", "readings", "evidence")
_RUN_PLAIN = ("run_id", "name", "preset", "stop_reason", "worker", "pid")


def call_values(call: LlmCall) -> list[Any]:
    """A call as the journal holds it, in the order of `CALL_COLUMNS`."""
    return [
        *_call_texts(call),
        *counts_of(_NOTHING if call.usage is None else call.usage),
        microseconds(call.started_at),
        round(call.duration * 1e6),
        call.usage_state.value,
        call.cost.nano_usd,
        call.cost.state.value,
        _receipt_json(call.cost.receipt),
        call.status.value,
        ",".join(call.sources),
        call.purpose.value,
        json.dumps(call.notes) if call.notes else None,
        int(call.billed),
        call.stated_nano_usd,
        call.raw_usage or None,
    ]


def stored(row: Sequence[Any]) -> list[Any]:
    """The row as the database takes it: what the journal holds as JSON anyway is JSON text there."""
    *plain, raw_usage = row
    return [*plain, None if raw_usage is None else json.dumps(raw_usage)]


def call_of(row: RowMapping) -> LlmCall:
    state = UsageState(row["usage_state"])
    usage = None if state is UsageState.UNKNOWN else TokenUsage(**{name: row[name] for name in USAGE_COLUMNS})
    return LlmCall(
        **{name: row[name] for name in _CALL_TEXTS},
        started_at=moment(row["started_at"]),
        duration=row["duration"] / 1e6,
        usage=usage,
        usage_state=state,
        cost=Cost(row["cost_nano_usd"], CostState(row["cost_state"]), receipt_of(row["receipt"])),
        status=CallStatus(row["status"]),
        sources=tuple(filter(None, row["sources"].split(","))),
        purpose=Purpose.CHAT if row["purpose"] is None else Purpose(row["purpose"]),
        notes=tuple(json.loads(row["notes"])) if row["notes"] else (),
        stated_nano_usd=row["stated_nano_usd"],
        raw_usage=json.loads(row["raw_usage"]) if row["raw_usage"] else {},
    )


def run_row(run: Run) -> dict[str, Any]:
    return run_values({f.name: getattr(run, f.name) for f in dataclasses.fields(run)})


def run_values(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Some of a run's fields, as the table holds them."""
    return {name: _run_value(name, value) for name, value in changes.items()}


def run_of(row: RowMapping) -> Run:
    values: dict[str, Any] = {name: row[name] for name in _RUN_PLAIN}
    values |= {name: _moment(row[name]) for name in _RUN_TIMES}
    values |= {name: None if row[name] is None else json.loads(row[name]) for name in _RUN_JSON}
    return Run(**values, state=RunState(row["state"]))


def task_row(run_id: str, task: TaskProgress) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "position": task.position,
        "task_name": task.task_name,
        "agent_name": task.agent_name,
        "state": str(task.state),
        "started_at": None if task.started_at is None else microseconds(task.started_at),
        "finished_at": None if task.finished_at is None else microseconds(task.finished_at),
    }


def task_of(row: RowMapping) -> TaskProgress:
    return TaskProgress(
        position=row["position"],
        task_name=row["task_name"],
        agent_name=row["agent_name"],
        state=RunState(row["state"]),
        started_at=_moment(row["started_at"]),
        finished_at=_moment(row["finished_at"]),
    )


def _run_value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _RUN_TIMES:
        return microseconds(value)
    if name in _RUN_JSON:
        return json.dumps(value, default=str)
    return str(value) if name == "state" else value


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else moment(micros)


def _receipt_json(receipt: Receipt | None) -> str | None:
    if receipt is None:
        return None
    # Calls at the same rates share a receipt. It is kept beside its text, or its id could come again.
    known = _written.get(id(receipt))
    if known is None:
        if len(_written) >= _MOST_WRITTEN:
            _written.clear()
        known = _written[id(receipt)] = (receipt, json.dumps(receipt.to_json()))
    return known[1]


@lru_cache(maxsize=1_000)
def receipt_of(text: str | None) -> Receipt | None:
    """A receipt as a row holds it."""
    if text is None:
        return None
    values = json.loads(text)
    times = {name: datetime.fromisoformat(values[name]) for name in ("since", "until") if values.get(name)}
    return Receipt(**{**values, **times, "rates": {k: Decimal(v) for k, v in values["rates"].items()}})
