"""What every test may rely on: a quiet crewai, a home of its own, and databases that are really there."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

# How long one example takes says nothing here: the first one may load a price list.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

# Before anything imports crewai: it reads these once.
os.environ.update(
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_DISABLE_TRACKING="true",
    CREWAI_TRACING_ENABLED="false",
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    OTEL_SDK_DISABLED="true",
)

ROOT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI") == "true"
POSTGRES = "postgresql://postgres@127.0.0.1:5432"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-bench", action="store_true", help="also measure the ratios of tests/bench")
    parser.addoption(
        "--bench-calls", type=int, default=10_000_000, help="how many calls the benches' history has"
    )
    parser.addoption(
        "--bench-home", default=ROOT / ".dashboard" / "bench", help="where it is kept; it is made once"
    )
    parser.addoption(
        "--run-compat", action="store_true", help="also install other crewai versions and test them"
    )
    parser.addoption(
        "--runs-of-load", type=int, default=9, help="how many runs test_many_workers.py has carried out"
    )
    parser.addoption(
        "--crews-of-load", type=int, default=8, help="how many crews test_budget_crews.py carries out"
    )
    parser.addoption(
        "--minutes-of-load", type=float, default=0, help="how long test_soak.py keeps everything busy"
    )
    parser.addoption("--write-modes", action="store_true", help="write docs/modes.md from this run")
    parser.addoption("--write-prices", action="store_true", help="ask litellm anew and write docs/prices.md")


# Of tests whose length an option says: which one, and how many seconds each of its units may take.
LOADS = {
    "test_budget_crews.py": ("--crews-of-load", 30),
    "test_many_workers.py": ("--runs-of-load", 60),
    "test_soak.py": ("--minutes-of-load", 60),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if load := LOADS.get(item.path.name):  # before the test begins, when its time is already running
            item.add_marker(pytest.mark.timeout(600 + load[1] * config.getoption(load[0])))
        if "bench" in item.keywords and not config.getoption("--run-bench"):
            item.add_marker(pytest.mark.skip(reason="a measurement: run with --run-bench"))
        if "compat" in item.keywords and not config.getoption("--run-compat"):
            item.add_marker(pytest.mark.skip(reason="installs other versions: run with --run-compat"))


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may reach a real provider by accident, or write into somebody's real home."""
    for name in ("OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE", "OPENAI_COMPATIBLE"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
        monkeypatch.delenv(f"{name}_BASE_URL", raising=False)
    monkeypatch.setenv("DASHBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CREWAI_STORAGE_DIR", str(tmp_path / "crewai"))
    monkeypatch.delenv("DASHBOARD_DATABASE_URL", raising=False)


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's weights, where the launcher has put them."""
    home = Path(os.environ.get("DASHBOARD_WEIGHTS_HOME", ROOT / ".dashboard"))
    found = home / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not found.exists():
        _must_run_in_ci("the embedded model's weights are not here: python run_dashboard.py --setup-only")
    return found


@pytest.fixture
def home(tmp_path: Path, weights: Path) -> Path:
    """A fresh home with the embedded model in it."""
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    try:
        (models / weights.name).hardlink_to(weights)
    except OSError:  # another file system
        shutil.copy(weights, models)
    return models.parent


@pytest.fixture(scope="session")
def postgres_server() -> str:
    try:
        socket.create_connection(("127.0.0.1", 5432), timeout=1).close()
    except OSError:
        _must_run_in_ci("no PostgreSQL server on 127.0.0.1:5432")
    return POSTGRES


@pytest.fixture(scope="session")
def new_database(postgres_server: str) -> Callable[[], AbstractContextManager[str]]:
    """Makes databases, one for each `with`."""
    return contextmanager(functools.partial(_new_database, postgres_server))


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of this test's own."""
    yield from _new_database(postgres_server)


@pytest.fixture
def other_postgres_url(postgres_server: str) -> Iterator[str]:
    """Another one."""
    yield from _new_database(postgres_server)


def _new_database(server: str) -> Iterator[str]:
    import psycopg

    name = f"swarm_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same contract on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


def _must_run_in_ci(reason: str) -> None:
    if IN_CI:
        pytest.fail(f"{reason}; in CI this must run")
    pytest.skip(reason)
