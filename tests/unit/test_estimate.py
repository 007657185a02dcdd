"""What is made of a call whose provider reported nothing, or not to the end."""

import json

import pytest

from tracking.capture.estimate import Said, Settled, settle
from tracking.domain.call import CallStatus
from tracking.domain.usage import TokenUsage, UsageState

OK, CUT = CallStatus.OK, CallStatus.INCOMPLETE
REQUEST = {
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Hello!"},
    ]
}
INPUT = 19  # (4 + 6) + (4 + 2) + 3; what OpenAI's API reference shows for this conversation
WRITTEN = "Hello! How can I assist you today?"
OUTPUT = 9
HIDDEN = "reasoning that was not sent is not in the count"
MORE = "more may have been billed"


def said(text=WRITTEN, request=REQUEST):
    heard = Said(json.dumps(request).encode())
    heard.hear({"choices": [{"delta": {"content": text}}]})
    return heard


def usage(input_tokens=None, output_tokens=None, **parts):
    return TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens, **parts)


def test_what_was_reported_of_a_whole_answer_is_taken_and_nothing_is_counted():
    reported = usage(30, 4, cache_read_input_tokens=10)
    assert settle(said(), reported, OK, writes=True) == Settled(reported, UsageState.REPORTED)


@pytest.mark.parametrize("reported", [None, usage(0, 0), usage(0)], ids=["nothing", "zeros", "a zero"])
def test_an_answer_without_usage_is_counted_and_says_so(reported):
    assert settle(said(), reported, OK, writes=True) == Settled(
        usage(INPUT, OUTPUT),
        UsageState.ESTIMATED,
        ("the provider reported no usage: counted with o200k_base", HIDDEN),
    )


def test_of_a_cut_answer_what_was_seen_is_counted():
    assert settle(said("Hello!"), None, CUT, writes=True) == Settled(
        usage(INPUT, 2),
        UsageState.ESTIMATED,
        (
            f"the end of the answer was never seen: counted with o200k_base as far as it was seen; {MORE}",
            HIDDEN,
        ),
    )


def test_of_a_cut_answer_what_was_reported_stays_and_the_output_is_at_least_what_arrived():
    reported = usage(40, 1, cache_read_input_tokens=30)
    settled = settle(said(), reported, CUT, writes=True)
    assert settled.usage == usage(40, OUTPUT, cache_read_input_tokens=30)
    assert settled.notes[0] == (
        "the end of the answer was never seen: the output is what arrived of it, counted with o200k_base; "
        + MORE
    )
    more = usage(40, 25, reasoning_output_tokens=20)
    assert settle(said(), more, CUT, writes=True) == Settled(
        more,
        UsageState.ESTIMATED,
        (f"the end of the answer was never seen: the counts are what it reported so far; {MORE}",),
    )


def test_a_cut_answer_that_reported_only_its_output_has_its_input_counted():
    settled = settle(said(), usage(None, 50), CUT, writes=True)
    assert (settled.usage, settled.state) == (usage(INPUT, 50), UsageState.ESTIMATED)


def test_embeddings_have_no_output():
    heard = Said(b'{"input": ["You are a helpful assistant.", "Hello!"]}')
    heard.hear_whole({"data": [{"embedding": [0.1]}]})
    assert settle(heard, None, OK, writes=False) == Settled(
        usage(8), UsageState.ESTIMATED, ("the provider reported no usage: counted with o200k_base",)
    )


def test_what_cannot_be_counted_stays_unknown_and_says_why():
    image = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]}
    assert settle(said(request=image), None, OK, writes=True) == Settled(
        None,
        UsageState.UNKNOWN,
        ("the provider reported no usage, and what is not text (images, audio, files) cannot be counted",),
    )


def test_what_cannot_be_counted_leaves_what_was_reported_so_far():
    heard = said()
    heard.hear({"choices": [{"delta": {"audio": {"data": "x"}}}]})
    settled = settle(heard, usage(40, 1), CUT, writes=True)
    assert (settled.usage, settled.state) == (usage(40, 1), UsageState.ESTIMATED)


def test_an_image_is_no_matter_where_the_input_was_reported():
    image = {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]}
    assert settle(said(request=image), usage(1600, 1), CUT, writes=True).usage == usage(1600, OUTPUT)


def test_a_whole_answer_in_which_nothing_was_read_is_not_taken_for_an_empty_one():
    heard = Said(json.dumps(REQUEST).encode())
    heard.hear_whole({"result": "in a shape of its own"})
    settled = settle(heard, None, OK, writes=True)
    assert settled == Settled(
        None, UsageState.UNKNOWN, ("the provider reported no usage, and the answer could not be read",)
    )


def test_a_whole_answer_that_was_cut_was_written_to_its_end_so_nothing_of_it_is_counted():
    heard = Said(json.dumps(REQUEST).encode())
    heard.hear_whole(None)
    assert settle(heard, None, CUT, writes=True).state is UsageState.UNKNOWN


def test_where_nobody_answered_nothing_is_counted():
    assert settle(None, None, CUT, writes=True) == Settled(
        None, UsageState.UNKNOWN, ("the end of the answer was never seen",)
    )


def test_a_refusal_is_not_counted():
    assert settle(said(), None, CallStatus.ERROR, writes=True) == Settled(None, UsageState.UNKNOWN)


def test_nothing_is_heard_after_the_end():
    heard = said()
    heard.forget()
    heard.hear({"choices": [{"delta": {"content": "too late"}}]})
    assert not heard.has_answer
    assert heard.heard().pieces == []
