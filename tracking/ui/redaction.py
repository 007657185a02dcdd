"""What the debug panel may show of a value: never a key, a token or a secret, by its name or by its looks."""

import re
from collections.abc import Mapping
from typing import Final

from tracking.crew.redact import REDACTED, scrub

_LONGEST: Final = 400  # characters of a value that are shown

_SECRET_NAME = re.compile(
    r"(?i)(api_?key|access_?key|private_?key|secret|passw|passphrase|credential|authori[sz]ation|cookie|bearer|"
    r"(access|refresh|auth|api|id|session|csrf|xsrf|bot)_?token|(^|[_\-.])(token|key|pat|auth|dsn)$)"
)


def redact(name: str, value: object) -> str:
    """A value as text. A secret's name hides all of it, a secret's looks hide the part that has them."""
    if value is None or isinstance(value, bool):
        return str(value)
    return REDACTED if _SECRET_NAME.search(name) else _cut(scrub(_text(value)))


def _text(value: object) -> str:
    """Containers member by member, so that a secret's name inside them counts too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {redact(str(key), item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(redact("", item) for item in value) + "]"
    if isinstance(value, bytes | bytearray):
        return f"{len(value):,} bytes"
    return str(value) if isinstance(value, str | int | float) else f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text):,} characters)"
