"""What counts as text in each protocol, and what makes a count impossible."""

import pytest

from tracking.capture import texts
from tracking.capture.texts import Gap, Text, hear, sent

SCHEMA = {"type": "object", "properties": {"region": {"type": "string"}}}
SCHEMA_JSON = '{"type":"object","properties":{"region":{"type":"string"}}}'
PNG = "iVBORw0KGgo"


def said(*events):
    text = Text()
    for event in events:
        hear(event, text)
    return text


REQUESTS = {
    "chat": (
        {
            "model": "gpt-4o-mini",
            "user": "not shown to the model",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "name": "ann", "content": [{"type": "text", "text": "compare"}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "lookup", "arguments": '{"id": 1}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "42"},
            ],
            "tools": [{"type": "function", "function": {"name": "lookup", "parameters": SCHEMA}}],
            "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        },
        4,
        [
            "be brief",
            "ann",
            "compare",
            "lookup",
            '{"id": 1}',
            "42",
            '{"name":"lookup","parameters":' + SCHEMA_JSON + "}",
            '{"schema":' + SCHEMA_JSON + "}",
        ],
    ),
    "completions": ({"model": "gpt-3.5-turbo-instruct", "prompt": "once upon"}, 0, ["once upon"]),
    "responses": (
        {
            "model": "gpt-4o-mini",
            "instructions": "be brief",
            "previous_response_id": None,
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "compare"}]},
                {"type": "function_call", "call_id": "c", "name": "lookup", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "42"},
            ],
            "tools": [{"type": "function", "name": "lookup", "parameters": None}],
            "text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}},
        },
        2,
        [
            "be brief",
            "compare",
            "lookup",
            "{}",
            "42",
            '{"type":"function","name":"lookup","parameters":null}',
            SCHEMA_JSON,
        ],
    ),
    "embeddings": ({"model": "text-embedding-3-small", "input": ["one", "two"]}, 0, ["one", "two"]),
    "anthropic": (
        {
            "model": "claude-sonnet-4-5",
            "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "compare"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                        {"type": "tool_use", "id": "t", "name": "lookup", "input": {"file": "a.csv"}},
                    ],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]},
            ],
            "tools": [{"name": "lookup", "input_schema": SCHEMA}],
        },
        4,
        [
            "be brief",
            "compare",
            "hm",
            "lookup",
            '{"file":"a.csv"}',
            "42",
            '{"name":"lookup","input_schema":' + SCHEMA_JSON + "}",
        ],
    ),
    "gemini": (
        {
            "systemInstruction": {"parts": [{"text": "be brief"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "compare"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "lookup", "args": {"n": 1}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "lookup", "response": {"n": 2}}}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "lookup"}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
            "generationConfig": {"temperature": 0, "responseSchema": SCHEMA},
        },
        4,
        [
            "be brief",
            "compare",
            "lookup",
            '{"n":1}',
            "lookup",
            '{"n":2}',
            '{"functionDeclarations":[{"name":"lookup"}]}',
            SCHEMA_JSON,
        ],
    ),
    "gemini embeddings": (
        {"requests": [{"model": "models/embedding", "content": {"parts": [{"text": "one"}]}}]},
        0,
        ["one"],
    ),
    "bedrock": (
        {
            "system": [{"text": "be brief"}, {"cachePoint": {"type": "default"}}],
            "messages": [
                {"role": "user", "content": [{"text": "compare"}]},
                {"role": "assistant", "content": [{"toolUse": {"name": "lookup", "input": {"n": 1}}}]},
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "t", "content": [{"json": {"n": 2}}]}}],
                },
            ],
            "toolConfig": {"tools": [{"toolSpec": {"name": "lookup"}}]},
        },
        4,
        ["be brief", "compare", "lookup", '{"n":1}', '{"n":2}', '{"toolSpec":{"name":"lookup"}}'],
    ),
}


@pytest.mark.parametrize("protocol", REQUESTS)
def test_what_a_model_reads_is_taken_from_a_request_and_nothing_else(protocol):
    request, messages, pieces = REQUESTS[protocol]
    text = sent(request)
    assert (text.pieces, text.messages, text.gap) == (pieces, messages, None)


def test_tokens_that_are_sent_instead_of_text_count_as_they_are():
    text = sent({"model": "text-embedding-3-small", "input": [[1, 2, 3], [4, 5]]})
    assert (text.tokens, text.pieces, text.gap) == (5, [], None)


def chat(*parts):
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, *parts]}]}


@pytest.mark.parametrize(
    ("request_body", "gap"),
    [
        (chat({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}), Gap.MEDIA),
        (chat({"type": "input_audio", "input_audio": {"data": PNG}}), Gap.MEDIA),
        (chat({"type": "file", "file": {"file_id": "f"}}), Gap.MEDIA),
        (chat({"type": "image", "source": {"type": "base64", "data": PNG}}), Gap.MEDIA),
        (chat({"type": "document", "source": {"type": "url"}}), Gap.MEDIA),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, Gap.MEDIA),
        ({"contents": [{"parts": [{"inlineData": {"data": PNG}}, {"text": "what?"}]}]}, Gap.MEDIA),
        ({"messages": [{"role": "user", "content": [{"document": {"name": "d"}}]}]}, Gap.MEDIA),
        (
            {"messages": [{"role": "user", "content": [{"a_kind_of_next_year": {}, "new": {"x": 1}}]}]},
            Gap.MEDIA,
        ),
        ({"input": "and then?", "previous_response_id": "resp_1"}, Gap.KEPT_THERE),
        ({"prompt": {"id": "pmpt_1"}, "input": "go"}, Gap.KEPT_THERE),
        ({"contents": [{"parts": [{"text": "hi"}]}], "cachedContent": "c"}, Gap.KEPT_THERE),
        ({"input": "news?", "tools": [{"type": "web_search"}]}, Gap.SERVER_TOOL),
        ({**chat(), "tools": [{"type": "web_search_20250305", "name": "web_search"}]}, Gap.SERVER_TOOL),
        ({"contents": [{"parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {}}]}, Gap.SERVER_TOOL),
        ({"messages": "x" * (texts.MOST_CHARACTERS + 1)}, Gap.TOO_LONG),
        ({"messages": [], "tools": "odd"}, Gap.UNREAD_REQUEST),
        ({"messages": []}, Gap.UNREAD_REQUEST),
        ("not a request", Gap.UNREAD_REQUEST),
        (None, Gap.UNREAD_REQUEST),
    ],
)
def test_a_request_that_is_not_only_text_cannot_be_counted(request_body, gap):
    text = sent(request_body)
    assert (text.gap, text.pieces) == (gap, [])


ANSWERS = {
    "chat": (
        [{"choices": [{"message": {"role": "assistant", "content": "steady"}, "logprobs": {"content": []}}]}],
        "steady",
    ),
    "chat, streamed": (
        [
            {"choices": [{"delta": {"role": "assistant", "content": "", "refusal": None}}]},
            {"choices": [{"delta": {"reasoning_content": "hm "}}]},
            {"choices": [{"delta": {"content": "steady"}, "content_filter_results": {"hate": {"x": 1}}}]},
            {
                "choices": [
                    {"delta": {"tool_calls": [{"index": 0, "function": {"name": "look", "arguments": ""}}]}}
                ]
            },
            {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"n":1}'}}]}}]},
            {"choices": [], "usage": None},
        ],
        'hm steadylook{"n":1}',
    ),
    "completions": ([{"choices": [{"text": "a time"}]}], "a time"),
    "responses": (
        [
            {
                "object": "response",
                "instructions": "be brief",
                "output": [
                    {
                        "type": "message",
                        "role": "assistant",
                        "content": [{"type": "output_text", "text": "so"}],
                    },
                    {"type": "function_call", "name": "look", "arguments": "{}"},
                ],
            }
        ],
        "solook{}",
    ),
    "responses, streamed": (
        [
            {"type": "response.created", "response": {"instructions": "be brief", "output": []}},
            {"type": "response.output_item.added", "item": {"type": "message", "content": []}},
            {"type": "response.output_text.delta", "delta": "so"},
            {"type": "response.output_text.done", "text": "so"},
            {"type": "response.output_item.added", "item": {"type": "function_call", "name": "look"}},
            {"type": "response.function_call_arguments.delta", "delta": "{}"},
            {"type": "response.output_item.done", "item": {"type": "message", "content": [{"text": "so"}]}},
            {"type": "response.completed", "response": {"output": [{"type": "message"}]}},
        ],
        "solook{}",
    ),
    "anthropic": (
        [
            {
                "type": "message",
                "content": [
                    {"type": "text", "text": "so"},
                    {"type": "tool_use", "id": "t", "name": "look", "input": {"n": 1}},
                ],
            }
        ],
        'solook{"n":1}',
    ),
    "anthropic, streamed": (
        [
            {"type": "message_start", "message": {"content": []}},
            {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "so"}},
            {
                "type": "content_block_start",
                "content_block": {"type": "tool_use", "name": "look", "input": {}},
            },
            {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"n":1}'}},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}},
        ],
        'solook{"n":1}',
    ),
    "gemini": (
        [
            {"candidates": [{"content": {"role": "model", "parts": [{"text": "hm", "thought": True}]}}]},
            {"candidates": [{"content": {"parts": [{"text": "so"}]}, "groundingMetadata": {"a": {"b": 1}}}]},
            {"candidates": [{"content": {"parts": [{"functionCall": {"name": "look", "args": {"n": 1}}}]}}]},
        ],
        'hmsolook{"n":1}',
    ),
    "bedrock": (
        [
            {
                "output": {"message": {"role": "assistant", "content": [{"text": "so"}]}},
                "stopReason": "end_turn",
            }
        ],
        "so",
    ),
    "bedrock, streamed": (
        [
            {"role": "assistant"},
            {"delta": {"text": "so"}, "contentBlockIndex": 0},
            {"start": {"toolUse": {"toolUseId": "t", "name": "look"}}},
            {"delta": {"toolUse": {"input": '{"n":1}'}}},
            {"delta": {"reasoningContent": {"text": "hm"}}},
            {"stopReason": "end_turn"},
        ],
        'solook{"n":1}hm',
    ),
}


@pytest.mark.parametrize("protocol", ANSWERS)
def test_what_a_model_wrote_is_taken_from_its_answer_once(protocol):
    events, written = ANSWERS[protocol]
    text = said(*events)
    assert ("".join(text.pieces), text.gap) == (written, None)


@pytest.mark.parametrize(
    ("event", "gap"),
    [
        ({"choices": [{"message": {"content": None, "audio": {"data": PNG}}}]}, Gap.MEDIA),
        ({"candidates": [{"content": {"parts": [{"inlineData": {"data": PNG}}]}}]}, Gap.MEDIA),
        ({"type": "content_block_start", "content_block": {"type": "server_tool_use"}}, Gap.MEDIA),
        ({"type": "response.output_item.added", "item": {"type": "web_search_call"}}, Gap.SERVER_TOOL),
        ({"choices": "odd", "candidates": 5}, Gap.UNREAD_ANSWER),
    ],
)
def test_an_answer_that_is_not_only_text_cannot_be_counted(event, gap):
    text = said(
        {"choices": [{"delta": {"content": "so"}}]}, event, {"choices": [{"delta": {"content": "on"}}]}
    )
    assert (text.gap, text.pieces) == (gap, [])
