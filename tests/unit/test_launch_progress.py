"""How far it is."""

import os
import re
import subprocess
import sys

from launch_clone import ROOT, posix_only

from tracking.launch.progress import elapsed


def test_elapsed_time_is_said_in_human_units():
    assert [elapsed(s) for s in (0.2, 59.4, 59.6, 125)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "2 min 05 s",
    ]


@posix_only
def test_on_a_terminal_the_step_shows_the_latest_output_and_only_ascii(tmp_path):
    import pty

    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tracking.launch.place import Place
from tracking.launch.progress import Step
step = Step(Place(Path({str(tmp_path)!r}), Path({str(tmp_path)!r})), "2/5", "Installing 162 packages")
with step:
    step.run(sys.executable, "-c", "print('Downloading pandas', flush=True); import time; time.sleep(0.6)")
"""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-B", "-c", script], stdout=slave, stderr=slave, stdin=slave
    ) as process:
        os.close(slave)
        shown = b""
        try:
            while block := os.read(master, 4096):
                shown += block
        except OSError:  # Linux' way of saying that the other end was closed
            pass
    os.close(master)
    assert process.returncode == 0
    assert re.search(rb"\r\[2/5\] Installing 162 packages\.\.\.  \d s  Downloading pandas", shown)
    assert re.search(rb"\r\[2/5\] Installing 162 packages\.\.\.  \d s\r\n$", shown)
    assert shown.isascii()
