"""The modes on other versions of crewai and with its optional clients, each in an environment of its own.

One command: `pytest tests/compat --run-compat`. An environment has 1 GB and is gone after its test.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.compat, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
HOMES = ROOT / ".dashboard" / "compat"
OURS = (
    "wrapt",
    "sqlalchemy",
    "filelock",
    "genai-prices",
    "tiktoken",
    "pandas",
    "psycopg[binary]",
    "pytest",
    "pytest-timeout",
    "hypothesis",
)
# No cache of theirs among ours; and what old clients leave open at the end is not what is tested.
QUIET = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")
TESTS = tuple(
    f"tests/contract/test_{name}.py"
    for name in (
        "modes",
        "event_mode",
        "track",
        "bedrock_invoke",
        "clients",
        "meter_providers",
        "meter_crewai",
    )
)
CLIENTS = "anthropic,google-genai,azure-ai-inference"
KINDS = {
    "crewai 1.13": (f"crewai[{CLIENTS},bedrock,litellm]==1.13.*", "aiobotocore"),
    "the first crewai 1.14": (f"crewai[{CLIENTS},bedrock,litellm]==1.14.0", "aiobotocore"),
    # It and litellm do not agree on a version of openai.
    "the last crewai 1.14": (f"crewai[{CLIENTS},bedrock]==1.14.7", "aiobotocore"),
    "the first crewai 1.15": (f"crewai[{CLIENTS},bedrock,litellm]==1.15.0",),
    "our crewai with its optional clients": (
        f"crewai[{CLIENTS},bedrock,litellm]==1.15.30",
        "litellm==1.88.6",  # later ones fail on tools together with the mcp that crewai wants
    ),
}


@pytest.fixture
def environment():
    """Makes an environment with these packages and says which python is in it. `uv` comes with crewai."""
    home = HOMES / "environment"

    def make(*packages):
        uv = (sys.executable, "-m", "uv")
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, home], check=True)
        python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, *packages, *OURS], check=True)
        return python

    yield make
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("name", KINDS)
def test_every_mode_is_true_on(name, environment):
    done = subprocess.run(
        [environment(*KINDS[name]), "-m", "pytest", "-q", *TESTS, *QUIET],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
