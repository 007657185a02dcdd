"""From the command line to an exit code."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from tracking.launch.arguments import configured_server, parse
from tracking.launch.children import child_environment
from tracking.launch.place import Place
from tracking.launch.port import choose_port
from tracking.launch.problems import LaunchError, explain
from tracking.launch.progress import say
from tracking.launch.setting_up import set_up
from tracking.launch.stamp import packages_trouble, venv_trouble
from tracking.launch.supervisor import Supervisor, on_stop
from tracking.launch.weights import model_trouble


def main(arguments: Sequence[str], root: Path) -> int:
    """Do what the command line asks for, with the project in `root`.

    Raises:
        KeyboardInterrupt, EOFError: it was stopped before anything was started.
    """
    place = Place(root, Path(os.environ.get("DASHBOARD_HOME") or root / ".dashboard").absolute())
    on_stop(interrupt)
    try:
        return dispatch(place, arguments)
    except LaunchError as error:
        say(f"\n{error}", file=sys.stderr)
    except OSError as error:  # it names its file; a full disk or a folder of another user's
        say(f"\n{explain('Starting', 1, [str(error)], None)}", file=sys.stderr)
    return 1


def dispatch(place: Place, arguments: Sequence[str]) -> int:
    host, port = configured_server(place)
    options = parse(arguments, host, port)
    env = child_environment(place, options.database)
    if options.doctor:
        return doctor(place, env)
    if options.test:
        env = dict(os.environ)  # the tests choose their own home, database and telemetry settings
        set_up(place, env, tests=True)
        return run_module(place, env, "pytest", *options.pytest)
    if options.setup_only:
        set_up(place, env, again=True)
        say("Set up. Start with: python run_dashboard.py")
        return 0
    return start(place, env, options, options.host or host, options.port or port)


def start(place: Place, env: Mapping[str, str], options: argparse.Namespace, host: str, port: int) -> int:
    set_up(place, env)
    port = choose_port(place, host, port, explicit=options.port is not None)
    if host not in ("127.0.0.1", "localhost", "::1"):
        say(f"Note: whoever can reach {host} port {port} can start runs; no password is asked.")
    # Another than the configured one may have been asked for, or been free: alerts link to it.
    env = {**env, "DASHBOARD_SERVER": json.dumps({"host": host, "port": port})}
    return Supervisor(place, env, host, port, browser=not options.no_browser).run()


def doctor(place: Place, env: Mapping[str, str]) -> int:
    trouble = venv_trouble(place) or packages_trouble(place, ["requirements.txt"])
    missing = trouble or model_trouble(place)
    if missing:
        say(f"The set-up is not complete: {missing}\nWhat to do: python run_dashboard.py --setup-only")
    return 1 if trouble else run_module(place, env, "tracking", "doctor")


def run_module(place: Place, env: Mapping[str, str], *arguments: str) -> int:
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the module too: let it end in its own way
    return subprocess.call([place.python, "-m", *arguments], cwd=place.root, env=env)  # noqa: S603 - built here


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
