"""The program that sends one message: `python -m tracking.alerts.sending`, started by `post`.

A process of its own: Apprise takes 30 MB and most of a second to import, and what it calls may hang. The
message comes on standard input, for other users of the computer can read a command line; what went wrong goes
to standard output, as JSON.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any


class _Said(logging.Handler):
    """What Apprise says of a failure: it returns only that there was one."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    message = json.load(sys.stdin)
    problem = _send(message["url"], message["title"], message["body"], message["tone"])
    json.dump({"problem": problem}, sys.stdout)


def _send(url: str, title: str, body: str, tone: str) -> str | None:
    import apprise  # noqa: PLC0415  # only where something is sent

    said, log = _Said(), logging.getLogger("apprise")
    log.addHandler(said)
    log.propagate = False
    service: Any = apprise.Apprise.instantiate(url)
    if service is None:
        return "its address is none that Apprise can use"  # what Apprise says of it quotes it
    delivered = service.notify(
        title=title, body=body, notify_type=apprise.NotifyType(tone), body_format=apprise.NotifyFormat.TEXT
    )
    return None if delivered else "; ".join(said.lines) or "Apprise did not say why"


if __name__ == "__main__":
    main()
