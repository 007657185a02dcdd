"""What is installed is known, and what no longer holds is noticed."""

from pathlib import Path

import pytest
from launch_clone import posix_only

from tracking.launch.stamp import venv_trouble


@posix_only
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda repo: repo.write("requirements.txt", "tiny==1.1 --hash=sha256:11\n"),
            "requirements.txt changed",
        ),
        (lambda repo: repo.make_venv(), ".venv was changed since the last set-up"),
        (lambda repo: repo.place.stamp.write_text('{"complete": tr'), "an earlier set-up did not finish"),
    ],
    ids=["other lock", "other .venv", "damaged stamp"],
)
def test_a_set_up_that_no_longer_holds_is_repaired(repo, change, reason):
    repo.set_up()
    change(repo)
    launch = repo.run("--setup-only")
    assert launch.code == 0
    assert launch.said.startswith(f"Setting up again: {reason}")
    assert "-r requirements.txt" in repo.lines("uv_calls.txt")[0]
    assert repo.run("--setup-only").said.startswith("[1/1]")


@posix_only
def test_a_venv_changed_through_another_home_is_noticed(repo):
    repo.set_up()
    before = (repo.root / "requirements.txt").read_text()
    repo.write("requirements.txt", "tiny==1.1 --hash=sha256:11\n")
    assert repo.run("--setup-only", DASHBOARD_HOME=str(repo.root / "other")).code == 0
    repo.write("requirements.txt", before)
    assert repo.run("--setup-only").said.startswith(
        "Setting up again: .venv was changed since the last set-up."
    )


@posix_only
def test_a_missing_lock_says_how_to_get_it_back(repo):
    (repo.root / "requirements.txt").unlink()
    launch = repo.run("--setup-only")
    assert launch.code == 1
    assert "requirements.txt cannot be read: No such file or directory." in launch.said
    assert "git checkout -- requirements.txt" in launch.said


@posix_only
def test_a_broken_venv_is_told_from_a_missing_one(repo):
    python = Path(repo.place.python)
    python.unlink()
    python.symlink_to("/nonexistent/python")
    assert venv_trouble(repo.place) == ".venv is broken: its Python does not run."
