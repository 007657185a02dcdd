"""A real worker, a real run that fails, and a webhook that hears of it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from receivers import Webhook, free_port

from tracking import Ledger
from tracking.crew.queue import submit
from tracking.domain.spec import RunSettings, RunSpec
from tracking.settings import REPOSITORY, Settings

PATIENCE = 240  # seconds, on a machine that may be very busy
pytestmark = pytest.mark.timeout(2 * PATIENCE)
SPEC = RunSpec(
    preset="custom",
    agents=("market_research_analyst",),
    model="openai-mini",
    settings=RunSettings(max_output_tokens=50),
)
FILE = """
base_url = "https://swarm.example.com"
[destinations.team]
url_from = "ALERT_TEAM_URL"
"""


@pytest.fixture
def webhook(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")  # nobody is there
    config = tmp_path / "config"
    config.mkdir()
    for file in (REPOSITORY / "config").iterdir():
        if file.name != "alerts.toml":
            (config / file.name).symlink_to(file)
    (config / "alerts.toml").write_text(FILE)
    monkeypatch.setenv("DASHBOARD_CONFIG", str(config))
    server = Webhook().start()
    monkeypatch.setenv("ALERT_TEAM_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "worker.log"
    with path.open("wb") as file:
        command = [sys.executable, "-m", "tracking", "worker"]
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    yield path
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_that_failed_is_told_with_a_link_to_it(webhook, log):
    settings = Settings()
    with Ledger.open(settings.ledger_url) as ledger:
        run_id = submit(settings, ledger, SPEC, name="Nobody answers")
        deadline = time.monotonic() + PATIENCE
        while not webhook.messages and time.monotonic() < deadline:
            time.sleep(0.1)
        assert webhook.messages, log.read_text()
        [(title, body)] = webhook.messages
        run = ledger.run(run_id)
    assert title == f"Nobody answers failed: {run.error['type']}"
    assert body.endswith(f"\n\nhttps://swarm.example.com/runs?run={run_id}")
    assert "T0PSECRETTOKEN" not in log.read_text()
