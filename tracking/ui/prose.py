"""Text made safe for Streamlit's Markdown: ours literally, a model's as Markdown without surprises."""

import re

_SPECIAL = re.compile(r"([\\`*\[\]$~<>|])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_CODE_SPAN = re.compile(r"(`+)(?:(?!\1).)+\1")
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")
_IMAGE = re.compile(r"!\[")
_TAG = re.compile(r"(?<!\\)<(?=[A-Za-z/!?])(?!https?:|mailto:)")
_HEADING = re.compile(r"^(\s{0,3})(#{1,6})(?=\s)")
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")
_DEEPEST = 6


def plain(text: str) -> str:
    """Written as it stands: nothing in it is Markdown, and a dollar does not begin a formula."""
    return _SPECIAL.sub(lambda found: "\\" + found.group(0), text)


def prose(text: str, *, headings_below: int = 0) -> str:
    """A model's Markdown, made safe to show.

    A `$` stays a dollar, an image is not fetched (its address could tell somebody that the report was
    read), HTML is text, and headings begin below the page's own. Code is left as it is.
    """
    lines: list[str] = []
    fence: str | None = None
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence is None:
            lines.append(line if mark else _outside_code(line, headings_below))
            fence = mark.group(1) if mark else None
        else:
            lines.append(line)
            if mark and mark.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
    return "\n".join(lines)


def _outside_code(line: str, headings_below: int) -> str:
    parts: list[str] = []
    end = 0
    for span in _CODE_SPAN.finditer(line):
        parts += [_escape(line[end : span.start()]), span.group(0)]
        end = span.end()
    safe = "".join([*parts, _escape(line[end:])])
    heading = _HEADING.match(safe)
    if heading is None:
        return safe
    depth = min(len(heading.group(2)) + headings_below, _DEEPEST)
    return heading.group(1) + "#" * depth + safe[heading.end() :]


def _escape(text: str) -> str:
    return _TAG.sub(r"\\<", _IMAGE.sub(r"!\\[", _DOLLAR.sub(r"\1\\$", text)))
