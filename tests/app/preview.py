"""Reading the page as a person would."""

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def spec_shown(at: AppTest) -> dict[str, Any]:
    """The spec in the page's own preview."""
    found = [json.loads(block.value) for block in at.json]
    return next(block for block in found if "agents" in block and "settings" in block)


def prompts_shown(at: AppTest) -> str:
    """The prompts in the page's own preview."""
    return "\n".join(block.value for block in at.code)


def text_shown(at: AppTest) -> str:
    """All prose on the page."""
    return "\n".join(
        str(element.value) for kind in ("markdown", "caption", "info") for element in at.get(kind)
    )
