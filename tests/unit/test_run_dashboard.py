"""The file that any Python may meet: it finds a fitting one, and hands over to it."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from launch_clone import ROOT, Repo, posix_only

import run_dashboard
from tracking.launch import stamp

FILE = Path(run_dashboard.__file__)


def test_it_is_readable_by_python_3_8():
    ast.parse(FILE.read_text(encoding="utf-8"), feature_version=(3, 8))


def imported_by(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return imported | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_it_and_the_launchers_package_import_the_standard_library_only():
    launch = (ROOT / "tracking" / "launch").glob("*.py")
    imported = {name for path in (FILE, *launch) for name in imported_by(path)}
    others = {name.split(".")[0] for name in imported if not name.startswith("tracking.launch.")}
    assert others <= {*sys.stdlib_module_names, "__future__"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [((3, 10, 13), False), ((3, 11, 0), True), ((3, 13, 9), True), ((3, 14, 0), False), (None, False)],
)
def test_python_3_11_to_3_13_fit(version, expected):
    assert run_dashboard.fits(version) is expected


def shim(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@posix_only
def test_a_python_that_is_there_but_does_not_run_has_no_version(tmp_path):
    broken = shim(tmp_path, "python3.12", 'echo "pyenv: python3.12: command not found" >&2; exit 127')
    assert run_dashboard.python_version(str(broken)) is None
    assert run_dashboard.python_version(sys.executable) == sys.version_info[:3]


UNDER_OLD_PYTHON = """
import sys
sys.path.insert(0, {root!r})
import run_dashboard
sys.version_info = (3, 10, 13)
raise SystemExit(run_dashboard.main(["--help"]))
"""


def start_under_old_python(repo: Repo, path: Path) -> subprocess.CompletedProcess[str]:
    shutil.rmtree(repo.place.venv)
    return subprocess.run(
        [sys.executable, "-c", UNDER_OLD_PYTHON.format(root=str(repo.root))],
        capture_output=True,
        text=True,
        env={"PATH": str(path)},
        timeout=30,
        check=False,
    )


@posix_only
def test_an_unfitting_python_goes_on_with_one_that_runs(repo, tmp_path):
    shim(tmp_path / "bin", "python3.13", "exit 127")
    good = shim(tmp_path / "bin", "python3.12", f'exec {sys.executable} "$@"')
    answer = start_under_old_python(repo, tmp_path / "bin")
    first, rest = answer.stdout.split("\n", 1)
    assert first == f"This is Python 3.10.13; the dashboard needs 3.11 to 3.13. Going on with {good}."
    assert rest.startswith("usage: run_dashboard.py")
    assert answer.returncode == 0


@posix_only
def test_without_any_fitting_python_it_says_what_to_install(repo, tmp_path):
    broken = shim(tmp_path / "bin", "python3.12", "exit 127")
    answer = start_under_old_python(repo, tmp_path / "bin")
    assert answer.returncode == 1
    assert f"and none was found. There, but not running: {broken}." in answer.stderr
    assert "sudo apt install python3.12 python3.12-venv" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_same_pythons_fit_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (_, oldest), (_, newest) = run_dashboard.OLDEST, run_dashboard.NEWEST
    assert project["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
    assert (stamp.OLDEST, stamp.NEWEST) == (run_dashboard.OLDEST, run_dashboard.NEWEST)


def test_an_incomplete_copy_is_named(tmp_path):
    shutil.copy(FILE, tmp_path)
    answer = subprocess.run(
        [sys.executable, str(tmp_path / FILE.name), "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
        timeout=30,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == (
        "\nProblem: this copy of the project is not complete: No module named 'tracking'.\n"
        "What to do: start from a whole copy of the project; `git checkout -- tracking` brings the files "
        "back.\n"
    )
