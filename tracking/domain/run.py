"""A run: one kickoff of a crew, from the click to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"  # its process died without a word; its calls are kept, it is never repeated by itself

    @property
    def is_final(self) -> bool:
        return self not in {RunState.QUEUED, RunState.RUNNING}


# A run's process says that it lives every second; this many silent seconds mean that it does not.
# Twenty missed beats: a machine busy enough to starve a thread for 20 s is rarer than a killed process.
LOST_AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """One task of a run, in the declared order. `position` counts from 0."""

    position: int
    task_name: str
    agent_name: str
    state: RunState = RunState.QUEUED
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger knows it. Times are time zone aware, in UTC.

    Attributes:
        name: what the person called it, or its preset.
        spec: the run spec as written by the page, as JSON types; empty for a crew of the user's own.
        stop_after_task_at: when somebody asked for its end after the task that was under way.
        stop_reason: why a run was stopped or lost, in a sentence.
        error: type, message and traceback of a failure.
        readings: the readings and their verdict as JSON types, once taken (see `domain.reading`).
        batch_id: the batch it is one of, and `batch_position` its place there, from 0; None: of no batch.
        evidence: what the debug panel shows: versions, attributes found, the tracker's own losses.
        budget_wait: the refusal that it waits to see undone, as JSON types; None: it waits for no budget.
    """

    run_id: str
    name: str
    preset: str | None = None
    state: RunState = RunState.QUEUED
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    stop_requested_at: datetime | None = None
    stop_after_task_at: datetime | None = None
    stop_reason: str | None = None
    worker: str | None = None
    pid: int | None = None
    batch_id: str | None = None
    batch_position: int | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] | None = None
    readings: Mapping[str, Any] | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    budget_wait: Mapping[str, Any] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of how the run's figures were come by, in sentences; most often nothing."""
        return tuple((self.evidence.get("tracker") or {}).get("notes") or ())

    def state_at(self, now: datetime) -> RunState:
        """The state a person should see: a running run that has been silent too long is lost."""
        if self.state is RunState.RUNNING and self.heartbeat_at and now - self.heartbeat_at > LOST_AFTER:
            return RunState.LOST
        return self.state

    def elapsed(self, now: datetime) -> timedelta | None:
        """Time spent running so far, or altogether; None before it started."""
        if self.started_at is None:
            return None
        return (self.finished_at or now) - self.started_at
