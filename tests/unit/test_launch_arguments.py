"""Options and configuration that make no sense are refused in words."""

import pytest

from tracking.launch.arguments import configured_server, parse
from tracking.launch.problems import LaunchError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "--port is 70000; ports go from 1 to 65535"),
        (["--", "-k", "x"], "arguments after -- are for pytest: add --test"),
        (["--test", "--doctor"], "not allowed with argument --test"),
        (["--test", "--database", "sqlite:///x"], "--database has no effect on --test"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(arguments, "127.0.0.1", 8501)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[server]\nport = x\n", r"dashboard\.toml is not valid TOML: .*line 2"),
        ("[server]\nport = '8501'", r"host is '127\.0\.0\.1' and port is '8501'"),
        ("[server]\nport = 0", "port is 0"),
        ("server = 3", "host is 3"),
    ],
)
def test_a_wrong_configuration_names_file_and_value(repo, toml, message):
    repo.write("config/dashboard.toml", toml)
    with pytest.raises(LaunchError, match=message):
        configured_server(repo.place)


def test_without_configuration_it_is_127_0_0_1_port_8501(repo):
    (repo.root / "config/dashboard.toml").unlink()
    assert configured_server(repo.place) == ("127.0.0.1", 8501)
