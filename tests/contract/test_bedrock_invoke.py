"""Bedrock's invoke endpoints: bodies are the model vendor's own, counts may be Amazon's alone."""

import json

import pytest
from meter import FULL_REPLY, FULL_USAGE, MeterServer, Reply

from tracking import track
from tracking.capture.wire import endpoint_of
from tracking.domain.call import CallStatus
from tracking.domain.usage import UsageState

CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
PROFILE = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{CLAUDE}"
ASKED = {
    CLAUDE: {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "How do sales compare?"}],
    },
    MISTRAL: {"prompt": "How do sales compare?", "max_tokens": 100},
}
ASKED[PROFILE] = ASKED[CLAUDE]
VERBS = {False: "invoke", True: "invoke-with-response-stream"}


def by_httpx(url, body):
    import httpx

    with httpx.Client() as client, client.stream("POST", url, json=body) as response:
        for _ in response.iter_bytes(64):
            pass


def by_requests(url, body):
    import requests

    with requests.post(url, json=body, stream=True, timeout=10) as response:
        for _ in response.iter_content(64):
            pass


def counts(usage):
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
    )


def assert_is_what_was_billed(tracker, meter, model):
    [call], [truth] = tracker.calls, meter.billed
    assert call.usage_state is UsageState.REPORTED
    assert counts(call.usage) == counts(truth.usage) == counts(FULL_USAGE)
    assert (call.provider_name, call.operation_name, call.request_model) == ("bedrock", "chat", model)
    assert (call.status, call.response_id) == (CallStatus.OK, truth.response_id)


@pytest.mark.parametrize("send", [by_httpx, by_requests])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", [CLAUDE, MISTRAL, PROFILE])
def test_every_invocation_is_one_exact_row(model, stream, send):
    """Mistral's answers have no counts of their own, and an inference profile has a slash in its name."""
    quoted = model.replace(":", "%3A").replace("/", "%2F")
    with MeterServer([FULL_REPLY]) as meter:
        with track("invoke") as tracker:
            send(f"{meter.url}/model/{quoted}/{VERBS[stream]}", ASKED[model])
        assert_is_what_was_billed(tracker, meter, model)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", [CLAUDE, MISTRAL, PROFILE])
def test_amazons_own_client_is_read_too(model, stream):
    boto3 = pytest.importorskip("boto3")
    with MeterServer([FULL_REPLY]) as meter, track("boto3") as tracker:
        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=meter.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        asked = {"modelId": model, "body": json.dumps(ASKED[model])}
        if stream:
            events = [
                json.loads(e["chunk"]["bytes"])
                for e in client.invoke_model_with_response_stream(**asked)["body"]
            ]
            counted = events[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"]
        else:
            answer = client.invoke_model(**asked)
            answer["body"].read()
            counted = int(answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"])
        client.close()
        assert counted == 770  # 1000 - 170 read - 60 written
        assert_is_what_was_billed(tracker, meter, model)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_invocation_without_any_count_is_unknown(stream):
    with MeterServer([Reply(usage_mode="missing")]) as meter:
        with track("invoke") as tracker:
            by_httpx(f"{meter.url}/model/{MISTRAL}/{VERBS[stream]}", ASKED[MISTRAL])
        [call] = tracker.calls
        assert (call.usage, call.usage_state, call.billed) == (None, UsageState.UNKNOWN, True)


def test_an_invocation_that_was_cut_is_not_taken_for_a_whole_one():
    with MeterServer([Reply(cut_after_chunks=2)]) as meter:
        with track("invoke") as tracker, pytest.raises(Exception, match="closed connection"):
            by_httpx(f"{meter.url}/model/{MISTRAL}/{VERBS[True]}", ASKED[MISTRAL])
        [call] = tracker.calls
        assert (call.usage_state, call.status) == (UsageState.ESTIMATED, CallStatus.INCOMPLETE)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/model/amazon.titan-embed-text-v2%3A0/invoke", "embeddings"),
        ("/model/amazon.nova-lite-v1%3A0/invoke", "chat"),
        ("/model/amazon.nova-lite-v1%3A0/count-tokens", None),
        ("/guardrail/abc/version/1/apply", None),
    ],
)
def test_what_a_path_charges_for(path, operation):
    endpoint = endpoint_of("POST", "bedrock-runtime.us-east-1.amazonaws.com", path)
    assert (endpoint and endpoint.operation_name) == operation
