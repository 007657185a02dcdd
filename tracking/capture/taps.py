"""Putting the taps in place: once per process, and only into libraries that are imported anyway."""

from __future__ import annotations

import threading
from typing import Any

import wrapt

from tracking.capture import abandoned

_lock = threading.Lock()
_installed = False


def install() -> None:
    """Have every httpx request and crewai event observed, now or as soon as those modules are imported."""
    global _installed  # noqa: PLW0603  # taps belong to the process, as the modules they sit in
    with _lock:
        if _installed:  # and in place: whoever comes second has waited for that
            return
        abandoned.watch()
        wrapt.register_post_import_hook(_tap_httpx, "httpx")
        wrapt.register_post_import_hook(_tap_crewai, "crewai")
        wrapt.register_post_import_hook(_tap_urllib3, "urllib3.connectionpool")
        wrapt.register_post_import_hook(_tap_aiohttp, "aiohttp.client")
        _installed = True


def _tap_httpx(module: Any) -> None:
    from tracking.capture import http  # noqa: PLC0415  # only where httpx is used

    http.tap(module)


def _tap_aiohttp(module: Any) -> None:
    from tracking.capture import aiohttp_tap  # noqa: PLC0415  # only where aiohttp is used

    aiohttp_tap.tap(module)


def _tap_crewai(_: Any) -> None:
    from tracking.capture import crewai_tap  # noqa: PLC0415  # only where crewai is used

    crewai_tap.tap()


def _tap_urllib3(module: Any) -> None:
    from tracking.capture import urllib3_tap  # noqa: PLC0415  # only where urllib3 is used

    urllib3_tap.tap(module)
