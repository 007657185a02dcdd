"""What can go wrong, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class LaunchError(Exception):
    """What was found, what to do about it, and the output that shows it."""

    def __init__(self, found: str, remedy: str, output: Sequence[str] = (), log: Path | None = None) -> None:
        super().__init__(found)
        self.brief = f"Problem: {found}\nWhat to do: {remedy}"
        self.detail = f"\n\nThe last lines of the output:\n{indented(output)}" if output else ""
        self.detail += f"\n\nThe whole log: {log}" if log else ""

    def __str__(self) -> str:
        return self.brief + self.detail


class Cause(NamedTuple):
    """What a pattern in the output of uv, pip or venv means, and what to do then."""

    pattern: str
    found: str
    remedy: str


# The first that matches wins, so a cause stands before its consequences: pip ends every network failure
# with "No matching distribution". Every pattern was seen in real output; the tests hold that output.
CAUSES = (
    Cause(
        r"Hash mismatch|DO NOT MATCH THE HASHES",
        "a downloaded package does not match the hash in the lock and was not installed.",
        "start again. If it happens again, an edited requirements file is wrong (see `git diff`), or a "
        "mirror or proxy alters downloads; `uv cache clean` empties the download cache.",
    ),
    Cause(
        r"must have a hash|hashes are required",
        "the requirements file lacks hashes, so it is not the lock that belongs here.",
        "take the committed file back: `git checkout -- requirements.txt tests/requirements.txt`.",
    ),
    Cause(
        r"No space left|Errno 28\b|WinError 112|not enough space on the disk|[Qq]uota exceeded",
        "the disk is full.",
        "free about 2.5 GB where this folder, the temporary folder and the download cache are; start again.",
    ),
    Cause(
        r"invalid peer certificate|CERTIFICATE_VERIFY_FAILED|UnknownIssuer|certificate verify failed",
        "the package index shows a TLS certificate not trusted here, as behind many company proxies.",
        "set SSL_CERT_FILE and PIP_CERT to your company's CA bundle (a .pem file), or UV_SYSTEM_CERTS=1 if "
        "the system trusts it, and start again.",
    ),
    Cause(
        r"proxy authorization required|Proxy Authentication Required",
        "the proxy asks for a user name and password.",
        "set HTTPS_PROXY=http://user:password@proxy:port and start again.",
    ),
    Cause(
        r"tunnel error|ProxyError|Cannot connect to proxy",
        "the proxy could not be reached.",
        "check HTTPS_PROXY and HTTP_PROXY (unset them where no proxy is needed) and start again.",
    ),
    Cause(
        r"40[13] (?:Forbidden|Unauthorized)",
        "the package index refused access.",
        "check the index address and its credentials (UV_DEFAULT_INDEX, PIP_INDEX_URL, pip's configuration).",
    ),
    Cause(
        r"dns error|Name or service not known|getaddrinfo failed|NewConnectionError|tcp connect error"
        r"|Connection (?:refused|reset|aborted)|[Tt]imed? ?out\b|network was disabled|Network is unreachable"
        r"|error sending request|status server error|Max retries exceeded",
        "the package index could not be reached: no network, or the server does not answer.",
        "check the connection and start again; what is already downloaded is kept.",
    ),
    Cause(
        r"ensurepip",
        "this Python cannot make virtual environments: its venv module is not complete.",
        "on Debian and Ubuntu `sudo apt install python3-venv` (python3.12-venv for 3.12), then start again.",
    ),
    Cause(
        r"No solution found|No matching distribution|no wheels with a matching",
        "a pinned package has no build for this Python or this platform.",
        "use 64-bit CPython 3.11 to 3.13 on Linux, macOS or Windows; a mirror may also lack the package.",
    ),
    Cause(
        r"Permission denied|Operation not permitted|Access is denied|os error 5\)|Errno 13\b|WinError 5\b",
        "something here may not be written.",
        "stop programs that use .venv, check who owns this folder, and start again.",
    ),
)


def explain(action: str, code: int, output: Sequence[str], log: Path | None) -> LaunchError:
    text = "\n".join(output)
    for cause in CAUSES:
        if re.search(cause.pattern, text):
            return LaunchError(f"{action} failed: {cause.found}", cause.remedy, output[-15:], log)
    found = f"{action} failed with exit code {code}."
    return LaunchError(found, "read the lines below; starting again repeats this step.", output[-15:], log)


def indented(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line[:300]}" for line in lines)
