"""A call that has been sent and has not ended: what is known of it before its provider says anything."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnderWay:
    """One request that waits for its answer, or for the rest of it.

    Attributes:
        call_id: the id under which it will be in the ledger's calls when it has ended.
        started_at: when the request was sent, time zone aware.
        operation_name: `chat` or `embeddings`.
        output_tokens: estimated from what arrived so far; None: nothing did, or it is not streamed.
    """

    call_id: str
    run_id: str
    started_at: datetime
    provider_name: str
    request_model: str
    operation_name: str
    agent_name: str | None = None
    task_name: str | None = None
    output_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.started_at.utcoffset() is None:
            raise ValueError(f"started_at ({self.started_at}) has no time zone")
        if self.output_tokens is not None and self.output_tokens < 0:
            raise ValueError(f"output_tokens ({self.output_tokens}) cannot be negative")
