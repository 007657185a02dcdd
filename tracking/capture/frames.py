"""Amazon's binary event stream, as Bedrock streams its answers (application/vnd.amazon.eventstream).

A frame is: total length, headers' length, checksum of both (4 bytes each), headers, payload, checksum.
Source: the AWS SDKs' description of the event stream encoding.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping
from typing import Final

from tracking.capture.wire import Answer, parsed

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_PRELUDE: Final = 12
_CHECKSUM: Final = 4


class FrameStream:
    """Frames, fed in pieces of any size. Their payloads are JSON, one event each; `hear` is given them too.

    What a model's vendor sends, for `invoke-with-response-stream`, is base64 inside Amazon's own event.
    """

    def __init__(self, answer: Answer, hear: Callable[[object], None]) -> None:
        self._answer = answer
        self._hear = hear
        self._rest = b""

    def feed(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= _PRELUDE:
            length, headers = struct.unpack_from(">II", self._rest)
            if len(self._rest) < length or length < _PRELUDE + headers + _CHECKSUM:
                return
            frame, self._rest = self._rest[:length], self._rest[length:]
            event = parsed(frame[_PRELUDE + headers : -_CHECKSUM])
            if isinstance(event, Mapping) and isinstance(inner := event.get("bytes"), str):
                event = parsed(base64.b64decode(inner))
            self._answer.absorb(event)
            self._hear(event)

    def close(self) -> None:
        self._rest = b""
