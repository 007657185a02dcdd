"""Calls whose provider reports no usage, or whose end is never seen, in every protocol, against the meter."""

import asyncio
import gc
import types
import uuid
from pathlib import Path

import pytest
from meter import MeterServer, Reply

from tracking import Ledger, track
from tracking.capture.exchange import Exchange
from tracking.domain.call import CallStatus
from tracking.domain.cost import CostState
from tracking.domain.reading import Verification
from tracking.domain.usage import TokenUsage, UsageState

SYSTEM, QUESTION = "You are a helpful assistant.", "Hello!"
ANSWER = "Hello! How can I assist you today?"
# What OpenAI's API reference shows as the usage of this conversation; the meter is told so.
SILENT = Reply(text=ANSWER, usage_mode="missing", input_tokens=19, output_tokens=9)
HIDDEN = "reasoning that was not sent is not in the count"


def chat(question, *, stream):
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": messages, "stream": stream}


def azure(question, *, stream):
    _, body = chat(question, stream=stream)
    return "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21", body


def responses(question, *, stream):
    asked = [{"role": "user", "content": question}]
    return "/v1/responses", {"model": "gpt-4o-mini", "instructions": SYSTEM, "input": asked, "stream": stream}


def anthropic(question, *, stream):
    messages = [{"role": "user", "content": question}]
    body = {"model": "claude-sonnet-4-5", "system": SYSTEM, "messages": messages, "max_tokens": 50}
    return "/v1/messages", body | {"stream": stream}


def gemini(question, *, stream):
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/gemini-2.5-flash:{verb}", {
        "systemInstruction": {"role": "system", "parts": [{"text": SYSTEM}]},
        "contents": [{"role": "user", "parts": [{"text": question}]}],
    }


def bedrock(question, *, stream):
    return f"/model/amazon.nova-lite-v1%3A0/converse{'-stream' if stream else ''}", {
        "system": [{"text": SYSTEM}],
        "messages": [{"role": "user", "content": [{"text": question}]}],
    }


PROTOCOLS = [chat, azure, responses, anthropic, gemini, bedrock]
by_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.__name__)
plain_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def request(meter, protocol, question=QUESTION, *, stream=False, most=None):
    """Send one request with httpx, and read at most so many pieces of its answer."""
    import httpx

    path, body = protocol(question, stream=stream)
    with httpx.Client() as client, client.stream("POST", meter.url + path, json=body) as response:
        try:
            for number, _ in enumerate(response.iter_bytes(), start=1):
                if number == most:
                    break
        except httpx.RemoteProtocolError:
            pass


def only_call(meter, *args, **options):
    with track("estimates") as tracker:
        request(meter, *args, **options)
    [call] = tracker.calls
    assert (tracker.lost, tracker.errors) == (0, [])
    return call


@by_protocol
@plain_and_streamed
def test_an_answer_without_usage_is_counted_and_marked(protocol, stream):
    with MeterServer([SILENT]) as meter:
        call = only_call(meter, protocol, stream=stream)
        [metered] = meter.billed
    assert not metered.usage_reported
    assert (call.status, call.usage_state) == (CallStatus.OK, UsageState.ESTIMATED)
    assert call.notes == ("the provider reported no usage: counted with o200k_base", HIDDEN)
    assert call.cost.state in {CostState.ESTIMATED, CostState.UNPRICED}
    assert call.usage == TokenUsage(input_tokens=19, output_tokens=9)
    assert call.usage.total_tokens == metered.usage.total_tokens


@by_protocol
@plain_and_streamed
def test_what_tools_are_asked_for_is_counted_too(protocol, stream):
    called = Reply(tool_calls=[("lookup", {"region": "north"})], usage_mode="missing")
    with MeterServer([called]) as meter:
        call = only_call(meter, protocol, stream=stream)
        [metered] = meter.billed
    assert call.usage_state is UsageState.ESTIMATED
    assert call.usage.output_tokens in {6, 7}  # lookup{"region":"north"}, with or without a space
    assert abs(call.usage.output_tokens - metered.usage.output_tokens) <= 2


@by_protocol
def test_a_cut_stream_is_a_lower_bound_that_is_marked(protocol):
    long = "Demand is steady and prices hold in every region of the country. " * 20
    with MeterServer([Reply(text=long, cut_after_chunks=12)]) as meter:
        call = only_call(meter, protocol, stream=True)
        [metered] = meter.billed
    assert metered.cut
    assert (call.status, call.usage_state) == (CallStatus.INCOMPLETE, UsageState.ESTIMATED)
    assert call.notes[0].startswith("the end of the answer was never seen: ")
    assert call.notes[0].endswith("more may have been billed")
    assert 20 < call.usage.output_tokens < metered.usage.output_tokens
    if protocol in {anthropic, gemini}:  # they say the input at once
        assert call.usage.input_tokens == metered.usage.input_tokens
    else:
        assert abs(call.usage.input_tokens - metered.usage.input_tokens) <= 10  # framing, on 9 of text


def with_httpx(url, body):
    import httpx

    with httpx.Client() as client:
        request = client.build_request("POST", url, json=body)
        for _ in client.send(request, stream=True).iter_lines():
            pass


def with_httpx_async(url, body):
    import httpx

    async def go():
        async with httpx.AsyncClient() as client:
            response = await client.send(client.build_request("POST", url, json=body), stream=True)
            async for _ in response.aiter_lines():
                pass

    asyncio.run(go())


def with_requests(url, body):
    import requests

    for _ in requests.post(url, json=body, stream=True, timeout=10).iter_lines():
        pass


def with_aiohttp(url, body):
    import aiohttp

    async def go():
        async with aiohttp.ClientSession() as session:
            response = await session.post(url, json=body)
            async for _ in response.content:
                pass

    asyncio.run(go())


@pytest.mark.parametrize("carrier", [with_httpx, with_httpx_async, with_requests, with_aiohttp])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # aiohttp's own, at import
def test_a_cut_stream_that_its_client_does_not_close_is_there_when_the_block_ends(carrier):
    path, body = chat(QUESTION, stream=True)
    held = []  # as a client's object would: nothing is left to the collector
    with MeterServer([Reply(text=ANSWER * 20, cut_after_chunks=9)]) as meter, track("cut") as tracker:
        try:
            carrier(meter.url + path, body)
        except Exception as error:  # noqa: BLE001  # each has its own
            held.append(error)
        calls = tracker.calls
    assert [str(call.usage_state) for call in calls] == ["estimated"]
    assert held


@by_protocol
def test_a_stream_that_is_let_go_early_is_a_lower_bound_that_is_marked(protocol):
    with MeterServer([Reply(text=ANSWER * 200)]) as meter:
        call = only_call(meter, protocol, stream=True, most=1)
        [metered] = meter.billed
    assert (call.status, call.usage_state) == (CallStatus.INCOMPLETE, UsageState.ESTIMATED)
    assert 0 <= call.usage.output_tokens <= metered.usage.output_tokens
    assert call.usage.input_tokens > 0


@plain_and_streamed
def test_what_is_reported_is_never_counted(stream, monkeypatch):
    def refused(_):
        raise AssertionError("a reported usage was counted")

    monkeypatch.setattr("tracking.capture.estimate.count_tokens", refused)
    with MeterServer() as meter:
        call = only_call(meter, anthropic, stream=stream)
        [metered] = meter.billed
    assert (call.usage_state, call.notes) == (UsageState.REPORTED, ())
    assert call.usage.total_tokens == metered.usage.total_tokens


def test_a_request_with_an_image_stays_unknown():
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
    with MeterServer([SILENT]) as meter:
        call = only_call(meter, chat, picture)
    assert (call.usage, call.usage_state, call.cost.state) == (None, UsageState.UNKNOWN, CostState.UNPRICED)
    assert call.notes == (
        "the provider reported no usage, and what is not text (images, audio, files) cannot be counted",
    )


def test_a_request_that_nobody_answered_stays_unknown():
    import httpx

    with MeterServer([Reply(delay_seconds=0.5)]) as meter, track("timeout") as tracker:
        path, body = chat(QUESTION, stream=False)
        with httpx.Client(timeout=0.1) as client, pytest.raises(httpx.ReadTimeout):
            client.post(meter.url + path, json=body)
    [call] = tracker.calls
    assert (call.status, call.usage_state) == (CallStatus.INCOMPLETE, UsageState.UNKNOWN)
    assert call.notes == ("the end of the answer was never seen",)


@plain_and_streamed
def test_a_refused_request_is_not_counted(stream):
    with MeterServer([Reply(status=400)]) as meter:
        call = only_call(meter, chat, stream=stream)
    assert (call.billed, call.usage, call.notes) == (False, None, ())


def test_a_stream_that_breaks_off_with_an_error_after_text_is_not_taken_for_a_refusal():
    import httpx

    events = (
        b'data: {"choices":[{"delta":{"content":"Hello!"}}]}\n\ndata: {"error":{"type":"server_error"}}\n\n'
    )
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=events)
    path, body = chat(QUESTION, stream=True)
    with track("broken") as tracker, httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as client:
        client.post(f"http://127.0.0.1{path}", json=body)
    [call] = tracker.calls
    assert (call.status, call.error_type) == (CallStatus.INCOMPLETE, "server_error")
    assert call.usage == TokenUsage(input_tokens=19, output_tokens=2)


def test_embeddings_without_usage_are_counted():
    import httpx

    with MeterServer([Reply(usage_mode="missing")]) as meter, track("embeddings") as tracker:
        body = {"model": "text-embedding-3-small", "input": [SYSTEM, QUESTION]}
        httpx.post(f"{meter.url}/v1/embeddings", json=body)
    [call] = tracker.calls
    assert (call.usage, call.usage_state) == (TokenUsage(input_tokens=8), UsageState.ESTIMATED)
    assert call.notes == ("the provider reported no usage: counted with o200k_base",)


def test_totals_keep_estimates_apart_from_what_was_reported(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with MeterServer([Reply(input_tokens=1000, output_tokens=100), SILENT]) as meter:
        with track("both", ledger=url) as tracker:
            request(meter, chat)
            request(meter, chat)
        sums = tracker.totals
    assert (sums.reported_usage.total_tokens, sums.estimated_usage.total_tokens) == (1100, 28)
    assert (sums.usage.total_tokens, sums.requests, sums.estimated_requests) == (1128, 2, 1)
    metrics = tracker.get_metrics()
    assert (metrics.total_tokens, metrics.estimated_tokens) == (1128, 28)
    assert (metrics.verification, metrics.cost_state) == (Verification.LEDGER, CostState.ESTIMATED)
    assert metrics.caption == "tracker, 2 calls; 28 of the tokens estimated (1 call)"
    with Ledger.open(url) as ledger:
        assert ledger.totals() == sums


def test_a_tokenizer_that_cannot_be_loaded_leaves_the_call_unknown_and_is_counted(monkeypatch):
    def missing(_):
        raise ModuleNotFoundError("No module named 'tiktoken'")

    monkeypatch.setattr("tracking.capture.estimate.count_tokens", missing)
    with MeterServer([SILENT]) as meter, track("no tokenizer") as tracker:
        request(meter, chat)
    [call] = tracker.calls
    assert (call.usage, call.notes) == (None, ("the provider reported no usage",))
    assert (tracker.lost, tracker.errors) == (0, ["ModuleNotFoundError"])


def holds(root, marker):
    """Whether anything that can be reached from an object, by way of data, holds the marker."""
    seen, waiting = set(), [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type | types.ModuleType | types.FrameType):
            continue
        seen.add(id(item))
        if isinstance(item, str) and marker in item:
            return True
        if isinstance(item, bytes | bytearray) and marker.encode() in item:
            return True
        if isinstance(item, types.FunctionType):  # its globals are everybody's
            waiting += [cell.cell_contents for cell in item.__closure__ or ()]
        else:
            waiting += gc.get_referents(item)
    return False


@by_protocol
@plain_and_streamed
@pytest.mark.parametrize("reply", [{"usage_mode": "missing"}, {}, {"cut_after_chunks": 3}], ids=str)
def test_nothing_of_what_was_said_outlives_the_call(protocol, stream, reply, tmp_path):
    marker = uuid.uuid4().hex
    exchanges = []
    ended = Exchange._end

    def note(exchange):
        exchanges.append(exchange)
        return ended(exchange)

    with (
        pytest.MonkeyPatch.context() as patched,
        MeterServer([Reply(text=f"so {marker} it is", **reply)]) as meter,
    ):
        patched.setattr(Exchange, "_end", note)
        with track("forgetful", ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}") as tracker:
            request(meter, protocol, f"what is {marker}?", stream=stream)
    assert exchanges
    assert len(tracker.calls) == 1
    assert not any(holds(exchange, marker) for exchange in exchanges)
    assert not holds(tracker, marker)
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        assert marker.encode() not in file.read_bytes()
    assert holds([f"so {marker}"], marker)  # the search itself finds what is there
