"""What the debug panel needs to explain a run's figures: versions, attributes, our own losses. No content."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tracking.capture.readings import token_attributes
from tracking.capture.tracker import Tracker

_PACKAGES = ("crewai", "streamlit", "pandas", "genai-prices", "dbos", "openai", "anthropic", "google-genai")
_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OLLAMA_HOST")


def evidence(tracker: Tracker | None, crew: object, result: object = None) -> dict[str, Any]:
    """As JSON types. Of environment variables only whether they are set."""
    return {
        "tracking": tracker is not None,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        "environment": {name: "set" if os.environ.get(name) else "not set" for name in _VARIABLES},
        "platform": f"{platform.system()} {platform.machine()}, {sys.implementation.name}",
        "crew_attributes": sorted(getattr(type(crew), "model_fields", ())),
        "token_attributes": token_attributes(crew, "crew") | token_attributes(result, "result"),
        "tracker": {
            "lost": tracker.lost if tracker else 0,
            "errors": tracker.errors if tracker else [],
            "notes": tracker.notes if tracker else [],
        },
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
