"""Other programs: asked for an answer, or run to their end with their output in a log."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO


def output_of(*command: str) -> str:
    """What a command prints; nothing where it is missing, fails or hangs."""
    try:
        return subprocess.run(  # noqa: S603 - system tools and the Python of .venv, named in this package
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def run_to_end(
    command: Sequence[str], folder: Path, env: Mapping[str, str], log: Path, show: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Run a command in a folder, adding its output to a log; its exit code and its last 200 lines.

    `show` is given the latest line about five times a second.
    """
    tail: deque[str] = deque(maxlen=200)
    with subprocess.Popen(  # noqa: S603 - commands are built in this package
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        cwd=folder,
        env=env,
    ) as process:
        reader = threading.Thread(target=_copy_lines, args=(process.stdout, log, tail), daemon=True)
        reader.start()
        try:
            while process.poll() is None:
                show(tail[-1] if tail else "")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
        finally:
            if process.poll() is None:  # a stop in the middle must not leave an install running
                process.terminate()
            reader.join(5)
    return process.returncode, list(tail)


def setup_environment() -> dict[str, str]:
    # A user's pip configuration may say `user = true`, which no virtual environment allows.
    return {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUTF8": "1"}


def _copy_lines(source: IO[str], path: Path, tail: deque[str]) -> None:
    with path.open("a", encoding="utf-8") as log:
        for line in source:
            log.write(line)
            tail.append(line.rstrip()[:2000])
