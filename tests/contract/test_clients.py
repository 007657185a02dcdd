"""Ways in which clients send and read: each request is one row, whole, and there as soon as it can be."""

import asyncio

import httpx
import pytest
from meter import FULL_REPLY, FULL_USAGE, MeterServer

from tracking import track
from tracking.domain.call import CallStatus

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
STREAMED = BODY | {"stream": True, "stream_options": {"include_usage": True}}


def assert_one_whole_row(tracker, meter):
    [call] = tracker.calls
    assert (call.usage.input_tokens, call.usage.output_tokens) == (1000, 300)
    assert (call.status, call.response_id) == (CallStatus.OK, meter.billed[0].response_id)


@pytest.fixture
def meter():
    with MeterServer([FULL_REPLY]) as server:
        yield server


@pytest.mark.parametrize("body", [BODY, STREAMED], ids=["plain", "streamed"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # aiohttp's own, at import
def test_httpx_that_sends_by_aiohttp_is_one_request(meter, body):
    """As litellm's asynchronous clients do."""
    import aiohttp

    class Stream(httpx.AsyncByteStream):
        def __init__(self, response):
            self.response = response

        async def __aiter__(self):
            async for chunk in self.response.content.iter_any():
                yield chunk

        async def aclose(self):
            self.response.close()

    class ByAiohttp(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            answer = await session.request(request.method, str(request.url), data=request.content)
            return httpx.Response(answer.status, headers=dict(answer.headers), stream=Stream(answer))

    async def go():
        nonlocal session
        async with aiohttp.ClientSession() as session, httpx.AsyncClient(transport=ByAiohttp()) as client:
            await client.post(f"{meter.url}/v1/chat/completions", json=body)

    session = None
    with track("transport") as tracker:
        asyncio.run(go())
    assert_one_whole_row(tracker, meter)


@pytest.mark.parametrize("size", [None, 64, 1_000_000])
@pytest.mark.parametrize("body", [BODY, STREAMED], ids=["plain", "streamed"])
def test_an_answer_is_whole_in_pieces_of_any_size(meter, body, size):
    """httpx closes an answer before it hands out the last piece of a stated size."""

    async def go():
        async with httpx.AsyncClient() as client, client.stream("POST", url, json=body) as response:
            async for _ in response.aiter_bytes(size):
                pass

    url = f"{meter.url}/v1/chat/completions"
    with track("pieces") as tracker:
        asyncio.run(go())
    assert_one_whole_row(tracker, meter)


@pytest.mark.parametrize("asked_for", [(), (None,), (100,)])
def test_urllib3_is_seen_however_much_is_read_at_once(meter, asked_for):
    import urllib3

    with track("urllib3") as tracker, urllib3.PoolManager() as pool:
        answer = pool.request("POST", f"{meter.url}/v1/chat/completions", json=BODY, preload_content=False)
        while answer.read(*asked_for) and asked_for == (100,):
            pass  # without an amount the first read is all of it
        assert_one_whole_row(tracker, meter)


def test_a_stream_of_anthropics_is_complete_with_its_last_counts(meter):
    """litellm leaves it there and keeps it open: `message_stop` is never read."""
    body = BODY | {"max_tokens": 100, "stream": True}
    with (
        track("left") as tracker,
        httpx.Client() as client,
        client.stream("POST", f"{meter.url}/v1/messages", json=body) as response,
    ):
        for line in response.iter_lines():
            if "message_delta" in line and line.startswith("data"):
                break
        assert_one_whole_row(tracker, meter)
        assert tracker.calls[0].usage.cache_read_input_tokens == FULL_USAGE.cache_read_input_tokens
