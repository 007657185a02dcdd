"""Setting up: what is missing, done step by step, by one start at a time."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO

from tracking.launch.environment import (
    REPAIR_BYTES,
    VENV_BYTES,
    check_free_space,
    install_packages,
    install_uv,
    make_venv,
)
from tracking.launch.place import Place, read_json, write_json
from tracking.launch.progress import Step, say
from tracking.launch.stamp import packages_trouble, read_lock, venv_trouble
from tracking.launch.weights import model_trouble, provide_model, why_given_up

Plan = list[tuple[str, Callable[[Step], None]]]


def set_up(place: Place, env: Mapping[str, str], *, tests: bool = False, again: bool = False) -> None:
    """Do what is missing; with `again`, also what once failed without harm, or can hardly be missing."""
    locks = ["requirements.txt"] + (["tests/requirements.txt"] if tests else [])
    with only_one_setup(place):
        plan = missing_steps(place, locks, retry_model=again)
        if not tests and (plan or again or not prepared(place, env)):
            plan.append(("Preparing the database", lambda step: prepare(place, env, step)))
        for number, (title, action) in enumerate(plan, 1):
            step = Step(place, f"{number}/{len(plan)}", title)
            with step:
                action(step)
        failure = why_given_up(place)
        if failure:
            say(f"Warning: the local demo model is missing; cloud models work.\n{failure}")
            say("`python run_dashboard.py --setup-only` tries again.")


def prepared(place: Place, env: Mapping[str, str]) -> bool:
    """Whether SQLite files need no seconds of preparation; a server may be away, and is always asked."""
    return "DASHBOARD_DATABASE_URL" not in env and read_json(place.stamp).get("prepared") is True


def prepare(place: Place, env: Mapping[str, str], step: Step) -> None:
    step.run(place.python, "-m", "tracking", "prepare", env=env)
    if "DASHBOARD_DATABASE_URL" not in env:
        write_json(place.stamp, {**read_json(place.stamp), "prepared": True})


def missing_steps(place: Place, locks: Sequence[str], *, retry_model: bool) -> Plan:
    plan: Plan = []
    venv = venv_trouble(place)
    packages = venv or packages_trouble(place, locks)
    if packages:
        check_free_space(place, VENV_BYTES if venv else REPAIR_BYTES)
        place.log("install").write_text("", encoding="utf-8")
        if place.venv.exists():
            say(f"Setting up again: {packages}")
        if venv:
            plan.append(("Making .venv", lambda step: make_venv(place, step)))
        plan.append(("Installing uv", lambda step: install_uv(place, step)))
        count = len(re.findall(r"^\w.*==", read_lock(place, locks[-1]), re.MULTILINE))
        plan.append((f"Installing {count} packages", lambda step: install_packages(place, step, locks)))
    if model_trouble(place) and (packages or retry_model or not why_given_up(place)):
        plan.append(("Fetching the local demo model (98 MB)", lambda step: provide_model(place, step)))
    return plan


@contextlib.contextmanager
def only_one_setup(place: Place) -> Iterator[None]:
    """Hold .dashboard/install.lock, waiting for another start that has it.

    The operating system's lock, not the file, is what counts: it goes with its holder, so a start that
    crashed leaves nothing stale. It stands beside .venv, which every DASHBOARD_HOME shares.
    """
    path = place.root / ".dashboard" / "install.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="ascii") as file:
        if not try_lock(file):
            holder = path.read_text(encoding="ascii").strip() or "unknown"
            say(f"Another start (pid {holder}) is setting up; waiting for it.")
            while not try_lock(file):
                time.sleep(0.2)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def try_lock(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415

            file.seek(1 << 20)  # past the pid, which others must be able to read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
