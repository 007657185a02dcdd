"""The virtual environment is filled, or it is said why not."""

import re
import shutil
import signal
import textwrap

import pytest
from installer_outputs import REAL_OUTPUTS
from launch_clone import eventually, is_alive, posix_only

from tracking.launch import environment
from tracking.launch.problems import LaunchError


def test_too_little_disk_is_said_before_anything_is_installed(repo, monkeypatch):
    monkeypatch.setattr(
        environment.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1_200_000_000)
    )
    with pytest.raises(LaunchError, match=r"has 1\.2 GB free, setting up needs 2\.5 GB"):
        environment.check_free_space(repo.place, environment.VENV_BYTES)


@posix_only
def test_a_stop_in_the_middle_ends_the_install_and_the_next_start_repairs_it(repo):
    repo.write("uv_seconds", "30")
    launch = repo.start("--setup-only")
    pid = int(eventually(lambda: repo.lines("uv_pid.txt"), "uv to run", launch)[0])
    launch.send(signal.SIGTERM)
    assert launch.end() == 130
    assert "Stopped. The next start goes on from here." in launch.said
    assert not is_alive(pid)
    repo.write("uv_seconds", "0")
    assert repo.run("--setup-only").said.startswith("Setting up again: an earlier set-up did not finish.")


@posix_only
def test_what_a_killed_install_left_is_removed_and_what_the_user_added_stays(repo):
    packages = next(repo.place.venv.glob("lib/python*/site-packages"))
    for name, files in (("half-1.0", ["RECORD"]), ("mine-2.0", ["RECORD", "METADATA"])):
        (packages / f"{name}.dist-info").mkdir()
        for file in files:
            (packages / f"{name}.dist-info" / file).touch()
    repo.set_up()
    assert [path.name for path in packages.glob("*.dist-info")] == ["mine-2.0.dist-info"]


@posix_only
def test_a_failing_install_says_why_shows_its_output_and_passes_on_a_failure(repo):
    repo.write("uv_fails_with", textwrap.dedent(REAL_OUTPUTS["uv, wrong hash"][0]))
    launch = repo.run("--setup-only")
    assert launch.code == 1
    assert re.search(r"\[2/4\] Installing 1 packages\.\.\.  \d+ s  failed\n", launch.said)
    assert (
        "Problem: Installing 1 packages failed: a downloaded package does not match the hash" in launch.said
    )
    assert "sha256:9deba5723312380e77435581c6bf4935c94cbfab9b1ed33ef8d238ea168eb760" in launch.said
    assert f"The whole log: {repo.place.home / 'logs' / 'install.log'}" in launch.said
    assert "Traceback" not in launch.said
    assert repo.run("--doctor").said.startswith(
        "The set-up is not complete: an earlier set-up did not finish."
    )
