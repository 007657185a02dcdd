"""Starting the dashboard's processes and driving a browser, for the end-to-end tests and benches."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
# Kept after the run, to be looked at by a person.
SCREENSHOTS = ROOT / ".dashboard" / "screenshots"
WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Where there is none the test skips, in CI it fails."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no Chromium on this machine: install Debian's package chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {seconds:.0f} s")


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def process(
    *command: object, cwd: Path = ROOT, log: Path, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, ended with everything it started."""
    environment = {**os.environ, **variables}
    with log.open("ab") as file:
        started = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGTERM)
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@contextmanager
def streamlit(log: Path, port: int | None = None, script: Path = ROOT / "dashboard.py", **variables: str):
    """`streamlit run`, as the launcher starts it; gives the page's address and the process."""
    port = port or free_port()
    command = (
        *(sys.executable, "-m", "streamlit", "run", script),
        *("--server.address", "127.0.0.1", "--server.port", port, "--server.headless", "true"),
    )
    with process(*command, log=log, **variables) as started:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: healthy(url), "the page's health")
        yield url, started


def settled(page) -> None:
    """Wait until Streamlit has drawn what it has to draw."""
    page.wait_for_selector('[data-testid="stApp"]')
    # Neither running nor still loading the code of a widget, whose place a skeleton holds until then.
    busy = '[data-testid="stStatusWidget"], [data-testid="stSkeleton"], [data-testid="stAppSkeleton"]'
    page.wait_for_function("selector => !document.querySelector(selector)", arg=busy)
    page.wait_for_timeout(500)


def keep_screenshots(browser, url: str, name: str) -> list[Path]:
    """The page at every width in every scheme, whole. Fails on an uncaught exception on the page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    kept = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": 1000}, color_scheme=scheme, timezone_id="Europe/Berlin"
            )
            page = context.new_page()
            page.goto(url)
            settled(page)
            assert page.locator('[data-testid="stException"]').count() == 0
            # Streamlit scrolls inside its main area; the window is made as tall as what is in it.
            height = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
            page.set_viewport_size({"width": width, "height": max(1000, min(height, 6000))})
            settled(page)
            path = SCREENSHOTS / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=path)
            kept.append(path)
            context.close()
    return kept


def keep_screenshots_of(page, name: str) -> None:
    """This very page, at every width in every scheme: another session would have no menu open."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        for scheme in SCHEMES:
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(700)  # the page draws itself anew
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png")
    page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
