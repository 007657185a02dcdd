"""One HTTP request to a model, from sending to the end of its answer, as one call in the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter

from tracking.capture import abandoned, loose
from tracking.capture.estimate import Said, Settled, settle
from tracking.capture.frames import CONTENT_TYPE, FrameStream
from tracking.capture.gate import Asking, ask, ask_async
from tracking.capture.scope import LlmScope, Place, Whereabouts
from tracking.capture.so_far import SoFar
from tracking.capture.tracker import Tracker, new_call_id
from tracking.capture.wire import Answer, Asked, Endpoint, EventStream, parsed
from tracking.domain.call import CallStatus, LlmCall, Purpose
from tracking.domain.reading import Uncounted
from tracking.domain.under_way import CallUnderWay
from tracking.domain.usage import TokenUsage, UsageState

# Answers are kept only until their end is parsed; one larger than this is not a chat or embeddings answer
# that we could read anyway.
_MOST_BYTES = 64 * 1024 * 1024


class Exchange:
    """A request under way. `finish` and `fail` end it; whichever comes first counts."""

    def __init__(
        self,
        endpoint: Endpoint,
        asked: Asked,
        tracker: Tracker,
        scope: LlmScope | None,
        place: Place,
        settled: Callable[[], Whereabouts | None] | None = None,
    ) -> None:
        self.call_id = new_call_id()
        self._endpoint = endpoint
        self._model = endpoint.model or asked.model or "unknown"
        self._usual = _usual_purpose(endpoint, asked, scope)
        self._tracker = tracker
        self._scope = scope
        self._place = place
        self._settled_later = settled
        self._request = asked.body
        self._started_at = datetime.now(UTC)
        self._started = perf_counter()
        self._answer = Answer()
        self._said = Said(asked.body)
        self._so_far = SoFar()
        self._accepted = False
        self._events: EventStream | FrameStream | None = None
        self._body = bytearray()
        self._refused: str | None = None
        self._ended = False
        self._lock = threading.Lock()
        if scope is not None:
            scope.requests += 1
            scope.failed = False

    def admit(self) -> None:
        """Wait until the budgets let it be sent, which it then is.

        Raises:
            BudgetExceeded: one does not.
        """
        if gates := self._tracker.gates:
            ask(gates, self._asking())
        self._sent()

    async def admit_async(self) -> None:
        if gates := self._tracker.gates:
            await ask_async(gates, self._asking())
        self._sent()

    def _asking(self) -> Asking:
        scope, place = self._scope, self._place
        return Asking(
            call_id=self.call_id,
            at=datetime.now(UTC),
            # Where crewai's events are followed, they may not have arrived: its scope has no name then.
            provider_name=scope.provider_name
            if scope is not None and scope.call_id
            else self._endpoint.provider_name,
            model=self._model,
            operation_name=self._endpoint.operation_name,
            agent_name=scope.agent_name if scope else place.agent_name,
            agent_is_known=self._settled_later is None,
            body=self._request,
        )

    def _sent(self) -> None:
        self._request = b""
        self._started_at, self._started = datetime.now(UTC), perf_counter()
        self._tracker.sent(self)

    def answered(self, status_code: int, content_type: str) -> None:
        """The head of the answer is here. A refusal is not billed: its body is of no interest."""
        if status_code >= 400:
            self._refused = f"HTTP {status_code}"
            return
        self._accepted = True
        if "text/event-stream" in content_type:
            self._events = EventStream(self._answer, self._said.hear)
        elif content_type.startswith(CONTENT_TYPE):
            self._events = FrameStream(self._answer, self._said.hear)

    def headed(self, headers: Mapping[str, str]) -> None:
        """What the answer's head says beside its type, where the protocol puts anything there."""
        self._answer.stated(headers)
        if self._endpoint.provider_name == "bedrock":
            self._answer.absorb_head(headers)

    def received(self, data: bytes) -> None:
        """A piece of the decoded body is here."""
        if self._events is not None:
            self._events.feed(data)
            if self._answer.closed:  # many a client stops reading here, and lets go only when it is collected
                self.finish()
        elif self._refused is None and len(self._body) < _MOST_BYTES:
            self._body += data

    def finish(self) -> None:
        """The consumer is done with the answer, or has let go of it."""
        if abandoned.is_collecting():
            abandoned.later(self.finish)
            return
        if not self._end():
            return
        if self._refused is not None:
            self._record(CallStatus.ERROR, self._refused)
            return
        if self._events is not None:
            self._events.close()
        else:
            body = parsed(bytes(self._body))
            self._answer.absorb(body)
            self._said.hear_whole(body)
            # A whole JSON body is a whole answer, whatever it says of its own end.
            self._answer.finished = self._answer.finished or body is not None
        self._body.clear()
        if self._answer.error_type and not self._answer.usage and not self._said.has_answer:
            self._record(CallStatus.ERROR, self._answer.error_type)
        else:
            self._record(
                CallStatus.OK if self._answer.finished else CallStatus.INCOMPLETE, self._answer.error_type
            )

    def fail(self, error: BaseException, *, was_sent: bool) -> None:
        """No (whole) answer. A request that was sent may be billed all the same: its usage is unknown."""
        if self._end():
            self._record(CallStatus.INCOMPLETE if was_sent else CallStatus.ERROR, type(error).__name__)

    def give_up(self) -> None:
        """Nobody will see its end: the process is about to end itself."""
        self.fail(InterruptedError(), was_sent=True)

    def under_way(self) -> CallUnderWay:
        """What is known of it now. Counts what arrived: not for the thread on which it arrives."""
        scope, place = self._scope, self._place
        return CallUnderWay(
            call_id=self.call_id,
            run_id=self._tracker.run_id,
            started_at=self._started_at,
            provider_name=scope.provider_name if scope else self._endpoint.provider_name,
            request_model=self._model,
            operation_name=self._endpoint.operation_name,
            agent_name=scope.agent_name if scope else place.agent_name,
            task_name=scope.task_name if scope else place.task_name,
            output_tokens=self._so_far.tokens(self._said.heard_so_far),
        )

    def _end(self) -> bool:
        with self._lock:
            first, self._ended = not self._ended, True
        self._tracker.ended(self)
        return first

    def _record(self, status: CallStatus, error_type: str | None) -> None:
        if self._settled_later is not None and (found := self._settled_later()) is not None:
            self._scope, self._place = found.call, found.place
        scope, place, answer = self._scope, self._place, self._answer
        provider = scope.provider_name if scope else self._endpoint.provider_name
        read = answer.token_usage(self._endpoint.provider_name)
        settled = self._settled(read.usage, status)
        usage, state = settled.usage, settled.state
        # crewai's own counters hold what was reported, never an estimate of ours.
        tokens = (usage.total_tokens if usage and state is UsageState.REPORTED else None) or 0
        if scope is None and self._endpoint.operation_name == "chat":
            loose.seen(self._started, answer.response_id, tokens or None)
        if scope is not None:
            scope.failed = status is not CallStatus.OK
            scope.tokens += tokens
        elif tokens:
            embeds = self._endpoint.operation_name == "embeddings"
            self._tracker.count_beside(Uncounted.EMBEDDINGS if embeds else Uncounted.OTHER_CLIENT, 0, tokens)
        self._tracker.record(
            LlmCall(
                call_id=self.call_id,
                run_id=self._tracker.run_id,
                started_at=self._started_at,
                duration=perf_counter() - self._started,
                provider_name=provider,
                request_model=self._model,
                response_model=answer.model,
                operation_name=self._endpoint.operation_name,
                # What crewai is at comes first, then what the request itself tells.
                purpose=(scope.purpose if scope else place.purpose) or self._usual,
                agent_name=scope.agent_name if scope else place.agent_name,
                task_name=scope.task_name if scope else place.task_name,
                workflow_name=place.workflow_name or self._tracker.name,
                usage=usage,
                usage_state=state,
                status=status,
                error_type=error_type,
                response_id=answer.response_id,
                service_tier=answer.service_tier,
                sources=("http", "event") if scope else ("http",),
                notes=(*read.flags, *settled.notes),
                stated_nano_usd=answer.stated_nano_usd(),
                raw_usage=read.raw,
            )
        )

    def _settled(self, reported: TokenUsage | None, status: CallStatus) -> Settled:
        """The usage to record. What was said is let go of."""
        said = self._said if self._accepted else None
        writes = self._endpoint.operation_name != "embeddings"
        try:
            return settle(said, reported, status, writes=writes)
        except Exception as error:  # noqa: BLE001  # a call that can't be counted is recorded all the same
            self._tracker.failed(error, lost=False)
            return settle(None, reported, status, writes=writes)
        finally:
            self._said.forget()


def _usual_purpose(endpoint: Endpoint, asked: Asked, scope: LlmScope | None) -> Purpose:
    """What a request is for where crewai is at nothing special."""
    if endpoint.operation_name == "embeddings":
        return Purpose.EMBEDDINGS
    if scope is not None and scope.failed:
        return Purpose.RETRY
    return Purpose.STRUCTURED_OUTPUT if asked.structured else Purpose.CHAT
