"""Sending one message to one address, within a time, and saying what went wrong without the address."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote

from tracking.settings import REPOSITORY

LIMIT_SECONDS: Final = 40.0  # Apprise's own limits for connecting and reading end before it
_LONGEST: Final = 300
_HIDDEN: Final = "•••"
_NO_SECRET: Final = 3  # so short a part of an address is no secret, and may be part of any word


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    body: str
    tone: Literal["info", "warning", "failure"] = "warning"


def post(url: str, message: Message, limit: float = LIMIT_SECONDS) -> str | None:
    """Send a message to an Apprise URL. Returns what went wrong, without any part of the address, or None."""
    order = {"url": url, "title": message.title, "body": message.body, "tone": message.tone}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tracking.alerts.sending"],
            input=json.dumps(order).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote the address
            timeout=limit,
            cwd=REPOSITORY,
            check=False,
        )
        problem = json.loads(done.stdout)["problem"]
    except subprocess.TimeoutExpired:
        return f"no answer within {limit:.0f} seconds"
    except OSError as error:
        return f"nothing could be sent from here: {type(error).__name__}"
    except ValueError:
        return f"the process that sends ended with code {done.returncode}"
    return None if problem is None else without_address(str(problem), url)


def without_address(text: str, url: str) -> str:
    """A text without any part of an address: with some services even the host's place holds a key."""
    rest = url.partition("://")[2] or url
    parts = {part for raw in (rest, unquote(rest)) for part in re.split(r"[/:@?&=,;#\s]+", raw)}
    whole = {url, rest, *parts, *map(unquote, parts)}
    for part in sorted((p for p in whole if len(p) > _NO_SECRET), key=len, reverse=True):
        text = re.sub(re.escape(part), _HIDDEN, text, flags=re.IGNORECASE)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
