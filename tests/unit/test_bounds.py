import json

import pytest

from tracking.capture.bounds import Bounds, bounds
from tracking.capture.texts import Gap

# Each says "hello": 1 token, and OpenAI's framing of a message (4) and of the answer (3).
OPENAI = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
RESPONSES = {"model": "m", "input": [{"role": "user", "content": "hello"}]}
ANTHROPIC = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
BEDROCK = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}


def of(request, operation="chat"):
    return bounds(json.dumps(request).encode(), operation)


@pytest.mark.parametrize(
    ("request_", "most"),
    [
        ({**OPENAI, "max_tokens": 50}, 50),
        ({**OPENAI, "max_completion_tokens": 60, "max_tokens": 50}, 60),  # the larger one, whichever holds
        ({**RESPONSES, "max_output_tokens": 70}, 70),
        ({**ANTHROPIC, "max_tokens": 80}, 80),
        ({**GEMINI, "generationConfig": {"maxOutputTokens": 90}}, 90),
        ({**BEDROCK, "inferenceConfig": {"maxTokens": 100}}, 100),
        (OPENAI, None),
        ({**OPENAI, "max_tokens": None}, None),
    ],
)
def test_every_protocols_limit_of_the_answer_is_found(request_, most):
    assert of(request_) == Bounds(8, most)


def test_each_of_several_answers_may_be_as_long():
    assert of({**OPENAI, "max_tokens": 50, "n": 3}).answers == 3
    assert of({**GEMINI, "generationConfig": {"candidateCount": 2}}).answers == 2


def test_an_embedding_writes_nothing():
    assert of({"model": "m", "input": "hello"}, "embeddings") == Bounds(1, 0)


def test_what_is_not_text_can_not_be_bounded():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    found = of({"messages": [{"role": "user", "content": [image]}], "max_tokens": 5})
    assert (found.input_tokens, found.gap) == (None, Gap.MEDIA)
    assert bounds(b"", "chat").gap is Gap.UNREAD_REQUEST
    assert bounds(b"\x00", "chat").gap is Gap.UNREAD_REQUEST


def test_a_request_that_asks_for_a_cache_or_a_tier_says_so():
    cached = {"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}
    assert of({"messages": [{"role": "user", "content": [cached]}]}).writes_cache
    assert of({**OPENAI, "service_tier": "priority"}).service_tier == "priority"
