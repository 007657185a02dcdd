"""The tap at aiohttp, which some asynchronous clients use where it is installed (google-genai, azure-core).

Like the tap at httpx it watches what passes through; see there.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import wrapt

from tracking.capture.exchange import Exchange
from tracking.capture.harmless import harmless
from tracking.capture.responsible import responsible_tracker
from tracking.capture.scope import current_request, whereabouts
from tracking.capture.wire import asked, endpoint_of

_NEVER_SENT = frozenset({"ClientConnectorError", "ClientConnectorDNSError", "InvalidURL"})


def tap(client: Any) -> None:
    """Wrap what every request of `aiohttp.client` goes through. A private name: without it, events do."""
    if hasattr(client.ClientSession, "_request"):
        wrapt.wrap_function_wrapper(client, "ClientSession._request", _request)


async def _request(wrapped: Callable[..., Awaitable[Any]], session: Any, args: Any, kwargs: Any) -> Any:
    exchange = None if current_request.get() else _begin(session, args, kwargs)
    if exchange is None:
        return await wrapped(*args, **kwargs)
    await exchange.admit_async()
    try:
        response = await wrapped(*args, **kwargs)
    except BaseException as error:
        _failed(exchange, error)
        raise
    _answered(exchange, response)
    return response


@harmless
def _begin(session: Any, args: Any, kwargs: Any) -> Exchange | None:
    named = dict(zip(("method", "str_or_url"), args, strict=False)) | kwargs
    base = str(getattr(session, "_base_url", None) or "")
    url = urlsplit(str(named.get("str_or_url", "")))
    host = url.hostname or urlsplit(base).hostname or ""
    endpoint = endpoint_of(str(named.get("method", "")), host, url.path)
    if endpoint is None or (tracker := responsible_tracker()) is None:
        return None
    return Exchange(endpoint, asked(_body(named)), tracker, *whereabouts())


def _body(named: dict[str, Any]) -> bytes:
    """The body, where it is held in memory."""
    if named.get("json") is not None:
        return json.dumps(named["json"], default=str).encode()
    data = named.get("data")
    if isinstance(data, str):
        return data.encode()
    return bytes(data) if isinstance(data, bytes | bytearray) else b""


@harmless
def _failed(exchange: Exchange, error: BaseException) -> None:
    exchange.fail(error, was_sent=type(error).__name__ not in _NEVER_SENT)


@harmless
def _answered(exchange: Exchange, response: Any) -> None:
    exchange.answered(response.status, response.headers.get("content-type", ""))
    exchange.headed(response.headers)
    response.content = _Watched(response.content, exchange)
    weakref.finalize(response, harmless(exchange.finish))  # whatever nobody read was billed all the same


class _Watched(wrapt.ObjectProxy):  # type: ignore[type-arg]  # generic in its stubs only
    """A response's body, seen as it is read in whatever way."""

    def __init__(self, content: Any, exchange: Exchange) -> None:
        super().__init__(content)
        self._self_received = harmless(exchange.received)
        self._self_finish = harmless(exchange.finish)

    async def _take(self, reading: Awaitable[bytes]) -> bytes:
        try:
            data = await reading
        except Exception:  # a cut answer is not always closed by its client
            self._self_finish()
            raise
        return self._seen(data)

    def _seen(self, data: bytes) -> bytes:
        if data:
            self._self_received(data)
        if not data or self.__wrapped__.at_eof():
            self._self_finish()
        return data

    async def read(self, n: int = -1) -> bytes:
        return await self._take(self.__wrapped__.read(n))

    async def readany(self) -> bytes:
        return await self._take(self.__wrapped__.readany())

    async def readexactly(self, n: int) -> bytes:
        return await self._take(self.__wrapped__.readexactly(n))

    async def readline(self, **limits: Any) -> bytes:
        return await self._take(self.__wrapped__.readline(**limits))

    async def readuntil(self, *separator: bytes, **limits: Any) -> bytes:
        return await self._take(self.__wrapped__.readuntil(*separator, **limits))

    async def readchunk(self) -> tuple[bytes, bool]:
        try:
            data, ended = await self.__wrapped__.readchunk()
        except Exception:
            self._self_finish()
            raise
        return self._seen(data) if data or ended else data, ended

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._until_the_end(self.readline)

    def iter_any(self) -> AsyncIterator[bytes]:
        return self._until_the_end(self.readany)

    def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        return self._until_the_end(lambda: self.read(n))

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        while (chunk := await self.readchunk()) != (b"", False):
            yield chunk

    async def _until_the_end(self, read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
        while data := await read():
            yield data
