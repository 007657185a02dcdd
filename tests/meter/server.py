"""The provider itself: the script it follows and the meter it keeps."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from meter import routes
from meter.counting import reply_text, usage_of
from meter.listener import Listener
from meter.record import MeteredRequest
from meter.reply import Reply, RequestSummary
from meter.wire import Answer, Endpoint, Exchange, plain

Script = Callable[[RequestSummary], Reply]


class MeterServer:
    """A model provider on a loopback port, which bills every request it answers.

    Args:
        script: replies for the billable requests, in the order these arrive (a default `Reply` once they
            are used up), or a function that is given each request. Function and meter are safe to use
            from many threads; the function is called by one at a time.

    A request is metered before its first byte is sent: a client that has an answer can look it up. It
    stays metered when the client hangs up, as a provider would bill it.
    """

    def __init__(self, script: Iterable[Reply] | Script = ()) -> None:
        self._lock = threading.Lock()
        self._script_lock = threading.Lock()
        self._requests: list[MeteredRequest] = []
        self._strays: list[str] = []
        self._failures: list[Exception] = []
        self._script = script if callable(script) else iter(tuple(script))
        self._answered = 0
        self._closing = threading.Event()
        self._http = Listener(self._serve, self._fail)
        accept = self._http.serve_forever
        self._thread = threading.Thread(target=accept, args=(0.02,), name="meter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection.

        Raises:
            ExceptionGroup: the provider itself failed on a request (a script that raised, impossible counts);
                not where the test failed already.
        """
        self._closing.set()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()
        if self._failures and kind is None:
            raise ExceptionGroup("the metering provider failed", self._failures)

    @property
    def url(self) -> str:
        """Scheme, host and port; OpenAI's clients want ``/v1`` after it, the others nothing."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def requests(self) -> list[MeteredRequest]:
        """A copy of everything metered so far, billed or not."""
        with self._lock:
            return list(self._requests)

    @property
    def billed(self) -> list[MeteredRequest]:
        return [request for request in self.requests if request.billed]

    @property
    def total_tokens(self) -> int:
        """Input and output of all billed requests."""
        return sum(request.usage.total_tokens for request in self.requests if request.usage is not None)

    @property
    def strays(self) -> list[str]:
        """``METHOD /path`` of requests that no provider endpoint answers; they got a 404."""
        with self._lock:
            return list(self._strays)

    def _serve(self, method: str, target: str, body: bytes) -> tuple[int, Answer, Reply]:
        """Decide on a request's answer and meter it: status, bytes, and the reply that shaped them."""
        address = urlsplit(target)
        found = routes.find(method, unquote(address.path), "api-version" in parse_qs(address.query))
        if found is None:
            stray = f"{method} {address.path}"
            with self._lock:
                self._strays.append(stray)
            return 404, plain({"error": {"message": f"no provider endpoint at {stray}"}}), Reply()
        endpoint, match = found
        request = endpoint.read(match, json.loads(body) if body else {})
        return self._answer(endpoint, request)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._failures.append(error)

    def _answer(self, endpoint: Endpoint, request: RequestSummary) -> tuple[int, Answer, Reply]:
        request, reply = self._next(request) if endpoint.billed else (request, Reply())
        billed = endpoint.billed and reply.status < 400
        usage = usage_of(request, reply, writes=endpoint.writes)
        if reply.status < 400:
            text = reply_text(request, reply)
            answer = endpoint.answer(Exchange(request, reply, text, usage, created=int(time.time())))
        else:
            answer = endpoint.error(reply.status, reply)
        self._closing.wait(reply.delay_seconds)  # a sleep, but not past the end of the test
        entry = MeteredRequest(
            protocol=endpoint.protocol,
            path=request.path,
            model=request.model,
            response_model=(reply.served_model or request.model) if billed else None,
            status=reply.status,
            stream=request.stream,
            response_id=answer.response_id,
            usage=usage if billed else None,
            billed=billed,
            usage_reported=billed and answer.usage_reported,
            cut=billed and reply.cut_after_chunks is not None,
            service_tier=answer.service_tier,
            cost=reply.cost if billed else None,
        )
        with self._lock:
            self._requests.append(entry)
        return reply.status, answer, reply

    def _next(self, request: RequestSummary) -> tuple[RequestSummary, Reply]:
        with self._script_lock:
            request = replace(request, index=self._answered)
            self._answered += 1
            reply = self._script(request) if callable(self._script) else next(self._script, Reply())
        return request, reply
