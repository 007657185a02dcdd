"""Where a price came from, as the `source` of a card or of a receipt says it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

_ADDRESS: Final = re.compile(r"https?://\S+")


class Origin(StrEnum):
    OWN = "your own price"
    LISTED = "genai-prices"
    HISTORY = "our history"


def origin_of(source: str) -> Origin:
    """Ours name the page that states the price; the other two begin with their name."""
    return next((each for each in (Origin.OWN, Origin.LISTED) if source.startswith(each)), Origin.HISTORY)


def address_in(source: str) -> str | None:
    """The page that states the price, where the source names one."""
    found = _ADDRESS.search(source)
    return None if found is None else found[0]
