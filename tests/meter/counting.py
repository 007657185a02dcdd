"""Default token counts: simple, documented, and different for different requests.

A token is four characters, rounded up. The input is all text the model would read, the output all text
and tool arguments it wrote. Caches and reasoning a reply names are added on top of a default count, so
that they always fit; a count that a reply states is taken as it is.
"""

import json
from collections.abc import Iterator
from typing import Any

from meter.record import MeteredUsage
from meter.reply import Reply, RequestSummary

CHARACTERS_PER_TOKEN = 4

REACT_ANSWER = "Thought: I now can give a great answer\nFinal Answer: {}"


def count_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def strings_in(value: Any) -> Iterator[str]:
    """Every string leaf of decoded JSON, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)


def prompt_of(body: dict[str, Any], *keys: str) -> str:
    """All text under those keys of a request, one string per line."""
    return "\n".join(text for key in keys for text in strings_in(body.get(key)))


def reply_text(request: RequestSummary, reply: Reply) -> str | None:
    """The text to send, or None where the reply is a refusal or only calls tools.

    CrewAI's agents with native tools take plain text as final; its ReAct prompts parse the reply and
    want the words they spelled out, which is how they are recognised here. With the colon, because the
    prompts around native tools speak of a "Final Answer" that is not parsed.
    """
    if reply.text is not None:
        return reply.text
    if reply.refusal is not None or reply.tool_calls:
        return None
    answer = f"Reply to a request of {len(request.prompt.split())} words: demand is steady, prices hold."
    return REACT_ANSWER.format(answer) if "Final Answer:" in request.prompt else answer


def usage_of(request: RequestSummary, reply: Reply, *, writes: bool = True) -> MeteredUsage:
    """The truth about one billed request; without `writes` (an embedding) it has no output.

    Raises:
        ValueError: the reply states counts that contradict one another.
    """
    cached = reply.cache_read_input_tokens + reply.cache_creation_input_tokens
    input_tokens = reply.input_tokens
    if input_tokens is None:
        input_tokens = max(1, count_tokens(request.prompt)) + cached
    output_tokens = reply.output_tokens if writes else 0
    if output_tokens is None:
        output_tokens = count_tokens(_written(request, reply)) + reply.reasoning_output_tokens
    return MeteredUsage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_input_tokens=reply.cache_read_input_tokens,
        cache_creation_input_tokens=reply.cache_creation_input_tokens,
        cache_creation_1h_input_tokens=reply.cache_creation_1h_input_tokens,
        reasoning_output_tokens=reply.reasoning_output_tokens if writes else 0,
    )


def _written(request: RequestSummary, reply: Reply) -> str:
    parts = [reply_text(request, reply) or "", reply.refusal or ""]
    parts += [name + json.dumps(arguments) for name, arguments in reply.tool_calls]
    return "".join(parts)
