"""The tap at urllib3, which carries what httpx does not: botocore (Bedrock), azure-core and requests.

Like the tap at httpx it watches what passes through; see there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import wrapt

from tracking.capture.exchange import Exchange
from tracking.capture.harmless import harmless
from tracking.capture.responsible import responsible_tracker
from tracking.capture.scope import current_request, whereabouts
from tracking.capture.wire import asked, endpoint_of

_NEVER_SENT = frozenset(
    {
        "NewConnectionError",
        "ConnectTimeoutError",
        "NameResolutionError",
        "LocationParseError",
        "MaxRetryError",
    }
)


def tap(connectionpool: Any) -> None:
    """Wrap the method that every request of `urllib3.connectionpool` goes through."""
    wrapt.wrap_function_wrapper(connectionpool, "HTTPConnectionPool.urlopen", _urlopen)


def _urlopen(wrapped: Callable[..., Any], pool: Any, args: Any, kwargs: Any) -> Any:
    # urlopen calls itself to repeat and to follow redirects: the outermost one is the request.
    exchange = None if current_request.get() else _begin(pool, args, kwargs)
    if exchange is None:
        return wrapped(*args, **kwargs)
    exchange.admit()
    token = current_request.set(True)
    try:
        response = wrapped(*args, **kwargs)
    except BaseException as error:
        _failed(exchange, error)
        raise
    finally:
        current_request.reset(token)
    _answered(exchange, response)
    return response


@harmless
def _begin(pool: Any, args: Any, kwargs: Any) -> Exchange | None:
    named = dict(zip(("method", "url", "body"), args, strict=False)) | kwargs
    endpoint = endpoint_of(str(named.get("method", "")), pool.host, urlsplit(str(named.get("url", ""))).path)
    if endpoint is None or (tracker := responsible_tracker()) is None:
        return None
    body = named.get("body")
    if isinstance(body, str):
        body = body.encode()
    request = asked(bytes(body) if isinstance(body, bytes | bytearray) else b"")
    return Exchange(endpoint, request, tracker, *whereabouts())


@harmless
def _failed(exchange: Exchange, error: BaseException) -> None:
    exchange.fail(error, was_sent=type(error).__name__ not in _NEVER_SENT)


@harmless
def _answered(exchange: Exchange, response: Any) -> None:
    exchange.answered(response.status, response.headers.get("content-type", ""))
    exchange.headed(response.headers)
    if response.closed:  # read to its end already
        exchange.received(response.data)
        exchange.finish()
        return
    _watch(exchange, response)


@contextmanager
def _ending(finish: Callable[[], object]) -> Iterator[None]:
    """An answer that breaks off here has ended: its client does not always close it."""
    try:
        yield
    except BaseException:
        finish()
        raise


def _watch(exchange: Exchange, response: Any) -> None:
    """See the bytes as the consumer takes them, all at once or in pieces, and when it lets go."""
    stream, read, close = response.stream, response.read, response.close
    received, finish = harmless(exchange.received), harmless(exchange.finish)
    streaming = False  # stream() is made of read(): what it yields was not read by the consumer itself

    def watched_stream(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        nonlocal streaming
        chunks = stream(*args, **kwargs)
        while True:
            streaming = True
            try:
                with _ending(finish):
                    chunk = next(chunks, None)
            finally:
                streaming = False
            if chunk is None:
                break
            received(chunk)
            yield chunk
        finish()

    def watched_read(*args: Any, **kwargs: Any) -> Any:
        with _ending(finish):
            data = read(*args, **kwargs)
        if not streaming:
            received(data)
            asked_for = args[0] if args else kwargs.get("amt")
            if not data or asked_for is None:  # None: everything
                finish()
        return data

    def closing() -> None:
        try:
            close()
        finally:
            if not streaming:
                finish()

    response.stream, response.read, response.close = watched_stream, watched_read, closing
    weakref.finalize(response, finish)  # an answer nobody ever read or closed was billed all the same
