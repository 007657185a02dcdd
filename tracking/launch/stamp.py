"""Is it installed? The lock files say what belongs in .venv, a stamp what a finished set-up put there.

Each `..._trouble` is None, or a sentence that says what is missing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from tracking.launch.commands import output_of
from tracking.launch.place import Place, read_json
from tracking.launch.problems import LaunchError

OLDEST, NEWEST = (3, 11), (3, 13)  # as run_dashboard.py has it: that must not need this package
UV_WITHOUT_LOCK = "uv==0.13.9"  # only where requirements.txt does not pin uv itself


def venv_trouble(place: Place) -> str | None:
    if not place.venv.exists():
        return ".venv is missing."
    version = venv_version(place)
    if version is None:
        return ".venv is broken: its Python does not run."
    fits = OLDEST <= version <= NEWEST
    return None if fits else ".venv holds Python {}.{}, which does not fit.".format(*version)


def venv_version(place: Place) -> tuple[int, int] | None:
    """The version, 3.x, that .venv's Python says it has when run; None where it does not run."""
    said = output_of(place.python, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])")
    version = re.match(r"(\d+) (\d+)\s*$", said)
    return (int(version[1]), int(version[2])) if version else None


def packages_trouble(place: Place, locks: Sequence[str]) -> str | None:
    stamp, wanted = read_json(place.stamp), fingerprint(place, locks)
    if not stamp.get("complete"):
        return "an earlier set-up did not finish."
    if (stamp.get("python"), stamp.get("venv")) != (wanted["python"], wanted["venv"]):
        return ".venv was changed since the last set-up."
    known = stamp.get("requirements", {})
    changed = [name for name, digest in wanted["requirements"].items() if known.get(name) != digest]
    if changed:
        return f"{' and '.join(changed)} changed since the last set-up, or was never installed."
    return None if stamp.get("uv") == wanted["uv"] else "the pinned uv changed since the last set-up."


def fingerprint(place: Place, locks: Sequence[str]) -> dict[str, Any]:
    """What a complete install is made from; the install.json of a finished one says the same."""
    # Every install sets the time of pyvenv.cfg, so a .venv made anew by hand, or changed through another
    # DASHBOARD_HOME, is not taken for the one this stamp describes.
    config = place.venv / "pyvenv.cfg"
    return {
        "python": "{}.{}".format(*(venv_version(place) or (0, 0))),
        "uv": uv_requirement(place).split()[0],
        "venv": config.stat().st_mtime_ns if config.exists() else None,
        "requirements": {name: hashlib.sha256(read_lock(place, name).encode()).hexdigest() for name in locks},
    }


def uv_requirement(place: Place) -> str:
    """The lock's own line for uv, hashes and all: another version would be replaced while it runs."""
    pinned = re.search(r"^uv==(?:.*\\\n)*.*$", read_lock(place, "requirements.txt"), re.MULTILINE)
    return pinned.group(0) if pinned else UV_WITHOUT_LOCK


def read_lock(place: Place, name: str) -> str:
    try:
        return (place.root / name).read_text(encoding="utf-8")
    except OSError as error:
        remedy = f"start from a whole copy of the project; `git checkout -- {name}` brings the file back."
        raise LaunchError(f"{place.root / name} cannot be read: {error.strerror}.", remedy) from error
