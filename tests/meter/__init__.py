"""A model provider on a loopback port that keeps its own meter: the truth our tracker is compared with.

Real SDKs and real crewai talk to it; nothing above the socket is replaced::

    with MeterServer([Reply(input_tokens=120, output_tokens=7)]) as meter:
        OpenAI(base_url=f"{meter.url}/v1", api_key="any").chat.completions.create(...)
        assert meter.billed[0].usage.total_tokens == 127
"""

from meter.record import MeteredRequest, MeteredUsage
from meter.reply import Reply, RequestSummary
from meter.server import MeterServer
from meter.specimen import FULL_REPLY, FULL_USAGE

__all__ = [
    "FULL_REPLY",
    "FULL_USAGE",
    "MeterServer",
    "MeteredRequest",
    "MeteredUsage",
    "Reply",
    "RequestSummary",
]
