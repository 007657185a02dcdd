"""The metering provider against the clients of Anthropic, Gemini, Azure and Bedrock."""

import json
import struct
import urllib.request
import zlib
from dataclasses import replace

import pytest
from meter import FULL_REPLY, FULL_USAGE, MeterServer, Reply

# google-genai 1.65 subclasses aiohttp's ClientSession and builds a union that Python deprecated, at import.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class .* from ClientSession is discouraged"),
    pytest.mark.filterwarnings("ignore:'_UnionGenericAlias' is deprecated"),
]

ASK = [{"role": "user", "content": "How do sales in the north compare with the south?"}]
LOOKUP = [("lookup", {"region": "north", "note": "one two three four five six"})]


def only(meter):
    [request] = meter.billed
    return request


@pytest.fixture
def anthropic_client():
    import anthropic

    opened = []

    def connect(meter, **options):
        client = anthropic.Anthropic(base_url=meter.url, api_key="any", **options)
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


CLAUDE = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": ASK}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["normal", "cumulative", "every_chunk"])
def test_anthropic_reports_the_meters_counts_with_input_less_cache(anthropic_client, stream, mode):
    with MeterServer([replace(FULL_REPLY, usage_mode=mode)]) as meter:
        client = anthropic_client(meter)
        if stream:
            with client.messages.stream(**CLAUDE) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**CLAUDE)
        request = only(meter)

    assert request.usage == FULL_USAGE
    assert (request.protocol, request.stream) == ("anthropic.messages", stream)
    assert (message.id, message.stop_reason) == (request.response_id, "end_turn")
    assert message.usage.input_tokens == 770  # 1000 - 170 read - 60 written
    assert message.usage.cache_read_input_tokens == 170
    assert message.usage.cache_creation_input_tokens == 60
    assert message.usage.cache_creation.ephemeral_1h_input_tokens == 25
    assert message.usage.cache_creation.ephemeral_5m_input_tokens == 35
    assert message.usage.output_tokens == 300
    assert message.usage.service_tier == request.service_tier == "standard"


def test_anthropic_stream_opens_with_the_input_and_closes_with_the_output(anthropic_client):
    with MeterServer([Reply(input_tokens=40, output_tokens=20)]) as meter:
        events = list(anthropic_client(meter).messages.create(**CLAUDE, stream=True))

    start = next(event for event in events if event.type == "message_start")
    [delta] = [event for event in events if event.type == "message_delta"]
    assert (start.message.usage.input_tokens, start.message.usage.output_tokens) == (40, 1)
    assert (delta.usage.input_tokens, delta.usage.output_tokens) == (None, 20)


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_tool_calls_arrive_whole(anthropic_client, stream):
    with MeterServer([Reply(tool_calls=LOOKUP, text="Let me see.")]) as meter:
        client = anthropic_client(meter)
        if stream:
            with client.messages.stream(**CLAUDE) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**CLAUDE)

    text, call = message.content
    assert text.text == "Let me see."
    assert (call.name, call.input) == LOOKUP[0]
    assert message.stop_reason == "tool_use"


def test_anthropic_counts_unbilled_and_retries_an_overload(anthropic_client):
    with MeterServer([Reply(status=529), Reply(finish_reason="length")]) as meter:
        client = anthropic_client(meter)
        counted = client.messages.count_tokens(model="claude-sonnet-4-5", messages=ASK)
        message = client.messages.create(**CLAUDE)
        outcome = [(request.status, request.billed) for request in meter.requests]

    assert counted.input_tokens == message.usage.input_tokens
    assert message.stop_reason == "max_tokens"
    assert outcome == [(200, False), (529, False), (200, True)]


@pytest.fixture
def gemini_client():
    from google import genai

    opened = []

    def connect(meter):
        client = genai.Client(api_key="any", http_options={"base_url": meter.url})
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


GEMINI = {"model": "gemini-2.5-flash", "contents": "How do sales in the north compare with the south?"}


@pytest.mark.parametrize("stream", [False, True])
def test_gemini_reports_the_meters_counts_with_thoughts_beside_candidates(gemini_client, stream):
    with MeterServer([FULL_REPLY]) as meter:
        models = gemini_client(meter).models
        if stream:
            chunks = list(models.generate_content_stream(**GEMINI))
            counts = [chunk.usage_metadata.candidates_token_count for chunk in chunks]
            assert len(counts) > 1
            assert counts == sorted(counts)
            response = chunks[-1]
        else:
            response = models.generate_content(**GEMINI)
        request = only(meter)

    assert request.usage == FULL_USAGE
    assert (request.protocol, request.model) == ("gemini.generate", "gemini-2.5-flash")
    assert (request.stream, request.response_id) == (stream, response.response_id)
    assert response.usage_metadata.prompt_token_count == 1000
    assert response.usage_metadata.candidates_token_count == 190  # 300 - 110 thoughts
    assert response.usage_metadata.thoughts_token_count == 110
    assert response.usage_metadata.cached_content_token_count == 170
    assert response.usage_metadata.total_token_count == 1300


def test_gemini_tool_calls_and_truncation_arrive(gemini_client):
    with MeterServer([Reply(tool_calls=LOOKUP), Reply(finish_reason="length")]) as meter:
        models = gemini_client(meter).models
        called = models.generate_content(**GEMINI)
        cut_short = models.generate_content(**GEMINI)

    [call] = called.function_calls
    assert (call.name, call.args) == LOOKUP[0]
    assert cut_short.candidates[0].finish_reason == "MAX_TOKENS"


def test_gemini_counts_unbilled_and_errors_name_their_status(gemini_client):
    from google.genai import errors

    with MeterServer([Reply(status=429)]) as meter:
        models = gemini_client(meter).models
        counted = models.count_tokens(**GEMINI)
        with pytest.raises(errors.ClientError) as raised:
            models.generate_content(**GEMINI)
        outcome = [(request.status, request.billed) for request in meter.requests]

    assert counted.total_tokens > 0
    assert raised.value.status == "RESOURCE_EXHAUSTED"
    assert outcome == [(200, False), (429, False)]


@pytest.mark.parametrize("stream", [False, True])
def test_azure_openai_reports_the_meters_counts_under_the_deployments_name(stream):
    import openai

    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    with (
        MeterServer([FULL_REPLY]) as meter,
        openai.AzureOpenAI(azure_endpoint=meter.url, api_key="any", api_version="2024-10-21") as client,
    ):
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, **options)
        last = list(answer)[-1] if stream else answer
        request = only(meter)

    assert request.usage == FULL_USAGE
    assert (request.protocol, request.path) == (
        "azure.chat",
        "/openai/deployments/gpt-4o-mini/chat/completions",
    )
    assert (last.id, last.usage.total_tokens) == (request.response_id, 1300)


@pytest.mark.parametrize("stream", [False, True])
def test_azure_ai_inference_reports_the_meters_counts(stream):
    pytest.importorskip("azure.ai.inference")
    from azure.ai.inference import ChatCompletionsClient
    from azure.core.credentials import AzureKeyCredential

    options = {"stream": True, "model_extras": {"stream_options": {"include_usage": True}}} if stream else {}
    with (
        MeterServer([FULL_REPLY]) as meter,
        ChatCompletionsClient(f"{meter.url}/models", AzureKeyCredential("any")) as client,
    ):
        answer = client.complete(messages=ASK, model="gpt-4o-mini", **options)
        usage = list(answer)[-1].usage if stream else answer.usage
        request = only(meter)

    assert (request.protocol, request.path) == ("azure.chat", "/models/chat/completions")
    assert (usage.prompt_tokens, usage.completion_tokens) == (1000, 300)


CONVERSE = {
    "modelId": "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "messages": [{"role": "user", "content": [{"text": "How do sales compare?"}]}],
}


@pytest.fixture
def bedrock_client():
    boto3 = pytest.importorskip("boto3")
    opened = []

    def connect(meter):
        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=meter.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


@pytest.mark.parametrize("stream", [False, True])
def test_bedrock_reports_the_meters_counts_with_input_less_cache(bedrock_client, stream):
    with MeterServer([FULL_REPLY]) as meter:
        client = bedrock_client(meter)
        if stream:
            answer = client.converse_stream(**CONVERSE)
            events = list(answer["stream"])
            assert list(events[0]) == ["messageStart"]
            usage = events[-1]["metadata"]["usage"]
        else:
            answer = client.converse(**CONVERSE)
            usage = answer["usage"]
        request = only(meter)

    assert request.usage == FULL_USAGE
    assert (request.model, request.stream) == (CONVERSE["modelId"], stream)
    assert request.response_id == answer["ResponseMetadata"]["RequestId"]
    assert usage == {
        "inputTokens": 770,  # 1000 - 170 read - 60 written
        "outputTokens": 300,
        "totalTokens": 1300,
        "cacheReadInputTokens": 170,
        "cacheWriteInputTokens": 60,
    }


def test_bedrock_tool_calls_arrive_whole_in_a_stream(bedrock_client):
    with MeterServer([Reply(tool_calls=LOOKUP)]) as meter:
        events = list(bedrock_client(meter).converse_stream(**CONVERSE)["stream"])

    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert json.loads("".join(delta["toolUse"]["input"] for delta in deltas)) == LOOKUP[0][1]
    assert {"messageStop": {"stopReason": "tool_use"}} in events


def test_bedrock_throttles_by_name(bedrock_client):
    with MeterServer(lambda request: Reply(status=429)) as meter:
        client = bedrock_client(meter)
        with pytest.raises(client.exceptions.ThrottlingException):
            client.converse(**CONVERSE)
        assert meter.billed == []


def test_a_bedrock_stream_is_framed_and_checksummed_as_aws_frames_it():
    """Runs without boto3 too: every length and both checksums of every message."""
    with MeterServer([FULL_REPLY]) as meter:
        url = f"{meter.url}/model/amazon.nova-lite-v1%3A0/converse-stream"
        with urllib.request.urlopen(url, json.dumps(CONVERSE).encode(), timeout=10) as response:
            body = response.read()
        request = only(meter)

    payloads = []
    while body:
        total, headers, prelude_crc = struct.unpack("!III", body[:12])
        message, body = body[:total], body[total:]
        assert zlib.crc32(message[:8]) == prelude_crc
        assert struct.pack("!I", zlib.crc32(message[:-4])) == message[-4:]
        payloads.append(json.loads(message[12 + headers : -4]))
    assert request.model == "amazon.nova-lite-v1:0"
    assert payloads[0] == {"role": "assistant"}
    assert payloads[-1]["usage"]["totalTokens"] == 1300
