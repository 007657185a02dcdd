"""Text made safe for Streamlit's Markdown: ours literally, a model's as Markdown without surprises."""

import re

from tracking.ui.markdown import lowered, outside_code

_SPECIAL = re.compile(r"([\\`*\[\]$~<>|])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_CODE_SPAN = re.compile(r"(`+)(?:(?!\1).)+\1")
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")
_IMAGE = re.compile(r"!\[")
_TAG = re.compile(r"(?<!\\)<(?=[A-Za-z/!?])(?!https?:|mailto:)")
# Streamlit makes a colour, a badge, small print, an icon or an emoji of `:name`, or swallows it. A name that
# begins with a digit means nothing to it unless a label follows. In an address a colon is a colon.
_COLON = re.compile(
    r"(?P<address><(?:https?:|mailto:)[^<>\s]*>|\]\((?:https?:|mailto:)[^()\s]*\)"
    r"|(?<![A-Za-z])https?://[^\s\[\]{}<>]++(?![\[{]))"
    r"|(?P<slashes>\\*):(?=[^\W\d]|\d[\w-]*[\[{]|(?:[+-]1|\w[\w-]*):)"
)
_SHORTCODE = re.compile(r"(?:[+-]1|\w[\w-]*):|material/")
# Icons, emoji and arrows are looked for after backslashes are gone: an invisible character keeps them apart.
_JOINER = "\N{WORD JOINER}"
_ARROW = re.compile(r"(?<!\S)(?:<->|->|<-|>=|<=|~=)(?!\S)")


def plain(text: str) -> str:
    """Written as it stands: nothing in it is Markdown, and a dollar does not begin a formula."""
    return _without_directives(_SPECIAL.sub(lambda found: "\\" + found.group(0), _without_arrows(text)))


def prose(text: str, *, headings_below: int = 0) -> str:
    """A model's Markdown, made safe to show.

    A `$` stays a dollar, an image is not fetched (its address could tell somebody that the report was
    read), HTML and Streamlit's own `:directives:` are text, and headings begin below the page's own. Code is
    left as it is.
    """
    return outside_code(lowered(text, headings_below), _outside_spans)


def _outside_spans(line: str) -> str:
    parts: list[str] = []
    end = 0
    for span in _CODE_SPAN.finditer(line):
        parts += [_escape(line[end : span.start()]), span.group(0)]
        end = span.end()
    return "".join([*parts, _escape(line[end:])])


def _escape(text: str) -> str:
    safe = _TAG.sub(r"\\<", _IMAGE.sub(r"!\\[", _DOLLAR.sub(r"\1\\$", _without_arrows(text))))
    return _without_directives(safe)


def _without_arrows(text: str) -> str:
    """`->` is not made an arrow, nor `>=` the sign that marks a lower bound here."""
    return _ARROW.sub(lambda found: found[0][0] + _JOINER + found[0][1:], text)


def _without_directives(text: str) -> str:
    return _COLON.sub(_literal_colon, text)


def _literal_colon(found: re.Match[str]) -> str:
    if found["address"]:
        return found[0]
    slashes = found["slashes"]
    joiner = _JOINER if _SHORTCODE.match(found.string, found.end()) else ""
    return f"{slashes}{'' if len(slashes) % 2 else chr(92)}:{joiner}"
