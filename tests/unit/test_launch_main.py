"""The modes, from the command line to the exit code."""

import os
import shutil
import signal
import textwrap

from launch_clone import ROOT, eventually, free_port, posix_only

from tracking.launch import main
from tracking.launch.arguments import parse


@posix_only
def test_doctor_says_what_the_set_up_lacks_and_sets_nothing_up(repo):
    shutil.rmtree(repo.place.venv)
    launch = repo.run("--doctor")
    assert launch.code == 1
    assert launch.said == (
        "The set-up is not complete: .venv is missing.\nWhat to do: python run_dashboard.py --setup-only\n"
    )
    assert not repo.place.venv.exists()
    assert not repo.place.home.exists()


@posix_only
def test_doctor_of_a_complete_set_up_is_the_dashboards_own(repo):
    repo.set_up()
    launch = repo.run("--doctor")
    assert (launch.code, launch.said) == (5, "all is well\n")


@posix_only
def test_test_installs_the_test_lock_and_passes_arguments_and_exit_code_on(repo):
    launch = repo.run("--test", "--", "-k", "money", "--port")
    assert launch.said.endswith("pytest got ['-k', 'money', '--port']\n")
    assert launch.code == 7
    assert [call.split()[-1] for call in repo.lines("uv_calls.txt")[:2]] == [
        "requirements.txt",
        "tests/requirements.txt",
    ]
    assert repo.lines("tracking_calls.txt") == []  # the user's database is not touched
    assert repo.run("--test").said == "pytest got []\n"


@posix_only
def test_ctrl_c_lets_the_tests_end_in_their_own_way(repo):
    repo.set_up()
    slow = """
        import pathlib, sys, time
        try:
            pathlib.Path("tests_began").touch()
            time.sleep(30)
        except KeyboardInterrupt:
            time.sleep(0.6)
            sys.exit(9)
        """
    repo.write("pytest/__main__.py", textwrap.dedent(slow))
    launch = repo.start("--test")
    eventually((repo.root / "tests_began").exists, "the tests to begin", launch)
    os.killpg(launch.process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    assert launch.end() == 9


def test_a_host_others_can_reach_is_pointed_out(repo, monkeypatch, capsys):
    monkeypatch.setattr(main, "set_up", lambda *args, **options: None)
    monkeypatch.setattr(main.Supervisor, "run", lambda self: 0)
    options = parse(["--no-browser"], "0.0.0.0", 1)
    assert main.start(repo.place, {}, options, "0.0.0.0", free_port()) == 0
    assert "can start runs; no password is asked." in capsys.readouterr().out


def test_everything_the_launcher_says_is_ascii():
    for path in (ROOT / "run_dashboard.py", *(ROOT / "tracking" / "launch").glob("*.py")):
        assert path.read_text(encoding="utf-8").isascii(), path
