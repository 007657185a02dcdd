"""An alert: something a person wants to be told of without looking."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AlertKind(StrEnum):
    BUDGET_THRESHOLD = "budget_threshold"
    BUDGET_REFUSED = "budget_refused"
    RUN_FAILED = "run_failed"
    RUN_LOST = "run_lost"
    COST_ANOMALY = "cost_anomaly"
    DURATION_ANOMALY = "duration_anomaly"
    UNPRICED_MODEL = "unpriced_model"
    TRACKER_LOST_CALLS = "tracker_lost_calls"
    TEST = "test"

    @property
    def is_told_once(self) -> bool:
        """Whether what its key names happens only once: the same news later is the old news read again."""
        return self in _ONCE


_ONCE = frozenset(
    {
        AlertKind.RUN_LOST,
        AlertKind.COST_ANOMALY,
        AlertKind.DURATION_ANOMALY,
        AlertKind.UNPRICED_MODEL,
        AlertKind.TRACKER_LOST_CALLS,
    }
)


class DeliveryState(StrEnum):
    """What became of telling one alert to one destination."""

    WAITING = "waiting"  # for its time: at once, after quiet hours, or the next attempt
    SENDING = "sending"  # somebody does; if they are not heard of by the time it is due, they died
    SENT = "sent"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Alert:
    """One piece of news. It holds nothing that was said to or by a model.

    Attributes:
        key: alerts of the same key are the same news, which is not told again for a while.
        title: the whole news in one line.
        body: figures, and what to do; may be empty. A link to the run is added where it is sent.
        run_id: the run it is about; None: of none in particular.
    """

    kind: AlertKind
    key: str
    title: str
    body: str = ""
    run_id: str | None = None

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("an alert's key cannot be empty")
        if not self.title.strip() or "\n" in self.title:
            raise ValueError(f"an alert's title must be one line, found {self.title!r}")
