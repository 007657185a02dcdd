"""A reply whose every count differs from every other, so that no two can be mistaken for one another."""

from meter.record import MeteredUsage
from meter.reply import Reply

FULL_USAGE = MeteredUsage(
    input_tokens=1000,
    output_tokens=300,
    cache_read_input_tokens=170,
    cache_creation_input_tokens=60,
    cache_creation_1h_input_tokens=25,
    reasoning_output_tokens=110,
)

FULL_REPLY = Reply(
    input_tokens=FULL_USAGE.input_tokens,
    output_tokens=FULL_USAGE.output_tokens,
    cache_read_input_tokens=FULL_USAGE.cache_read_input_tokens,
    cache_creation_input_tokens=FULL_USAGE.cache_creation_input_tokens,
    cache_creation_1h_input_tokens=FULL_USAGE.cache_creation_1h_input_tokens,
    reasoning_output_tokens=FULL_USAGE.reasoning_output_tokens,
)
