"""The modes on other versions of crewai and with its optional clients, each in an environment of its own.

One command: `pytest tests/compat --run-compat`. The environments are kept under `.dashboard/compat`.
"""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.compat, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
HOMES = ROOT / ".dashboard" / "compat"
OURS = ("wrapt", "sqlalchemy", "genai-prices", "tiktoken", "pytest", "pytest-timeout", "hypothesis")
# No cache of theirs among ours; and what old clients leave open at the end is not what is tested.
QUIET = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")
KINDS = {
    "crewai 1.13": ("crewai[anthropic,google-genai]==1.13.*",),
    "crewai 1.14": ("crewai[anthropic,google-genai]==1.14.*",),
    "crewai 1.15 with Bedrock, Azure and litellm": (
        "crewai[anthropic,google-genai,bedrock,azure-ai-inference,litellm]==1.15.30",
        "litellm==1.88.6",  # later ones fail on tools together with the mcp that crewai wants
    ),
}


def python_with(name, packages):
    """The interpreter of an environment with these packages, made when it is not there."""
    home = HOMES / name.replace(" ", "-").replace(",", "")
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (home / "complete").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages, *OURS], check=True)
        (home / "complete").touch()
    return python


@pytest.mark.parametrize("name", KINDS)
def test_every_mode_is_true_on(name):
    python = python_with(name, KINDS[name])
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "tests/contract/test_modes.py", *QUIET],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
