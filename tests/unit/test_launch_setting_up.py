"""A whole set-up, with a script that stands for uv."""

import hashlib
import json
import re
import signal

from launch_clone import WEIGHTS, eventually, posix_only


@posix_only
def test_a_set_up_says_each_step_and_leaves_a_complete_stamp(repo):
    launch = repo.run("--setup-only")
    assert launch.code == 0
    assert re.sub(r"\d+ s\n", "N s\n", launch.said) == (
        "Setting up again: an earlier set-up did not finish.\n"
        "[1/4] Installing uv...  N s\n"
        "[2/4] Installing 1 packages...  N s\n"
        "[3/4] Fetching the local demo model (98 MB)...  N s\n"
        "[4/4] Preparing the database...  N s\n"
        "Set up. Start with: python run_dashboard.py\n"
    )
    assert repo.place.model.read_bytes() == WEIGHTS
    assert [path.name for path in repo.place.model.parent.iterdir()] == [repo.place.model.name]
    stamp = json.loads(repo.place.stamp.read_text())
    assert stamp["complete"] is True
    assert stamp["model"]["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    packages, model = repo.lines("uv_calls.txt")
    assert packages.endswith("--require-hashes -r requirements.txt")
    assert "--no-deps --only-binary :all:" in model


@posix_only
def test_a_second_set_up_installs_nothing(repo):
    repo.set_up()
    launch = repo.run("--setup-only")
    assert launch.said.startswith("[1/1] Preparing the database...")
    assert repo.lines("uv_calls.txt") == []


@posix_only
def test_a_database_that_cannot_be_prepared_says_so(repo):
    repo.write("prepare_code", "4")
    launch = repo.run("--setup-only")
    assert launch.code == 1
    assert "Problem: Preparing the database failed with exit code 4." in launch.said


@posix_only
def test_a_home_that_cannot_be_made_is_named(repo):
    repo.write("blocked", "a file where the home should be")
    launch = repo.run("--setup-only", DASHBOARD_HOME=str(repo.root / "blocked"))
    assert launch.code == 1
    assert f"Not a directory: '{repo.root / 'blocked' / 'logs'}'" in launch.said
    assert "Traceback" not in launch.said


@posix_only
def test_two_starts_at_once_install_once(repo):
    repo.write("uv_seconds", "1.5")
    first = repo.start("--setup-only")
    eventually(lambda: repo.lines("uv_pid.txt"), "uv to run", first)
    second = repo.start("--setup-only")
    second.wait_for(rf"Another start \(pid {first.process.pid}\) is setting up; waiting for it\.")
    assert (first.end(), second.end()) == (0, 0)
    assert "[1/1] Preparing the database..." in second.said
    assert len(repo.lines("uv_calls.txt")) == 2  # packages and model, each once


@posix_only
def test_a_stale_lock_is_taken_over_at_once(repo):
    repo.write(".dashboard/install.lock", "999999999\n")
    launch = repo.run("--setup-only")
    assert launch.code == 0
    assert "Another start" not in launch.said


@posix_only
def test_a_start_prepares_its_own_database_once_and_asks_a_server_every_time(repo, running):
    repo.set_up()
    for url, prepared in ((None, ["worker"]), ("sqlite:///other.db", ["prepare", "worker"])):
        (repo.root / "tracking_calls.txt").unlink()
        launch = running(*([] if url is None else ["--database", url]))
        launch.wait_for("The dashboard is at")
        eventually(lambda: "worker" in repo.lines("tracking_calls.txt"), "the worker", launch)
        launch.send(signal.SIGTERM)
        assert launch.end() == 0
        assert repo.lines("tracking_calls.txt") == prepared


@posix_only
def test_a_start_after_another_lock_was_installed_prepares_the_database_again(repo, running):
    repo.set_up()
    repo.write("requirements.txt", "tiny==1.1 --hash=sha256:11\n")
    (repo.root / "tracking_calls.txt").unlink()
    running().wait_for("The dashboard is at")
    assert repo.lines("tracking_calls.txt")[0] == "prepare"
