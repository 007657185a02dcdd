"""The dashboard as a person meets it: the real script, ledger and catalog, but no worker."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tracking.crew import queue
from tracking.domain.run import Run
from tracking.domain.spec import RunSpec
from tracking.ledger.ledger import Ledger
from tracking.ledger.runs import RunBook
from tracking.settings import REPOSITORY, Settings

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def dashboard_home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the root conftest, where the local model seems to be usable and nobody starts a worker."""
    monkeypatch.setenv("DASHBOARD_WORKER_MANAGED", "true")
    weights = Settings().weights
    weights.parent.mkdir(parents=True)
    weights.touch()
    return Settings().home


@pytest.fixture
def ledger(dashboard_home: Path) -> Ledger:
    return Ledger.open(Settings().ledger_url)


@pytest.fixture
def with_key(dashboard_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models that can be chosen beside the local one, both able to call tools."""
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")


@pytest.fixture
def submitted(dashboard_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunSpec]:
    """What was handed over. Runs are written to the ledger but not enqueued: no worker is wanted."""
    specs: list[RunSpec] = []

    def submit(_: Settings, into: Ledger, spec: RunSpec, *, name: str) -> str:
        specs.append(spec)
        run = Run(
            run_id=f"run{len(specs)}", name=name, preset=spec.preset, created_at=NOW, spec=spec.to_json()
        )
        RunBook(into).add(run)
        return run.run_id

    monkeypatch.setattr(queue, "submit", submit)
    return specs


@pytest.fixture
def page(dashboard_home: Path) -> Callable[..., AppTest]:
    """Open the dashboard, as a new session."""

    def opened(**query: str) -> AppTest:
        at = AppTest.from_file(str(REPOSITORY / "dashboard.py"), default_timeout=60)
        at.query_params.update(query)
        return at.run()

    return opened
