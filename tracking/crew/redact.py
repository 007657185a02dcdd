"""Taking secrets out of text before it is kept or shown."""

from __future__ import annotations

import os
import re
from typing import Final

REDACTED: Final = "[redacted]"
_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SECRET_VALUE: Final = re.compile(
    r"""(?x)
    \b(?:sk|pk|rk|gsk|xai|hf|ghp|gho|ghs|ghu|glpat|xox[abprs]|pplx|nvapi)[-_][A-Za-z0-9_\-]{8,}  # vendors'
    | \bgithub_pat_\w{8,}
    | \bAIza[0-9A-Za-z_\-]{20,}                                     # Google
    | \b(?:AKIA|ASIA)[0-9A-Z]{12,}                                  # AWS
    | \beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?   # JSON web tokens
    | (?i:\bbearer\s+)[A-Za-z0-9._~+/\-]{6,}=*
    | -----BEGIN[ A-Z]+-----
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                               # user:password in an address
    | (?<![A-Za-z0-9+/_\-])(?=[A-Za-z0-9+/_\-]*[0-9])(?=[A-Za-z0-9+/_\-]*[A-Za-z])[A-Za-z0-9+/_\-]{40,}={0,2}
    """
)
_LONGEST: Final = 2_000


def redacted(text: str) -> str:
    """The text without the values of secret environment variables or what looks like a key, cut to length."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= 6:
            text = text.replace(value, REDACTED)
    text = scrub(text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


def scrub(text: str) -> str:
    """Text without the parts that look like a secret: for messages and tracebacks that others wrote."""
    return _SECRET_VALUE.sub(REDACTED, text)
