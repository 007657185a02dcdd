"""Between the domain's values and the tables' rows: one function each way and kind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from pydantic_core import from_json, to_json  # in a third of the time of `json`
from sqlalchemy import RowMapping

from tracking.domain.call import CallStatus, LlmCall, Purpose
from tracking.domain.cost import Cost, CostState, Receipt
from tracking.domain.run import Run, RunState, TaskProgress
from tracking.domain.usage import COUNTS, TokenUsage, UsageState, counts_of
from tracking.ledger.database import microseconds, moment
from tracking.ledger.receipts import receipt_id
from tracking.ledger.schema import calls

USAGE_COLUMNS = COUNTS
_CALL_TEXTS = (
    "call_id", "run_id", "provider_name", "request_model", "response_model", "operation_name",
    "agent_name", "task_name", "workflow_name", "error_type", "response_id", "service_tier",
)  # fmt: skip
CALL_COLUMNS = (
    *_CALL_TEXTS, *USAGE_COLUMNS, "started_at", "duration", "usage_state", "cost_nano_usd", "cost_state",
    "receipt", "status", "sources", "purpose", "notes", "billed", "stated_nano_usd", "raw_usage",
)  # fmt: skip
# As the database holds a call: it keeps a receipt apart, under its number.
STORED_COLUMNS = tuple("receipt_id" if name == "receipt" else name for name in CALL_COLUMNS)
_RECEIPT = CALL_COLUMNS.index("receipt")
# As a call is read: all that `calls` has, and its receipt. By number, for a page reads thousands.
READ_COLUMNS = (*(column.name for column in calls.columns), "receipt")
_AT = {name: number for number, name in enumerate(READ_COLUMNS)}
_OTHERS = (
    "started_at", "duration", "usage_state", "cost_nano_usd", "cost_state", "receipt",
    "status", "sources", "purpose", "notes", "stated_nano_usd", "raw_usage",
)  # fmt: skip
_read_texts = itemgetter(*(_AT[name] for name in _CALL_TEXTS))
_read_others = itemgetter(*(_AT[name] for name in _OTHERS))
_read_counts = itemgetter(*(_AT[name] for name in USAGE_COLUMNS))
_USAGE_STATES = {state.value: state for state in UsageState}
_COST_STATES = {state.value: state for state in CostState}
_STATUSES = {status.value: status for status in CallStatus}
_PURPOSES = {purpose.value: purpose for purpose in Purpose}
_NOTHING = TokenUsage()
_call_texts = attrgetter(*_CALL_TEXTS)  # written for every call on the crew's thread: read at once
_written: dict[int, tuple[Receipt, str]] = {}
_MOST_WRITTEN = 1_000
_SEARCHED = 600  # characters: PostgreSQL has no more than 2,700 bytes in a row of an index
_NAME = 200
_RUN_TIMES = (
    *("created_at", "started_at", "finished_at", "heartbeat_at"),
    *("stop_requested_at", "stop_after_task_at"),
)
_RUN_JSON = ("spec", "error", "readings", "evidence", "budget_wait")
_RUN_PLAIN = ("run_id", "name", "preset", "stop_reason", "worker", "pid", "batch_id", "batch_position")


def call_values(call: LlmCall) -> list[Any]:
    """A call as the journal holds it, in the order of `CALL_COLUMNS`."""
    return [  # `_value_`, because `value` takes four times as long
        *_call_texts(call),
        *counts_of(_NOTHING if call.usage is None else call.usage),
        microseconds(call.started_at),
        round(call.duration * 1e6),
        call.usage_state._value_,
        call.cost.nano_usd,
        call.cost.state._value_,
        _receipt_json(call.cost.receipt),
        call.status._value_,
        ",".join(call.sources),
        call.purpose._value_,
        json.dumps(call.notes) if call.notes else None,
        int(call.billed),
        call.stated_nano_usd,
        call.raw_usage or None,
    ]


def stored(row: Sequence[Any]) -> list[Any]:
    """A row of the journal as the database takes it, in the order of `STORED_COLUMNS`."""
    *plain, raw_usage = row
    receipt = plain[_RECEIPT]
    plain[_RECEIPT] = None if receipt is None else receipt_id(receipt)
    return [*plain, None if raw_usage is None else to_json(raw_usage).decode()]


def call_of(row: Sequence[Any]) -> LlmCall:
    """A row of the database, with its columns in the order of `READ_COLUMNS`."""
    # A page reads thousands, a run's are to be there in a millisecond: no column is looked up by name.
    (
        call_id, run_id, provider, asked, answered, operation, agent, task, workflow,
        error_type, response_id, service_tier,
    ) = _read_texts(row)  # fmt: skip
    (
        started_at, duration, usage_state, cost_nano_usd, cost_state, receipt,
        status, sources, purpose, notes, stated_nano_usd, raw_usage,
    ) = _read_others(row)  # fmt: skip
    state = _USAGE_STATES[usage_state]
    known = state is not UsageState.UNKNOWN
    return LlmCall(
        call_id=call_id,
        run_id=run_id,
        started_at=moment(started_at),
        duration=duration / 1e6,
        provider_name=provider,
        request_model=asked,
        response_model=answered,
        operation_name=operation,
        purpose=Purpose.CHAT if purpose is None else _PURPOSES[purpose],
        agent_name=agent,
        task_name=task,
        workflow_name=workflow,
        usage=TokenUsage.restored(_read_counts(row)) if known else None,
        usage_state=state,
        cost=Cost(cost_nano_usd, _COST_STATES[cost_state], receipt_of(receipt)),
        status=_STATUSES[status],
        error_type=error_type,
        response_id=response_id,
        service_tier=service_tier,
        sources=_sources_of(sources),
        notes=tuple(json.loads(notes)) if notes else (),
        stated_nano_usd=stated_nano_usd,
        raw_usage=from_json(raw_usage) if raw_usage else {},
    )


@lru_cache(maxsize=100)
def _sources_of(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def run_row(run: Run) -> dict[str, Any]:
    values = run_values({f.name: getattr(run, f.name) for f in dataclasses.fields(run)})
    return values | {"searched": searched(run.run_id, run.preset, run.name, run.spec)}


def searched(run_id: str, preset: str | None, name: str, spec: Mapping[str, Any]) -> str:
    """What a person may look for in a run, in small letters: id, preset, name, model, agents."""
    agents = " ".join(map(str, spec.get("agents", ())))
    text = f"{run_id} {preset or ''} {name[:_NAME]} {spec.get('model') or ''} {agents}"
    return text.casefold()[:_SEARCHED]


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
