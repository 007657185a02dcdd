import subprocess
import sys

import pytest

from tracking import settings as under_test
from tracking.errors import ConfigError
from tracking.settings import REPOSITORY, Settings


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The only dashboard.toml that the settings see."""
    monkeypatch.setattr(under_test, "REPOSITORY", tmp_path)
    (tmp_path / "config").mkdir()
    return tmp_path / "config" / "dashboard.toml"


def refusal():
    with pytest.raises(ConfigError) as caught:
        Settings()
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'upload_limit_mb = "much"',
            "dashboard.toml: upload_limit_mb must be a whole number above 0, found 'much': correct it",
        ),
        (
            "worker_concurrency = 0",
            "dashboard.toml: worker_concurrency must be a whole number above 0, found 0: correct it",
        ),
        (
            "[server]\nport = 99999",
            "dashboard.toml: server.port must be a whole number from 1 to 65535, found 99999: correct it",
        ),
        ("server = 1", "dashboard.toml: server must be a table: [server], found 1: correct it"),
        (
            "[server]\nprot = 1",
            "dashboard.toml: there is no setting server.prot. Rename or remove it; there are host, port",
        ),
        (
            "worker_concurency = 1",
            (
                "dashboard.toml: there is no setting worker_concurency. Rename or remove it; there are home, "
                "config, database_url, upload_limit_mb, worker_concurrency, total_concurrency, "
                "keep_calls_days, archive_calls, survive_power_cut, worker_managed, cost_shown, server"
            ),
        ),
        ("upload_limit_mb = ", "dashboard.toml can't be read: Invalid value (at end of document)"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_key_finding_and_cure(file, text, message):
    file.write_text(text)
    assert refusal() == message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "DASHBOARD_UPLOAD_LIMIT_MB",
            "much",
            (
                "the variable DASHBOARD_UPLOAD_LIMIT_MB: upload_limit_mb must be a whole number above 0, "
                "found 'much': correct it"
            ),
        ),
        (
            "DASHBOARD_DATABSE_URL",
            "postgresql://x",
            "the variable DASHBOARD_DATABSE_URL sets nothing: did you mean DASHBOARD_DATABASE_URL?",
        ),
        ("DASHBOARD_SERVER", "{", "the variable DASHBOARD_SERVER can't be read: write it as JSON"),
    ],
)
def test_what_is_wrong_in_a_variable_is_said_with_its_name(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    assert refusal() == message


def test_a_variable_of_somebody_elses_is_left_alone(monkeypatch):
    monkeypatch.setenv("DASHBOARD_HOST", "example.org")
    assert Settings().server.host == "127.0.0.1"


def test_a_variable_overrides_the_file(file, monkeypatch):
    file.write_text("upload_limit_mb = 5")
    assert Settings().upload_limit_mb == 5
    monkeypatch.setenv("DASHBOARD_UPLOAD_LIMIT_MB", "7")
    assert Settings().upload_limit_mb == 7


def test_the_shipped_file_is_valid(monkeypatch):
    monkeypatch.delenv("DASHBOARD_HOME", raising=False)
    assert Settings().home == REPOSITORY / ".dashboard"


def test_a_command_says_it_in_a_line_and_ends(monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKER_CONCURRENCY", "many")
    done = subprocess.run(
        [sys.executable, "-m", "tracking", "worker"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "the variable DASHBOARD_WORKER_CONCURRENCY: worker_concurrency must be a whole number above 0, "
        "found 'many': correct it.\n"
    )
