"""Telling how far it is."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from tracking.launch.commands import run_to_end, setup_environment
from tracking.launch.place import Place
from tracking.launch.problems import explain


def say(text: str, *, end: str = "\n", file: TextIO | None = None) -> None:
    """Print at once: the launcher's output is often a file or a pipe, and read while it runs."""
    print(text, end=end, file=file, flush=True)


class Step:
    """One numbered step: a single line, alive with elapsed time and the latest output on a terminal."""

    def __init__(self, place: Place, number: str, title: str) -> None:
        self.place, self.title, self.head = place, title, f"[{number}] {title}..."
        self.began = time.monotonic()
        self.alive = sys.stdout.isatty()
        self.failed = False  # for a step that failed and whose failure is borne

    def __enter__(self) -> None:
        say(self.head, end="")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.show("")
        again = f"\r{self.head}" if self.alive else ""
        spent = elapsed(time.monotonic() - self.began)
        say(f"{again}  {spent}{'  failed' if kind or self.failed else ''}")

    def show(self, latest: str) -> None:
        if self.alive:
            room = shutil.get_terminal_size().columns - 1
            line = f"{self.head}  {elapsed(time.monotonic() - self.began)}  {latest.strip()}"
            say("\r" + line[:room].ljust(room), end="")

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        """Run a command to its end, its output going to install.log.

        Raises:
            LaunchError: it failed; says why as far as the output tells.
        """
        log = self.place.log("install")
        code, tail = run_to_end(command, self.place.root, env or setup_environment(), log, self.show)
        if code:
            raise explain(self.title, code, tail, log)


def elapsed(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
