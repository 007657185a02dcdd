"""A port is taken only when it is free, and whoever has it is named."""

import http.server
import os
import re
import socketserver
import sys
import threading
from pathlib import Path

import pytest
from launch_clone import free_port

from tracking.launch.place import write_json
from tracking.launch.port import choose_port, listener, occupant, port_is_free
from tracking.launch.problems import LaunchError


@pytest.fixture
def busy():
    """A server of this process that hangs up on everyone."""
    yield from served(socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler))


@pytest.fixture
def streamlit():
    """A server of this process that answers like Streamlit."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/_stcore/health" else 404)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    yield from served(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))


def served(server: socketserver.TCPServer):
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


needs_owner = pytest.mark.skipif(
    not Path("/proc/net/tcp").exists(), reason="this system may not show who has a port"
)


def own_name() -> str:
    return Path("/proc/self/comm").read_text().strip()


@needs_owner
def test_a_taken_port_names_the_program_and_the_next_free_one_is_taken(repo, busy, capsys):
    port = choose_port(repo.place, "127.0.0.1", busy, explicit=False)
    assert port > busy
    assert capsys.readouterr().out == (
        f"Port {busy} is taken by another program ({own_name()}, pid {os.getpid()}). Taking port {port}.\n"
    )


def test_a_port_asked_for_is_never_replaced_by_another(repo, busy):
    with pytest.raises(LaunchError) as raised:
        choose_port(repo.place, "127.0.0.1", busy, explicit=True)
    assert f"Port {busy} is taken by another program" in str(raised.value)
    assert "choose another port with --port" in str(raised.value)


def test_a_port_that_is_free_is_taken_without_a_word(repo, capsys):
    port = free_port()
    assert choose_port(repo.place, "127.0.0.1", port, explicit=True) == port
    assert capsys.readouterr().out == ""


def test_this_dashboard_is_told_from_another_streamlit_app(repo, streamlit):
    assert occupant(repo.place, "127.0.0.1", streamlit)[1].startswith("another Streamlit app (")
    write_json(repo.place.running(streamlit), {"pid": os.getpid()})
    ours, description = occupant(repo.place, "127.0.0.1", streamlit)
    assert ours
    assert description.startswith(f"this dashboard, already running at http://127.0.0.1:{streamlit} (")


@pytest.mark.parametrize(("answer", "starts"), [("", True), ("y", True), ("n", False)])
def test_a_person_is_asked_before_another_port_is_taken(repo, busy, monkeypatch, answer, starts):
    asked = answered_by(monkeypatch, answer)
    if starts:
        assert choose_port(repo.place, "127.0.0.1", busy, explicit=False) > busy
    else:
        with pytest.raises(LaunchError, match=f"Port {busy} is taken"):
            choose_port(repo.place, "127.0.0.1", busy, explicit=False)
    assert re.search(rf"Port {busy} is taken by .*\. Start on port \d+\? \[Y/n\] $", asked[0])


def test_a_person_whose_dashboard_already_runs_is_shown_it(repo, streamlit, monkeypatch):
    write_json(repo.place.running(streamlit), {"pid": os.getpid()})
    asked, shown = answered_by(monkeypatch, ""), []
    monkeypatch.setattr("tracking.launch.port.open_browser", shown.append)
    with pytest.raises(SystemExit, match="0"):
        choose_port(repo.place, "127.0.0.1", streamlit, explicit=False)
    assert asked[0].endswith("[y/N] ")
    assert shown == [f"http://127.0.0.1:{streamlit}"]


def answered_by(monkeypatch, answer: str) -> list[str]:
    asked: list[str] = []
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
    return asked


def test_an_address_of_another_computer_is_refused_in_words():
    with pytest.raises(LaunchError, match=r"cannot listen on 192\.0\.2\.1 port 8501"):
        port_is_free("192.0.2.1", 8501)


def elsewhere(monkeypatch, answers: dict[str, str], *, windows: bool) -> None:
    monkeypatch.setattr(Path, "exists", lambda self: False)
    monkeypatch.setattr("tracking.launch.port.WINDOWS", windows)
    monkeypatch.setattr("tracking.launch.port.output_of", lambda *command: answers[command[0]])


def test_on_windows_the_owner_of_a_port_is_found_in_any_language(monkeypatch):
    netstat = (
        "\r\nAktive Verbindungen\r\n\r\n"
        "  TCP    127.0.0.1:8501         127.0.0.1:50123        HERGESTELLT     77\r\n"
        "  TCP    127.0.0.1:85010        0.0.0.0:0              ABHOEREN        88\r\n"
        "  TCP    127.0.0.1:8501         0.0.0.0:0              ABHOEREN        4711\r\n"
    )
    tasklist = '"python.exe","4711","Console","1","51.208 K"\r\n'
    elsewhere(monkeypatch, {"netstat": netstat, "tasklist": tasklist}, windows=True)
    assert listener(8501) == (4711, "python.exe")


def test_on_macos_the_owner_of_a_port_is_found_by_lsof(monkeypatch):
    elsewhere(monkeypatch, {"lsof": "p4711\ncPython\nf5\n"}, windows=False)
    assert listener(8501) == (4711, "Python")


def test_where_the_owner_cannot_be_seen_it_says_so(repo, busy, monkeypatch):
    monkeypatch.setattr("tracking.launch.port.listener", lambda port: None)
    _, description = occupant(repo.place, "127.0.0.1", busy)
    assert description == "another program (a process not visible to this user)"
