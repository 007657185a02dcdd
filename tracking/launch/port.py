"""Which port: free, or taken, and by whom."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import sys
from pathlib import Path

from tracking.launch.address import healthy, open_browser, reachable, url_of
from tracking.launch.commands import output_of
from tracking.launch.place import WINDOWS, Place, read_json
from tracking.launch.problems import LaunchError
from tracking.launch.progress import say


def choose_port(place: Place, host: str, port: int, *, explicit: bool) -> int:
    """The port itself where it is free, or another one that the user agrees to."""
    if port_is_free(host, port):
        return port
    ours, description = occupant(place, host, port)
    found = f"Port {port} is taken by {description}."
    taken = LaunchError(found, "stop it, or choose another port with --port.")
    other = next((p for p in range(port + 1, min(port + 100, 65536)) if port_is_free(host, p)), None)
    if explicit or other is None:
        raise taken
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        say(f"{found} Taking port {other}.")
        return other
    answer = input(f"{found} Start on port {other}? [{'y/N' if ours else 'Y/n'}] ").strip().lower()
    if (answer or ("n" if ours else "y")).startswith("y"):
        return other
    if not ours:
        raise taken
    open_browser(url_of(host, port))
    raise SystemExit(0)


def occupant(place: Place, host: str, port: int) -> tuple[bool, str]:
    """Whether this dashboard itself is what has the port, and a description of what has it."""
    owner, before = listener(port), read_json(place.running(port))
    process = f"{owner[1]}, pid {owner[0]}" if owner else "a process not visible to this user"
    if not healthy(host, port):
        return False, f"another program ({process})"
    if before and (owner is None or before.get("pid") == owner[0]):
        return True, f"this dashboard, already running at {url_of(host, port)} ({process})"
    return False, f"another Streamlit app ({process})"


def port_is_free(host: str, port: int) -> bool:
    """Whether nothing listens there.

    Raises:
        LaunchError: this process could not listen there either.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if not WINDOWS:  # there it would allow a second listener on a port in use
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
        # Some systems let two share a port, and the older one gets the calls.
        with socket.socket(family, kind, protocol) as probe:
            probe.settimeout(1)
            return probe.connect_ex((reachable(host), port)) != 0
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise LaunchError(
            f"the dashboard cannot listen on {host} port {port}: {error.strerror}.",
            "choose an address of this computer with --host, and a port above 1023 with --port.",
        ) from error


def listener(port: int) -> tuple[int, str] | None:
    """Process id and name of what listens on a port, as far as this user may know it."""
    if Path("/proc/net/tcp").exists():
        return linux_listener(port)
    if WINDOWS:
        # The state is a translated word; a listener is known by the port 0 of its other end.
        pattern = rf"^\s*TCP\s+\S+:{port}\s+\S+:0\s+\S+\s+(\d+)\s*$"
        row = re.search(pattern, output_of("netstat", "-ano"), re.MULTILINE)
        if row is None:
            return None
        task = output_of("tasklist", "/FI", f"PID eq {row.group(1)}", "/FO", "CSV", "/NH")
        return int(row.group(1)), task.split('"')[1] if '"' in task else "unknown"
    said = output_of("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc")
    found = re.search(r"^p(\d+)\nc(.*)$", said, re.MULTILINE)
    return (int(found.group(1)), found.group(2)) if found else None


def linux_listener(port: int) -> tuple[int, str] | None:
    sockets = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for row in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else ():
            cells = row.split()
            if cells[3] == "0A" and int(cells[1].rsplit(":", 1)[1], 16) == port:  # 0A: listening
                sockets.add(f"socket:[{cells[9]}]")
    for opened in Path("/proc").glob("[0-9]*/fd/*") if sockets else ():
        with contextlib.suppress(OSError):  # other users' processes, and ones that just ended
            if str(opened.readlink()) in sockets:
                process = opened.parent.parent
                return int(process.name), (process / "comm").read_text(encoding="utf-8").strip()
    return None
