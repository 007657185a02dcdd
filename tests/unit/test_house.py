"""The house rules, held by the test command itself: format, lint, types, imports, no crewai upstairs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        (BIN / "ruff", "format", "--check", "."),
        (BIN / "ruff", "check", "."),
        (BIN / "mypy",),
        (BIN / "lint-imports", "--no-cache"),
    ],
    ids=["format", "lint", "types", "imports"],
)
def test_the_code_follows_the_house_rules(command):
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


HEAVY = {"crewai", "xllamacpp", "dbos", "litellm", "openai", "apprise"}


def test_what_the_dashboards_process_imports_holds_no_crewai(monkeypatch):
    monkeypatch.setenv(
        "DASHBOARD_WORKER_MANAGED", "true"
    )  # importing a page runs it, and would start a worker
    program = (
        "import sys, importlib, pkgutil, tracking.ui\n"
        "for found in pkgutil.walk_packages(tracking.ui.__path__, 'tracking.ui.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    assert HEAVY.isdisjoint(done.stdout.split())


def test_what_sends_alerts_is_not_even_in_a_worker():
    done = run(
        sys.executable, "-c", "import sys, tracking.crew.worker, tracking.crew.execute; print(*sys.modules)"
    )
    assert done.returncode == 0, done.stderr
    assert "tracking.alerts.courier" in done.stdout.split()
    assert "apprise" not in done.stdout.split()


def test_the_package_is_light_until_something_of_it_is_used():
    done = run(sys.executable, "-c", "import sys, tracking; print(*sys.modules)")
    assert {"sqlalchemy", "pydantic", "pandas"}.isdisjoint(done.stdout.split())


def test_every_public_name_can_be_imported():
    import tracking

    for name in tracking.__all__:
        assert getattr(tracking, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tracking.nothing


def pins(file):
    lines = (ROOT / file).read_text().splitlines()
    return {line.split(" ")[0] for line in lines if line[:1].isalpha()}


def test_the_tests_lock_holds_the_dashboards_lock():
    assert pins("requirements.txt") <= pins("tests/requirements.txt")


@pytest.mark.parametrize("file", ["requirements.txt", "tests/requirements.txt"])
def test_every_pin_has_hashes_and_no_index_host(file):
    text = (ROOT / file).read_text()
    assert "://" not in text
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line[:1].isalpha():
            assert "==" in line.split(" ")[0]
            assert lines[number + 1].strip().startswith("--hash=sha256:"), line


def test_every_direct_dependency_is_bounded_and_locked():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = {pin.split("==")[0] for pin in pins("tests/requirements.txt")}
    for text in project["project"]["dependencies"] + project["dependency-groups"]["test"]:
        requirement = Requirement(text)
        assert any(part.operator in {"<", "=="} for part in requirement.specifier), text
        assert requirement.name.lower() in locked
