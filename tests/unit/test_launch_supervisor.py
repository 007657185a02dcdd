"""The dashboard and its worker live and end together."""

import json
import os
import re
import signal
import time

import pytest
from launch_clone import is_alive, posix_only

from tracking.launch.supervisor import Supervisor


@posix_only
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stop_ends_the_dashboard_its_worker_and_what_the_worker_started(repo, running, name):
    launch = running()
    launch.wait_for(rf"The dashboard is at http://127\.0\.0\.1:{repo.port}  \(Ctrl-C stops it\)")
    pids = repo.pids(3)  # Streamlit, worker, the worker's run
    assert json.loads(repo.place.running(repo.port).read_text())["pid"] in pids
    launch.send(getattr(signal, name))
    assert launch.end() == 0
    assert launch.said.endswith("Stopping the dashboard and its worker.\n")
    assert [pid for pid in pids if is_alive(pid)] == []
    assert not repo.place.running(repo.port).exists()


@posix_only
def test_a_closed_terminal_does_not_stop_what_nohup_started(repo, running):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does, and children inherit
    try:
        launch = running()
    finally:
        signal.signal(signal.SIGHUP, before)
    launch.wait_for("The dashboard is at")
    launch.send(signal.SIGHUP)
    time.sleep(0.5)
    assert launch.process.poll() is None
    launch.send(signal.SIGTERM)
    assert launch.end() == 0


@posix_only
def test_a_worker_that_does_not_end_is_killed(repo, running):
    repo.write("worker_is_stubborn", "")
    launch = running()
    launch.wait_for("The dashboard is at")
    pids = repo.pids(3)
    launch.send(signal.SIGINT)
    assert launch.end() == 0
    assert "The worker does not end by itself: killing it." in launch.said
    assert [pid for pid in pids if is_alive(pid)] == []


@posix_only
def test_a_worker_that_dies_is_started_again_and_it_says_why(repo, running):
    launch = running()
    launch.wait_for("The dashboard is at")
    repo.pids(3)
    worker = int(next(line for line in repo.lines("pids.txt") if " " in line).split()[0])
    os.kill(worker, signal.SIGKILL)
    launch.wait_for(
        r"The worker ended with exit code -9; starting it again in 1 s\. Its last lines .*worker\.log"
    )
    assert "    worker ready" in launch.said
    pids = repo.pids(5)
    launch.send(signal.SIGINT)
    assert launch.end() == 0
    assert [pid for pid in pids if is_alive(pid)] == []


def test_the_wait_before_a_worker_is_started_again_doubles_up_to_30_seconds(repo, monkeypatch, capsys):
    class Dead:
        began = 0.0
        process = type("P", (), {"poll": staticmethod(lambda: 1)})
        said = staticmethod(lambda count: "Its last lines")
        kill = start = staticmethod(lambda: None)

    now = [10.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    supervisor = Supervisor(repo.place, {}, "127.0.0.1", 1, browser=False)
    for _ in range(7):
        Dead.began = now[0]
        supervisor.keep_alive(Dead)  # finds it dead, plans the start
        now[0] = supervisor.restart_at
        supervisor.keep_alive(Dead)  # starts it
    waits = re.findall(r"again in (\d+) s", capsys.readouterr().out)
    assert waits == ["1", "2", "4", "8", "16", "30", "30"]


@posix_only
def test_the_end_of_the_dashboard_is_the_end_of_all_with_its_exit_code(repo, running):
    repo.write("streamlit_fails", "")
    launch = running()
    assert launch.end() == 3
    assert "The dashboard ended with exit code 3. Its last lines" in launch.said
    assert "    cannot import the page" in launch.said
    assert [pid for pid in " ".join(repo.lines("pids.txt")).split() if is_alive(int(pid))] == []


@posix_only
def test_a_dashboard_that_does_not_answer_is_not_waited_for_in_silence(repo, running):
    repo.write("streamlit_is_mute", "")
    launch = running()
    launch.wait_for("No answer for 1 s; still waiting. Its last lines")
    assert "The dashboard is at" not in launch.said
    launch.send(signal.SIGINT)
    assert launch.end() == 0
