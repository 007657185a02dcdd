"""The dashboard and its worker as processes: started, listened to, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracking.launch.commands import output_of
from tracking.launch.place import Place
from tracking.launch.problems import indented
from tracking.launch.progress import say

LOG_BYTES = 5_000_000
GRACE_SECONDS = 5.0


def child_environment(place: Place, database: str | None) -> dict[str, str]:
    return {
        **os.environ,
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_DISABLE_TRACKING": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
        "DASHBOARD_HOME": str(place.home),
        "DASHBOARD_WORKER_MANAGED": "1",  # the page then starts no worker of its own
        "PYTHONUTF8": "1",
        **({} if database is None else {"DASHBOARD_DATABASE_URL": database}),
    }


def streamlit_command(place: Place, host: str, port: int) -> list[str]:
    server = ["--server.address", host, "--server.port", str(port), "--server.headless", "true"]
    quiet = ["--browser.gatherUsageStats", "false"]
    return [place.python, "-m", "streamlit", "run", "dashboard.py", *server, *quiet]


class Child:
    """A process of ours with a log of its own, in a group of its own.

    Of its own so that Ctrl-C in the terminal reaches the launcher alone, which then stops its children;
    and so that what a child has started goes with it. `stop` is the signal that asks it to end at once.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        place: Place,
        env: Mapping[str, str],
        stop: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name, self.command, self.env, self.stop = name, command, env, stop
        self.root, self.log = place.root, place.log(name)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.start()

    def start(self) -> None:
        group: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        with self.log.open("ab") as log:
            self.offset = log.seek(0, os.SEEK_END)
            self.process = subprocess.Popen(  # noqa: S603 - commands are built in this package
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.root,
                env=self.env,
                **group,
            )
        self.began = time.monotonic()

    def said(self, count: int) -> str:
        """Where its log is, and the last lines that it wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(max(self.offset, log.seek(0, os.SEEK_END) - 20_000))
            lines = log.read().decode("utf-8", "replace").splitlines()
        return f"Its last lines ({self.log}):\n{indented(lines[-count:]) or '    (nothing)'}"

    def ask_to_end(self) -> None:
        """Ask it alone: what it has started is its own to end, and to say in its own way that it did."""
        if sys.platform == "win32":
            self.process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self.process.send_signal(self.stop)

    def end(self, hurry: Callable[[], bool]) -> None:
        """Wait for what was asked for; kill it when it takes too long or the user is in a hurry."""
        deadline = time.monotonic() + GRACE_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline and not hurry():
            time.sleep(0.05)
        if self.process.poll() is None:
            with contextlib.suppress(OSError):  # the terminal may be gone; the other child still has to end
                say(f"The {self.name} does not end by itself: killing it.")
        self.kill()

    def kill(self) -> None:
        """End the child, and whatever it started and left behind."""
        if sys.platform == "win32":
            output_of("taskkill", "/T", "/F", "/PID", str(self.process.pid))
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of zombies
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
