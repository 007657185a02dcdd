"""Small real runs against a metering provider, and workers in processes of their own that carry them out."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tracking.domain.spec import Campaign, RunSettings, RunSpec

CALLS_OF_A_RUN = 2
SPEC = RunSpec(
    preset="custom",
    agents=("market_research_analyst", "content_strategist"),
    model="openai-mini",
    settings=RunSettings(max_output_tokens=50),
)


def of_shop(number):
    """A run whose every prompt has the number in it."""
    return dataclasses.replace(SPEC, campaign=Campaign(target_audience=f"customers of shop {number}."))


@contextmanager
def worker_process(name, folder, *options, **variables):
    """`python -m tracking worker`, killed at the end with all that it started if it still lives."""
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tracking", "worker", *options],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | variables,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def eventually(condition, what, patience):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    pytest.fail(f"{what} did not happen within {patience} s")
