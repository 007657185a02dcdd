"""A batch: many runs that were asked for at once, one per row of a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tracking.domain.spec import RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as the ledger knows it. Its runs name it, each with its position.

    Attributes:
        created_at: time zone aware, in UTC.
        source: the name of the file that the inputs came from.
        size: how many runs it has.
    """

    batch_id: str
    name: str
    created_at: datetime
    source: str
    size: int

    def name_of(self, position: int) -> str:
        """What the run at a position (from 0) is called when nobody called it anything."""
        return f"{self.name}, {position + 1} of {self.size}"


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One run to be made. `name` is what the person called it; None: its batch and position name it."""

    spec: RunSpec
    name: str | None = None
