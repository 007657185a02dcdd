"""Markdown that somebody else wrote, as a part of a document of ours."""

import re
from collections.abc import Callable

_HEADING = re.compile(r"^(\s{0,3})(#{1,6})(?=\s)")
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")
_DEEPEST = 6


def lowered(text: str, levels: int) -> str:
    """With its headings so many levels deeper, below those of the document; at most six deep."""
    return outside_code(text, lambda line: _HEADING.sub(lambda found: _deeper(found, levels), line))


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Every line changed that is not in a block of code. A block that is left open is closed."""
    lines: list[str] = []
    fence: str | None = None
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence is None:
            lines.append(line if mark else change(line))
            fence = mark.group(1) if mark else None
        else:
            lines.append(line)
            if mark and mark.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
    return "\n".join([*lines, fence] if fence else lines)


def _deeper(heading: re.Match[str], levels: int) -> str:
    return heading.group(1) + "#" * min(len(heading.group(2)) + levels, _DEEPEST)
