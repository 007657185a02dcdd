"""This program's version, as in pyproject.toml (a test compares them): nothing installs it as a package."""

from typing import Final

VERSION: Final = "0.1.0"
