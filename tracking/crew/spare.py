"""A warm process, ready for the next run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

from tracking.crew.process import QUIET_CREWAI, READY
from tracking.errors import QueueError

# A successor's import takes a core for seconds; it begins when the run it follows is well under way.
_SUCCESSOR_SECONDS = 5.0
_READY_SECONDS = 180  # crewai's import takes 4 s on a quiet machine, and ten times that on a starved one


class RunProcess:
    """One process for one run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tracking.crew.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | QUIET_CREWAI,
        )
        self._ready = threading.Event()
        threading.Thread(target=self._wait_until_ready, daemon=True).start()

    @property
    def warm(self) -> bool:
        return self._ready.is_set() and self.alive

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def begin(self, run_id: str, worker: str) -> None:
        """Hand it a run, waiting until it is warm.

        Raises:
            QueueError: it died, or never became ready.
        """
        if not self._ready.wait(_READY_SECONDS) or not self.alive:
            raise QueueError(f"the run's process could not be started (exit code {self.exit_code})")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{run_id} {worker}\n")
            self._process.stdin.flush()
        except OSError as error:
            raise QueueError(
                f"the run's process ended before it began (exit code {self.exit_code})"
            ) from error

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after waiting at most so long."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == READY:
                break
        self._ready.set()  # also when it ended without a word: `begin` then sees that it is dead


class Spares:
    """Keeps one process warm. A spare that died unused is replaced when it is asked for."""

    def __init__(self, start: Callable[[], RunProcess] = RunProcess) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._closed = False
        self._current: RunProcess | None = None

    @property
    def warm(self) -> bool:
        current = self._current  # another thread may take it meanwhile
        return current is not None and current.warm

    def take(self) -> RunProcess:
        """The warm process. Its successor follows a little later."""
        with self._lock:
            taken = self._current if self._current is not None and self._current.alive else self._start()
            self._current = None
        timer = threading.Timer(_SUCCESSOR_SECONDS, self.refill)
        timer.daemon = True
        timer.start()
        return taken

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._current is not None:
                self._current.kill()
                self._current = None

    def refill(self) -> None:
        """Start a spare where there is none."""
        with self._lock:
            if self._current is None and not self._closed:
                self._current = self._start()
