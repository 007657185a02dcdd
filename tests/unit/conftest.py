"""What the tests of the launcher start from."""

import os
import signal

import pytest
from launch_clone import Repo, is_alive


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "clone")


@pytest.fixture
def running(repo):
    """Start the launcher; whatever a failed test leaves running is killed afterwards."""
    launches = []

    def start(*arguments, **env):
        launches.append(repo.start("--no-browser", *arguments, **env))
        return launches[-1]

    yield start
    for launch in launches:
        launch.process.kill()
        launch.process.wait()
    for pid in " ".join(repo.lines("pids.txt")).split():
        if is_alive(int(pid)):
            os.kill(int(pid), signal.SIGKILL)
