"""What config/alerts.toml may say. What is wrong is named, and never quoted where it may be a secret."""

from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tracking.alerts.destinations import KINDS, AlertConfig, Destination, load_alert_config
from tracking.alerts.quiet import QuietHours
from tracking.domain.alert import AlertKind
from tracking.errors import ConfigError
from tracking.settings import Server, Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def read(tmp_path):
    def read(text, **settings):
        (tmp_path / "alerts.toml").write_text(text, encoding="utf-8")
        return load_alert_config(Settings(config=tmp_path, **settings))

    return read


def test_the_file_that_is_shipped_tells_nobody():
    config = load_alert_config(Settings())
    assert config == AlertConfig("http://127.0.0.1:8501", timedelta(hours=1), ())


def test_the_shipped_files_examples_are_valid_and_name_every_kind(read):
    text = (ROOT / "config" / "alerts.toml").read_text(encoding="utf-8")
    keys = ("[", "url_from", "kinds", "quiet_hours", "zone", "urgent", "base_url")
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    table = [line for line in lines if line.startswith(keys) and (line[0] == "[" or "=" in line)]
    config = read("\n".join(sorted(table, key=lambda line: not line.startswith("base_url"))))
    [team] = config.destinations
    assert team.kinds == {AlertKind.BUDGET_REFUSED, AlertKind.RUN_FAILED, AlertKind.RUN_LOST}
    assert config.base_url == "https://swarm.example.com"
    for kind in KINDS:
        assert f"#   {kind} " in text


def test_no_file_is_no_destination(tmp_path):
    assert load_alert_config(Settings(config=tmp_path)).destinations == ()


def test_everything_that_can_be_said(read):
    config = read(
        'base_url = "https://swarm.example.com/"\nrepeat_after = "30m"\n'
        '[destinations.team]\nurl_from = "ALERT_SLACK_URL"\nkinds = ["run_lost"]\n'
        'quiet_hours = "22:00-07:00"\nzone = "Europe/Berlin"\nurgent = ["run_lost"]\n'
        '[destinations.ops]\nurl_from = "ALERT_MAIL_URL"\n'
    )
    assert config.base_url == "https://swarm.example.com"
    assert config.repeat_after == timedelta(minutes=30)
    lost = frozenset({AlertKind.RUN_LOST})
    quiet = QuietHours(time(22), time(7), ZoneInfo("Europe/Berlin"))
    assert config.destinations == (
        Destination("team", "ALERT_SLACK_URL", lost, quiet, lost),
        Destination("ops", "ALERT_MAIL_URL"),
    )
    assert config.link("r1") == "https://swarm.example.com/runs?run=r1"
    assert config.link("a b&c") == "https://swarm.example.com/runs?run=a%20b%26c"
    assert config.link(None) == "https://swarm.example.com/alerts"


def test_without_an_address_of_the_page_it_is_where_it_is_served_here(read):
    assert read("", server=Server(host="0.0.0.0", port=9000)).base_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[destinations.team]\n", "destinations.team.url_from is missing"),
        (
            "[destinations.team]\nurl_from = 'slack://secret/b/c'\n",
            "destinations.team.url_from holds an address",
        ),
        ("[destinations.team]\nurl = 'slack://secret/b/c'\n", "destinations.team.url holds an address"),
        ("[destinations.team]\nurl_from = 'X'\nkinds = ['a://secret']\n", "destinations.team.kinds holds an"),
        ("[destinations.team]\nurl_from = 'user:secret@host'\n", "url_from must be the name of a variable"),
        ("base_url = 'https://user:secret@host'\n", "base_url holds a user or password"),
        ("base_url = 'swarm'\n", "base_url must be an address"),
        ("repeat_after = '0m'\n", "repeat_after must be a time like 30m, 6h or 1d, found '0m'"),
        ("repeat_after = 5\n", "repeat_after must be a time like 30m, 6h or 1d, found 5"),
        ("quiet = 1\n", "quiet is not known"),
        ("destinations = 1\n", "destinations must be tables"),
        ("[destinations]\nteam = 1\n", "destinations.team must be a table"),
        ("[destinations.team]\nurl_from = 'X'\nkind = []\n", "destinations.team.kind is not known"),
        ("[destinations.team]\nurl_from = 'X'\nkinds = ['run_lsot']\n", "kinds names run_lsot, known are"),
        ("[destinations.team]\nurl_from = 'X'\nkinds = ['test']\n", "kinds names test, known are"),
        (
            "[destinations.team]\nurl_from = 'X'\nzone = 'UTC'\n",
            "team.zone says in which zone quiet_hours are",
        ),
        ("[destinations.team]\nurl_from = 'X'\nquiet_hours = '22-7'\n", "must be hours like 22:00-07:00"),
        ("[destinations.team]\nurl_from = 'X'\nquiet_hours = '07:00-07:00'\n", "are none: correct it"),
        (
            "[destinations.team]\nurl_from = 'X'\nquiet_hours = '22:00-07:00'\nzone = 'Mars/Base'\n",
            "destinations.team.zone must be a time zone, like Europe/Berlin, found 'Mars/Base'",
        ),
        ("[destinations.team\nurl_from = 'slack://secret'", "alerts.toml is not TOML (at line 1, column 19)"),
    ],
)
def test_what_is_wrong_is_named_with_its_key_and_without_its_address(read, text, says):
    with pytest.raises(ConfigError, match=r"^alerts\.toml") as error:
        read(text)
    assert says in str(error.value)
    assert "secret" not in str(error.value).replace("may be a secret", "")


def test_an_address_is_read_when_it_is_needed(monkeypatch):
    team = Destination("team", "ALERT_TEAM_URL")
    monkeypatch.delenv("ALERT_TEAM_URL", raising=False)
    assert team.url is None
    monkeypatch.setenv("ALERT_TEAM_URL", "  ")
    assert team.url is None
    monkeypatch.setenv("ALERT_TEAM_URL", "json://localhost")
    assert team.url == "json://localhost"


def test_where_the_launcher_has_the_page_listen_is_where_links_lead(monkeypatch, tmp_path):
    monkeypatch.setenv("DASHBOARD_SERVER", '{"host": "127.0.0.1", "port": 8507}')
    assert load_alert_config(Settings(config=tmp_path)).link("r1") == "http://127.0.0.1:8507/runs?run=r1"
