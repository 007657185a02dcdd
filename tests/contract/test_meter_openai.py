"""The metering provider against OpenAI's own client: what the SDK reads is what the meter kept."""

import json
from decimal import Decimal

import pytest
from meter import FULL_REPLY, FULL_USAGE, MeterServer, Reply

ASK = [{"role": "user", "content": "How do sales in the north compare with the south?"}]
LOOKUP = [("lookup", {"region": "north", "note": "one two three four five six"})]


def only(meter):
    [request] = meter.billed
    return request


@pytest.fixture
def openai_client():
    """Opens clients that are closed with the test, so that none leaves a socket behind."""
    import openai

    opened = []

    def connect(meter, **options):
        client = openai.OpenAI(base_url=f"{meter.url}/v1", api_key="any", **options)
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


def chat(client, **options):
    return client.chat.completions.create(model="gpt-4o-mini", messages=ASK, **options)


def test_openai_chat_reports_the_meters_counts(openai_client):
    with MeterServer([FULL_REPLY]) as meter:
        completion = chat(openai_client(meter))
        request = only(meter)

    assert request.usage == FULL_USAGE
    assert (request.protocol, request.model, request.stream) == ("openai.chat", "gpt-4o-mini", False)
    assert (request.response_id, request.service_tier) == (completion.id, "default")
    assert completion.usage.prompt_tokens == 1000
    assert completion.usage.completion_tokens == 300
    assert completion.usage.total_tokens == 1300
    assert completion.usage.prompt_tokens_details.cached_tokens == 170
    assert completion.usage.prompt_tokens_details.cache_write_tokens == 60
    assert completion.usage.completion_tokens_details.reasoning_tokens == 110


def test_openai_stream_reports_usage_once_in_a_last_chunk_without_choices(openai_client):
    with MeterServer([FULL_REPLY]) as meter:
        chunks = list(chat(openai_client(meter), stream=True, stream_options={"include_usage": True}))
        request = only(meter)

    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == request.usage.total_tokens == 1300
    assert request.stream
    assert request.usage_reported
    assert {chunk.id for chunk in chunks} == {request.response_id}


def test_openai_stream_that_was_not_asked_for_usage_reports_none_and_is_billed(openai_client):
    with MeterServer([FULL_REPLY]) as meter:
        chunks = list(chat(openai_client(meter), stream=True))
        request = only(meter)

    assert {chunk.usage for chunk in chunks} == {None}
    assert request.usage == FULL_USAGE
    assert not request.usage_reported


@pytest.mark.parametrize("mode", ["every_chunk", "cumulative"])
def test_openai_stream_can_repeat_its_usage_so_that_a_sum_would_be_wrong(openai_client, mode):
    with MeterServer([Reply(input_tokens=40, output_tokens=20, usage_mode=mode)]) as meter:
        chunks = list(chat(openai_client(meter), stream=True, stream_options={"include_usage": True}))

    reported = [chunk.usage.completion_tokens for chunk in chunks]
    assert {chunk.usage.prompt_tokens for chunk in chunks} == {40}
    assert reported[-1] == 20
    assert reported == sorted(reported)
    assert (len(set(reported)) == 1) is (mode == "every_chunk")


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_without_usage_is_billed_all_the_same(openai_client, stream):
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    with MeterServer([Reply(usage_mode="missing", input_tokens=9, output_tokens=4)]) as meter:
        answer = chat(openai_client(meter), **options)
        usages = {chunk.usage for chunk in answer} if stream else {answer.usage}
        request = only(meter)

    assert usages == {None}
    assert request.usage.total_tokens == 13
    assert not request.usage_reported


@pytest.mark.parametrize("stream", [False, True])
def test_openai_tool_calls_arrive_whole(openai_client, stream):
    with MeterServer([Reply(tool_calls=LOOKUP)]) as meter:
        if stream:
            with openai_client(meter).chat.completions.stream(model="gpt-4o-mini", messages=ASK) as events:
                choice = events.get_final_completion().choices[0]
        else:
            choice = chat(openai_client(meter)).choices[0]

    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == LOOKUP[0]


def test_refusal_truncation_cost_tier_and_served_model_reach_the_client(openai_client):
    script = [
        Reply(refusal="I can't help with that."),
        Reply(finish_reason="length"),
        Reply(cost=Decimal("0.00123"), service_tier="flex", served_model="gpt-4o-mini-2024-07-18"),
    ]
    with MeterServer(script) as meter:
        client = openai_client(meter)
        refused, cut_short, priced = chat(client), chat(client), chat(client)
        request = meter.billed[-1]

    assert refused.choices[0].message.refusal == "I can't help with that."
    assert refused.choices[0].message.content is None
    assert cut_short.choices[0].finish_reason == "length"
    assert (priced.usage.cost, request.cost) == (0.00123, Decimal("0.00123"))
    assert priced.service_tier == request.service_tier == "flex"
    assert priced.model == request.response_model == "gpt-4o-mini-2024-07-18"
    assert request.model == "gpt-4o-mini"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_is_not_billed_and_the_clients_retry_is(openai_client, status):
    with MeterServer([Reply(status=status), Reply(input_tokens=5, output_tokens=2)]) as meter:
        chat(openai_client(meter))
        statuses = [request.status for request in meter.requests]
        billed = [request.status for request in meter.billed]
        total = meter.total_tokens

    assert statuses == [status, 200]
    assert billed == [200]
    assert total == 7


def test_an_openai_error_body_is_read_by_the_client(openai_client):
    import openai

    with MeterServer([Reply(status=429, error_message="slow down")]) as meter:
        with pytest.raises(openai.RateLimitError, match="slow down") as raised:
            chat(openai_client(meter, max_retries=0))
        [request] = meter.requests

    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.response.headers["retry-after"] == "0.01"
    assert (request.billed, request.usage) == (False, None)


def test_a_cut_stream_ends_in_an_error_and_is_billed_whole(openai_client):
    import httpx

    with MeterServer([Reply(input_tokens=50, output_tokens=30, cut_after_chunks=2)]) as meter:
        stream = chat(openai_client(meter), stream=True, stream_options={"include_usage": True})
        received = [next(stream), next(stream)]
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            next(stream)
        request = only(meter)

    assert len(received) == 2
    assert request.cut
    assert request.usage.total_tokens == 80


def test_a_cut_reply_ends_in_an_error_and_each_attempt_is_billed(openai_client):
    import openai

    with MeterServer(lambda request: Reply(cut_after_chunks=0, output_tokens=3)) as meter:
        with pytest.raises(openai.APIConnectionError):
            chat(openai_client(meter, max_retries=1))
        billed = meter.billed

    assert [(request.cut, request.usage.output_tokens) for request in billed] == [(True, 3), (True, 3)]


def test_a_client_that_gives_up_is_still_billed(openai_client):
    import openai

    with (
        MeterServer([Reply(delay_seconds=30, output_tokens=12)]) as meter,
        pytest.raises(openai.APITimeoutError),
    ):
        chat(openai_client(meter, max_retries=0, timeout=0.1))

    assert only(meter).usage.output_tokens == 12


def respond(client, **options):
    return client.responses.create(model="gpt-4o-mini", input="How do sales compare?", **options)


@pytest.mark.parametrize("stream", [False, True])
def test_openai_responses_report_the_meters_counts(openai_client, stream):
    with MeterServer([FULL_REPLY]) as meter:
        if stream:
            events = list(respond(openai_client(meter), stream=True))
            response = events[-1].response
            assert [events[0].type, events[1].type] == ["response.created", "response.in_progress"]
            assert [event.sequence_number for event in events] == list(range(len(events)))
        else:
            response = respond(openai_client(meter))
        request = only(meter)

    assert request.usage == FULL_USAGE
    assert (request.protocol, request.stream) == ("openai.responses", stream)
    assert (response.id, response.status) == (request.response_id, "completed")
    assert response.usage.input_tokens == 1000
    assert response.usage.output_tokens == 300
    assert response.usage.total_tokens == 1300
    assert response.usage.input_tokens_details.cached_tokens == 170
    assert response.usage.input_tokens_details.cache_write_tokens == 60
    assert response.usage.output_tokens_details.reasoning_tokens == 110


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [
        (Reply(text="one two three four five six"), "completed", "one two three four five six"),
        (Reply(tool_calls=LOOKUP), "completed", ""),
        (Reply(refusal="I can't help with that."), "completed", ""),
        (Reply(text="not finis", finish_reason="length"), "incomplete", "not finis"),
    ],
)
def test_openai_responses_streams_add_up_to_the_plain_response(openai_client, reply, status, text):
    with MeterServer([reply, reply]) as meter:
        client = openai_client(meter)
        response = respond(client)
        # The SDK's own accumulator follows the events one by one and refuses an order it doesn't know.
        with client.responses.stream(model="gpt-4o-mini", input="How do sales compare?") as events:
            final = list(events)[-1].response

    assert response.status == final.status == status
    assert response.output_text == final.output_text == text
    assert [item.type for item in response.output] == [item.type for item in final.output]
    if reply.tool_calls:
        assert json.loads(final.output[0].arguments) == LOOKUP[0][1]


def test_token_counts_and_model_lists_are_not_billed(openai_client):
    with MeterServer() as meter:
        client = openai_client(meter)
        counted = client.responses.input_tokens.count(model="gpt-4o-mini", input="How do sales compare?")
        response = respond(client)
        models = client.models.list().data
        metered = [(request.protocol, request.billed) for request in meter.requests]

    assert counted.input_tokens == response.usage.input_tokens
    assert "gpt-4o-mini" in {model.id for model in models}
    assert metered == [
        ("openai.responses", False),
        ("openai.responses", True),
        ("openai.models", False),
    ]


def test_openai_embeddings_have_input_only_and_near_texts_are_near(openai_client):
    texts = ["sales in the north", "sales in the south", "quarterly tax law"]
    with MeterServer() as meter:
        answer = openai_client(meter).embeddings.create(model="text-embedding-3-small", input=texts)
        request = only(meter)

    north, south, law = (item.embedding for item in answer.data)
    assert request.protocol == "openai.embeddings"
    assert (request.usage.input_tokens, request.usage.output_tokens) == (14, 0)  # 18 + 18 + 17 + 2 over 4
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 14
    assert len(north) == 1536
    assert sum(a * b for a, b in zip(north, south, strict=True)) > 0.7
    assert sum(a * b for a, b in zip(north, law, strict=True)) < 0.1
