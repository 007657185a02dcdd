#!/usr/bin/env python3
"""Start the Marketing Research Swarm Dashboard; the first start also sets it up.

    python run_dashboard.py             set up what is missing, start, open the browser
    python run_dashboard.py --test      run the whole test suite
    python run_dashboard.py --doctor    say what works and what does not
    python run_dashboard.py --help      every option

Standard library only, and only what Python 3.8 can read: an unfitting Python must get as far as
starting a fitting one, or saying what to install. A fitting one goes on in tracking/launch.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST, NEWEST = (3, 11), (3, 13)  # pandas 3 needs 3.11, crewai refuses 3.14
RANGE = f"3.{OLDEST[1]} to 3.{NEWEST[1]}"
WINDOWS = sys.platform == "win32"


def fits(version: tuple[int, ...] | None) -> bool:
    return version is not None and OLDEST <= version[:2] <= NEWEST


def python_version(*command: str) -> tuple[int, ...] | None:
    """The version that a Python says it has when run; None where it does not run.

    Existing is not enough: a version manager leaves a `python3.12` on the PATH that only prints an error.
    """
    question = "import sys; print(*sys.version_info[:3])"
    try:
        said = subprocess.run(  # noqa: S603 - a Python found by other_pythons
            [*command, "-I", "-S", "-c", question],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(map(int, said.split())) if re.match(r"\d+ \d+ \d+\s*$", said) else None


def other_pythons() -> Iterator[list[str]]:
    yield [str(ROOT / ".venv" / ("Scripts/python.exe" if WINDOWS else "bin/python"))]
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        if WINDOWS:
            yield ["py", f"-3.{minor}"]
        for folder in os.get_exec_path():
            path = shutil.which(f"python3.{minor}", path=folder)
            if path:
                yield [path]


def restart_with_fitting_python(arguments: Sequence[str]) -> int:
    """Go on with the first Python that fits; an exit code, unless that one took this one's place."""
    own = "This is Python {}.{}.{}; the dashboard needs".format(*sys.version_info)
    broken = []
    for command in other_pythons():
        version = python_version(*command)
        if version is None and Path(command[0]).exists():
            broken.append(command[0])
        if fits(version):
            print(f"{own} {RANGE}. Going on with {' '.join(command)}.", flush=True)
            command += [os.path.abspath(__file__), *arguments]  # noqa: PTH100
            if WINDOWS:  # its exec would leave the console
                return subprocess.call(command)  # noqa: S603 - this file again
            os.execv(command[0], command)  # noqa: S606 - this file again, without a shell
    hint = f" There, but not running: {', '.join(broken)}." if broken else ""
    return refuse(
        f"{own} {RANGE}, and none was found.{hint}",
        "install Python 3.12, then start again:\n"
        "    Debian, Ubuntu   sudo apt install python3.12 python3.12-venv\n"
        "    macOS            brew install python@3.12\n"
        "    Windows          winget install Python.Python.3.12\n"
        "    pyenv            pyenv install 3.12 && pyenv local 3.12",
    )


def refuse(found: str, remedy: str) -> int:
    print(f"\nProblem: {found}\nWhat to do: {remedy}", file=sys.stderr)
    return 1


def launch(arguments: Sequence[str]) -> int:
    sys.path.insert(0, str(ROOT))  # missing there under PYTHONSAFEPATH
    try:
        from tracking.launch.main import main as go_on  # noqa: PLC0415 - not readable by an unfitting Python
    except ImportError as error:
        if not (error.name or "").startswith("tracking"):
            raise
        return refuse(
            f"this copy of the project is not complete: {error}.",
            "start from a whole copy of the project; `git checkout -- tracking` brings the files back.",
        )
    return go_on(arguments, ROOT)


def main(arguments: Sequence[str]) -> int:
    try:
        return launch(arguments) if fits(sys.version_info[:3]) else restart_with_fitting_python(arguments)
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. The next start goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console shows the escape of what it cannot show
            stream.reconfigure(errors="backslashreplace")
    raise SystemExit(main(sys.argv[1:]))
