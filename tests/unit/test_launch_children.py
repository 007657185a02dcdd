"""The processes that the launcher starts."""

import json
import os
import signal
import sys

from launch_clone import free_port, posix_only

from tracking.launch.children import LOG_BYTES, Child


@posix_only
def test_the_children_are_quiet_local_and_know_who_keeps_the_worker(repo, running):
    other = free_port()
    launch = running("--port", str(other), "--database", "sqlite:///other.db")
    launch.wait_for(f"http://127.0.0.1:{other}")
    repo.pids(3)
    arguments = repo.lines("streamlit_arguments.txt")[0]
    assert arguments == (
        f"run dashboard.py --server.address 127.0.0.1 --server.port {other} --server.headless true "
        "--browser.gatherUsageStats false"
    )
    env = json.loads((repo.root / "worker_env.json").read_text())
    expected = {
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_DISABLE_TRACKING": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
        "DASHBOARD_HOME": str(repo.place.home),
        "DASHBOARD_DATABASE_URL": "sqlite:///other.db",
        "DASHBOARD_WORKER_MANAGED": "1",
        "DASHBOARD_SERVER": f'{{"host": "127.0.0.1", "port": {other}}}',
        "PYTHONUTF8": "1",
    }
    assert {name: env.get(name) for name in expected} == expected
    launch.send(signal.SIGINT)
    assert launch.end() == 0


@posix_only
def test_a_log_that_has_grown_large_is_put_aside_at_the_start(repo):
    log = repo.place.log("worker")
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    child = Child("worker", [sys.executable, "-c", "print('fresh')"], repo.place, dict(os.environ))
    child.process.wait(20)
    child.end(hurry=lambda: False)
    assert log.read_text() == "fresh\n"
    assert log.with_suffix(".log.1").stat().st_size == LOG_BYTES + 1
    assert child.said(3) == f"Its last lines ({log}):\n    fresh"
