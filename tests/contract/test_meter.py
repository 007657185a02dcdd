"""The metering provider itself: its counts, its script and its sockets, without anybody's client.

Other tests take the meter for the truth. That real clients read what it kept is shown beside this file,
in ``test_meter_openai.py``, ``test_meter_providers.py`` and ``test_meter_crewai.py``.
"""

import http.client
import json
import re
import threading
import urllib.error
import urllib.request

import pytest
from meter import MeteredUsage, MeterServer, Reply


def ask(meter, content="How do sales compare?", path="/v1/chat/completions"):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}
    request = urllib.request.Request(meter.url + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def status_of(raised):
    with raised.value as error:
        return error.code


def test_different_requests_have_different_default_counts():
    with MeterServer() as meter:
        for length in (5, 50, 500):
            ask(meter, "x" * length)

    # "user", a line break and the x's: 10, 55 and 505 characters, over 4
    assert [request.usage.input_tokens for request in meter.billed] == [3, 14, 127]


def test_stated_caches_and_reasoning_are_added_to_a_default_count():
    script = [
        Reply(text="12345678"),
        Reply(text="12345678", cache_read_input_tokens=90, reasoning_output_tokens=7),
    ]
    with MeterServer(script) as meter:
        ask(meter, "12345")
        ask(meter, "12345")

    assert meter.billed[0].usage == MeteredUsage(input_tokens=3, output_tokens=2)
    assert meter.billed[1].usage == MeteredUsage(
        input_tokens=93, output_tokens=9, cache_read_input_tokens=90, reasoning_output_tokens=7
    )


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"input_tokens": -1}, "input_tokens (-1) cannot be negative"),
        ({"cache_read_input_tokens": 13216}, "cache tokens (13216) cannot exceed input_tokens (3)"),
        ({"reasoning_output_tokens": 6}, "reasoning_output_tokens (6) cannot exceed output_tokens (5)"),
        (
            {"cache_creation_1h_input_tokens": 1},
            "cache_creation_1h_input_tokens (1) cannot exceed cache_creation_input_tokens (0)",
        ),
    ],
)
def test_impossible_usage_cannot_be_metered(counts, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MeteredUsage(**{"input_tokens": 3, "output_tokens": 5} | counts)


def test_a_script_is_followed_in_order_and_then_replies_are_ordinary():
    with MeterServer([Reply(text="first"), Reply(text="second")]) as meter:
        texts = [ask(meter)["choices"][0]["message"]["content"] for _ in range(3)]

    assert texts[:2] == ["first", "second"]
    assert texts[2].startswith("Reply to a request of")


def test_a_script_can_be_a_function_of_the_request():
    def script(request):
        return Reply(text=f"{request.protocol} {request.model} {request.index} {request.prompt!r}")

    with MeterServer(script) as meter:
        texts = [ask(meter, f"question {n}")["choices"][0]["message"]["content"] for n in (1, 2)]

    assert texts == [
        "openai.chat gpt-4o-mini 0 'user\\nquestion 1'",
        "openai.chat gpt-4o-mini 1 'user\\nquestion 2'",
    ]


def test_the_default_reply_takes_the_form_that_an_older_prompt_spells_out():
    with MeterServer() as meter:
        told = ask(meter, "Thought: ...\nFinal Answer: my best complete final answer")
        spoken_of = ask(meter, "Provide the Final Answer. Otherwise, call the next tool.")

    opening = "Thought: I now can give a great answer\nFinal Answer: Reply to a request of"
    assert told["choices"][0]["message"]["content"].startswith(opening)
    assert spoken_of["choices"][0]["message"]["content"].startswith("Reply to a request of")


def test_a_script_that_fails_is_not_taken_for_a_provider_error():
    meter = MeterServer([Reply(input_tokens=3, cache_read_input_tokens=13216)])

    def run():
        with meter:
            with pytest.raises(urllib.error.HTTPError) as refused:
                ask(meter)
            assert status_of(refused) == 400

    with pytest.raises(ExceptionGroup) as raised:
        run()

    [cause] = raised.value.exceptions
    assert str(cause) == "cache tokens (13216) cannot exceed input_tokens (3)"
    assert meter.requests == []


def test_a_path_no_provider_has_is_kept_as_a_stray():
    with MeterServer() as meter:
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(meter, path="/v1/telemetry?key=secret")
        assert status_of(refused) == 404

    assert meter.strays == ["POST /v1/telemetry"]
    assert meter.requests == []


def test_many_threads_lose_no_request():
    with MeterServer() as meter:
        threads = [threading.Thread(target=lambda: [ask(meter) for _ in range(10)]) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    billed = meter.billed
    assert len(billed) == len({request.response_id for request in billed}) == 160
    assert meter.total_tokens == 160 * billed[0].usage.total_tokens


def test_a_request_is_metered_before_its_client_has_the_answer():
    with MeterServer() as meter:
        for number in range(1, 101):
            ask(meter)
            assert len(meter.billed) == number


def test_a_connection_serves_many_requests_and_does_not_hold_up_the_end():
    with MeterServer() as meter:
        kept = http.client.HTTPConnection(meter.url.removeprefix("http://"), timeout=10)
        for _ in range(2):
            kept.request("GET", "/v1/models")
            assert kept.getresponse().read().startswith(b'{"object": "list"')
        connection = kept.sock

    with connection:
        assert connection.recv(1) == b""  # the meter closed its end without waiting for ours
    assert [request.protocol for request in meter.requests] == ["openai.models", "openai.models"]
