"""The local demo model: checked before it is used, and borne when it is missing."""

import hashlib
import re

from launch_clone import WEIGHTS, posix_only


@posix_only
def test_the_local_model_with_a_wrong_hash_is_not_used_and_nothing_else_stops(repo):
    (repo.root / "weights").write_bytes(b"corrupted")
    launch = repo.run("--setup-only")
    assert launch.code == 0
    assert re.search(r"Fetching the local demo model \(98 MB\)\.\.\.  \d s  failed\n", launch.said)
    assert "Warning: the local demo model is missing; cloud models work." in launch.said
    assert f"found sha256 {hashlib.sha256(b'corrupted').hexdigest()}. It was not used." in launch.said
    assert list(repo.place.model.parent.iterdir()) == []


@posix_only
def test_a_missing_local_model_is_fetched_again_by_set_up_only_not_by_every_start(repo, running):
    (repo.root / "weights").write_bytes(b"corrupted")
    repo.set_up()
    (repo.root / "weights").write_bytes(WEIGHTS)
    launch = running()
    launch.wait_for("The dashboard is at")
    assert "`python run_dashboard.py --setup-only` tries again." in launch.said
    assert repo.lines("uv_calls.txt") == []
    repo.run("--setup-only")
    assert repo.place.model.read_bytes() == WEIGHTS


@posix_only
def test_a_local_model_changed_on_disk_is_fetched_again(repo):
    repo.set_up()
    repo.place.model.write_bytes(b"other weights")
    assert "Fetching the local demo model" in repo.run("--setup-only").said
    assert repo.place.model.read_bytes() == WEIGHTS


@posix_only
def test_a_local_model_that_is_already_there_is_checked_not_fetched(repo):
    repo.set_up()
    repo.place.stamp.unlink()
    assert repo.run("--setup-only").code == 0
    assert [call for call in repo.lines("uv_calls.txt") if "--target" in call] == []
