"""The tap at the HTTP layer: sees every httpx request, also those whose answers crewai fails to read.

It watches what passes through and never changes it. Its own failures are counted, not raised.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import wrapt

from tracking.capture.exchange import Exchange
from tracking.capture.harmless import harmless
from tracking.capture.responsible import responsible_tracker
from tracking.capture.scope import current_request, whereabouts
from tracking.capture.wire import asked, endpoint_of

if TYPE_CHECKING:
    import httpx

_NEVER_SENT = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL"}
)


def tap(httpx: Any) -> None:
    """Wrap the two methods that every request of the `httpx` module goes through."""
    wrapt.wrap_function_wrapper(httpx, "Client.send", _send)
    wrapt.wrap_function_wrapper(httpx, "AsyncClient.send", _send_async)


def _send(wrapped: Callable[..., httpx.Response], _: object, args: Any, kwargs: Any) -> httpx.Response:
    exchange = _begin(args[0] if args else kwargs.get("request"))
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


async def _send_async(
    wrapped: Callable[..., Coroutine[Any, Any, httpx.Response]], _: object, args: Any, kwargs: Any
) -> httpx.Response:
    exchange = _begin(args[0] if args else kwargs.get("request"))
    if exchange is None:
        return await wrapped(*args, **kwargs)
    await exchange.admit_async()
    token = current_request.set(True)
    try:
        response = await wrapped(*args, **kwargs)
    except BaseException as error:
        _failed(exchange, error)
        raise
    finally:
        current_request.reset(token)
    _answered(exchange, response)
    return response


@harmless
def _begin(request: httpx.Request | None) -> Exchange | None:
    if request is None or (tracker := responsible_tracker()) is None:
        return None
    endpoint = endpoint_of(request.method, request.url.host, request.url.path)
    if endpoint is None:
        return None
    return Exchange(endpoint, asked(_content(request)), tracker, *whereabouts())


def _content(request: httpx.Request) -> bytes:
    """The body, where it is held in memory; a body that is itself a stream is left alone."""
    import httpx  # noqa: PLC0415  # imported already, or nothing would have been sent

    try:
        return request.content
    except httpx.RequestNotRead:
        return b""


@harmless
def _failed(exchange: Exchange, error: BaseException) -> None:
    exchange.fail(error, was_sent=type(error).__name__ not in _NEVER_SENT)


@harmless
def _answered(exchange: Exchange, response: httpx.Response) -> None:
    exchange.answered(response.status_code, response.headers.get("content-type", ""))
    exchange.headed(response.headers)
    if response.is_closed:  # read to its end already, as every request that is not a stream
        exchange.received(response.content)
        exchange.finish()
        return
    _watch(exchange, response)


def _watch(exchange: Exchange, response: httpx.Response) -> None:
    """See the decoded bytes as the consumer takes them, and the moment at which it lets go."""
    # Methods are replaced on this one response: its class stays as it is for everybody else.
    instance: Any = response
    iter_bytes, aiter_bytes, close, aclose = (
        response.iter_bytes,
        response.aiter_bytes,
        response.close,
        response.aclose,
    )
    received, finish = harmless(exchange.received), harmless(exchange.finish)
    reading = False  # httpx closes an answer at its end, when a part of it is still to be handed out

    def watched(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        nonlocal reading
        with contextlib.closing(iter_bytes(*args, **kwargs)) as chunks:  # type: ignore[type-var]  # a generator
            try:
                reading = True
                for chunk in chunks:
                    reading = False
                    received(chunk)
                    yield chunk
                    reading = True
            finally:
                finish()

    async def watched_async(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        nonlocal reading
        async with contextlib.aclosing(aiter_bytes(*args, **kwargs)) as chunks:  # type: ignore[type-var]  # a generator
            try:
                reading = True
                async for chunk in chunks:
                    reading = False
                    received(chunk)
                    yield chunk
                    reading = True
            finally:
                finish()

    def closing() -> None:
        try:
            close()
        finally:
            if not reading:
                finish()

    async def closing_async() -> None:
        try:
            await aclose()
        finally:
            if not reading:
                finish()

    instance.iter_bytes, instance.aiter_bytes = watched, watched_async
    instance.close, instance.aclose = closing, closing_async
    weakref.finalize(response, finish)  # an answer nobody ever read or closed was billed all the same
