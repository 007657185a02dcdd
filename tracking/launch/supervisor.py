"""Keeping a worker alive beside the dashboard until both end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence

from tracking.launch.address import healthy, open_browser, url_of
from tracking.launch.children import Child, streamlit_command
from tracking.launch.place import Place, write_json
from tracking.launch.progress import elapsed, say

LONGEST_BACKOFF = 30.0
STEADY_SECONDS = 60.0  # a worker that lived this long has its backoff forgotten


class Supervisor:
    """Keeps a worker alive beside the dashboard, until the dashboard ends or someone stops both."""

    def __init__(self, place: Place, env: Mapping[str, str], host: str, port: int, *, browser: bool) -> None:
        self.place, self.env, self.host, self.port, self.browser = place, env, host, port, browser
        self.children: list[Child] = []
        self.failures, self.restart_at, self.asked_to_stop = 0, 0.0, 0
        self.announced = self.doubted = False

    def run(self) -> int:
        """Start both and stay to the end; the dashboard's exit code, or 0 when it was stopped."""
        on_stop(self.ask_to_stop)  # counted, not raised: an exception could come between two starts
        try:
            dashboard = self.begin("dashboard", streamlit_command(self.place, self.host, self.port))
            # SIGTERM would have it end its runs first; who stops the dashboard does not wait for these.
            worker = self.begin("worker", [self.place.python, "-m", "tracking", "worker"], stop=signal.SIGINT)
            while dashboard.process.poll() is None and not self.asked_to_stop:
                self.keep_alive(worker)
                self.announce(dashboard)
                time.sleep(0.2)
            code = 0 if self.asked_to_stop else dashboard.process.returncode
            if self.asked_to_stop:
                say("\nStopping the dashboard and its worker.")
            else:
                say(f"The dashboard ended with exit code {code}. {dashboard.said(15)}")
        finally:
            for child in self.children:
                child.ask_to_end()
            for child in self.children:
                child.end(hurry=lambda: self.asked_to_stop > 1)
            self.place.running(self.port).unlink(missing_ok=True)
        return code if code >= 0 else 128 - code  # as a shell reports death by a signal

    def ask_to_stop(self, *_: object) -> None:
        self.asked_to_stop += 1

    def begin(self, name: str, command: Sequence[str], stop: signal.Signals = signal.SIGTERM) -> Child:
        child = Child(name, command, self.place, self.env, stop)
        self.children.append(child)
        return child

    def keep_alive(self, worker: Child) -> None:
        """Restart a dead worker after 1, 2, 4... seconds, saying why it died each time."""
        code = worker.process.poll()
        now = time.monotonic()
        if code is None:
            return
        if not self.restart_at:
            self.failures = 1 if now - worker.began > STEADY_SECONDS else self.failures + 1
            wait = min(2.0 ** (self.failures - 1), LONGEST_BACKOFF)
            self.restart_at = now + wait
            worker.kill()  # what it left running
            plan = f"starting it again in {elapsed(wait)}"
            say(f"The worker ended with exit code {code}; {plan}. {worker.said(8)}")
        elif now >= self.restart_at:
            self.restart_at = 0.0
            worker.start()

    def announce(self, dashboard: Child) -> None:
        """Give the address once it answers; say so, once, when it does not."""
        if self.announced:
            return
        if healthy(self.host, self.port):
            self.announced = True
            url = url_of(self.host, self.port)
            write_json(self.place.running(self.port), {"pid": dashboard.process.pid, "url": url})
            say(f"The dashboard is at {url}  (Ctrl-C stops it)")
            if self.browser:
                open_browser(url)
        elif not self.doubted and time.monotonic() - dashboard.began > STEADY_SECONDS:
            self.doubted = True
            say(f"No answer for {elapsed(STEADY_SECONDS)}; still waiting. {dashboard.said(8)}")


def on_stop(handler: Callable[..., None]) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # no system has all; all mean what Ctrl-C means
        signum = getattr(signal, name, None)
        if signum is not None and signal.getsignal(signum) != signal.SIG_IGN:  # `nohup` ignores, and so do we
            signal.signal(signum, handler)
