"""The dashboard's address: as this computer reaches it, whether it answers, and opening it."""

from __future__ import annotations

import http.client
import os
import sys
import threading
import webbrowser

from tracking.launch.place import WINDOWS


def reachable(host: str) -> str:
    """An address at which a listener on `host` answers from this computer."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on


def url_of(host: str, port: int) -> str:
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def healthy(host: str, port: int) -> bool:
    """Whether a Streamlit app answers there. Asked directly: a proxy would not know this computer."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        answer = connection.getresponse()
        return answer.status == 200 and answer.read(16).strip().lower() == b"ok"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def open_browser(url: str) -> None:
    graphical = WINDOWS or sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    if graphical:  # elsewhere a text browser would take over this terminal
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
