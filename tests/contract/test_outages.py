"""The disk is full, the file read-only, the server restarted: calls wait on disk and arrive once."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from run_support import call

from tracking import Ledger
from tracking.errors import LedgerError

ON_LINUX_AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mount") is not None


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@contextmanager
def a_disk_of(megabytes, place):
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={megabytes}m", "none", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path):
    """Until nothing more fits on the disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


@pytest.mark.skipif(not ON_LINUX_AS_ROOT, reason="only root can mount a small disk")
def test_on_a_full_disk_calls_wait_in_what_was_reserved_for_them(tmp_path):
    with a_disk_of(8, tmp_path / "disk") as disk:
        ledger = Ledger.open(f"sqlite:///{disk / 'ledger.sqlite'}")
        ledger.append(call(0))
        ledger.flush()
        filler = disk / "filler"
        fill(filler)
        for number in range(1, 500):
            ledger.append(call(number))
        with pytest.raises(LedgerError, match="calls wait in"):
            ledger.flush()
        assert ledger.waiting > 0
        filler.unlink()
        assert [each.call_id for each in ledger.calls()] == [f"run-{n}" for n in range(500)]
        ledger.close()


@pytest.mark.skipif(not ON_LINUX_AS_ROOT, reason="only root can mount a file read-only")
def test_calls_wait_while_the_file_is_read_only(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.append(call(1))
    mount("--bind", path, path)
    try:
        mount("-o", "remount,bind,ro", path)
        ledger = Ledger.open(f"sqlite:///{path}")
        assert ledger.totals().requests == 1
        ledger.append(call(2))
        with pytest.raises(LedgerError, match=r"calls wait in .*readonly"):
            ledger.flush()
        assert ledger.waiting == 1
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
    with pytest.raises(LedgerError):  # its connections still hold the file as it was mounted
        ledger.close()
    with Ledger.open(f"sqlite:///{path}") as ledger:
        assert [each.call_id for each in ledger.calls()] == ["run-1", "run-2"]


@pytest.fixture
def server():
    """A PostgreSQL server of this test's own, which can be stopped."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs or not ON_LINUX_AS_ROOT:
        pytest.skip("no PostgreSQL server that could be started here")
    data = Path(tempfile.mkdtemp(prefix="server"))  # the server's own user cannot enter pytest's folders
    shutil.chown(data, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bin_folder = programs[-1].parent

    def as_postgres(*command):
        subprocess.run(
            [bin_folder / command[0], *command[1:]],
            user="postgres",
            cwd=data,
            check=True,
            capture_output=True,
        )

    as_postgres("initdb", "-D", data / "db", "-A", "trust", "-U", "postgres")
    options = f"-p {port} -h 127.0.0.1 -k {data}"

    def start():
        as_postgres("pg_ctl", "start", "-w", "-D", data / "db", "-o", options, "-l", data / "log")

    def stop():
        as_postgres("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data / "db")

    start()
    yield f"postgresql://postgres@127.0.0.1:{port}/postgres", start, stop
    stop()
    shutil.rmtree(data)


def test_a_server_that_is_restarted_mid_run_gets_every_call_once(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_HOME", str(tmp_path / "home"))
    url, start, stop = server
    with Ledger.open(url) as ledger:
        for number in range(100):
            ledger.append(call(number))
            if number == 30:
                stop()
            if number == 60:
                with pytest.raises(LedgerError):
                    ledger.flush()
                start()
        deadline = time.monotonic() + 60
        while ledger.waiting and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [each.call_id for each in ledger.calls()] == [f"run-{n}" for n in range(100)]
        ledger.catch_up()
        assert ledger.totals().requests == 100
