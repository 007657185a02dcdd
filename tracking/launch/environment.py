"""The virtual environment: made, given uv, and filled with exactly what the lock files pin."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tracking.launch.commands import output_of
from tracking.launch.place import Place, read_json, write_json
from tracking.launch.problems import LaunchError
from tracking.launch.progress import Step
from tracking.launch.stamp import fingerprint, uv_requirement

VENV_BYTES, REPAIR_BYTES = 2_500_000_000, 500_000_000  # 1.4 GB installed, and its downloads


def check_free_space(place: Place, needed: int) -> None:
    free = shutil.disk_usage(place.root).free
    if free < needed:
        raise LaunchError(
            f"the disk of {place.root} has {free / 1e9:.1f} GB free, setting up needs {needed / 1e9:.1f} GB.",
            "free some space, or move this folder to a larger disk, and start again.",
        )


def make_venv(place: Place, step: Step) -> None:
    if place.venv.is_symlink():
        place.venv.unlink()
    elif place.venv.exists():
        shutil.rmtree(place.venv)
    step.run(sys.executable, "-m", "venv", str(place.venv))


def install_uv(place: Place, step: Step) -> None:
    requirement = uv_requirement(place)
    if output_of(place.program("uv"), "--version").split()[1:2] == [requirement.split()[0][len("uv==") :]]:
        return
    if not output_of(place.python, "-m", "pip", "--version"):  # made by uv, or half made
        step.run(place.python, "-m", "ensurepip", "--default-pip")
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "uv.txt"
        lock.write_text(f"{requirement}\n", encoding="utf-8")
        step.run(place.python, "-m", "pip", "install", "--no-input", "-r", str(lock))


def uv_install(place: Place, step: Step, *arguments: str) -> None:
    step.run(place.program("uv"), "pip", "install", "--python", place.python, *arguments)


def install_packages(place: Place, step: Step, locks: Sequence[str]) -> None:
    model = read_json(place.stamp).get("model", {})
    write_json(place.stamp, {"complete": False, "model": model})
    remove_half_installed(place)
    for lock in locks:  # install, not sync: what the user added to .venv stays
        uv_install(place, step, "--require-hashes", "-r", lock)
    os.utime(place.venv / "pyvenv.cfg")
    write_json(place.stamp, {"complete": True, **fingerprint(place, locks), "model": model})


def remove_half_installed(place: Place) -> None:
    """Remove what a killed install leaves: uv would refuse to go on from it.

    Without the folder that describes it, uv installs that package afresh.
    """
    for pattern in ("lib/python*/site-packages/*.dist-info", "Lib/site-packages/*.dist-info"):
        for info in place.venv.glob(pattern):
            if not ((info / "METADATA").exists() and (info / "RECORD").exists()):
                shutil.rmtree(info)
