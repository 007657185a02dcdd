"""The command line, and the server that config/dashboard.toml sets for it."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence

from tracking.launch.place import Place
from tracking.launch.problems import LaunchError


def parse(arguments: Sequence[str], host: str, port: int) -> argparse.Namespace:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = build_parser(host, port)
    options = parser.parse_args(arguments[:end])
    options.pytest = arguments[end + 1 :]
    if options.pytest and not options.test:
        parser.error("arguments after -- are for pytest: add --test")
    if options.test and options.database:
        parser.error("--database has no effect on --test: the tests make databases of their own")
    if options.port is not None and not 0 < options.port < 65536:
        parser.error(f"--port is {options.port}; ports go from 1 to 65535")
    return options


def build_parser(host: str, port: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Set up and start the Marketing Research Swarm Dashboard.",
        epilog="What follows `--test --` goes to pytest: python run_dashboard.py --test -- -k money",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--test", action="store_true", help="set up the test tools too, run the whole suite")
    mode.add_argument(
        "--doctor", action="store_true", help="say what works and what does not; install nothing"
    )
    mode.add_argument("--setup-only", action="store_true", help="set up, prepare the database, start nothing")
    parser.add_argument("--port", type=int, metavar="N", help=f"port to listen on [default: {port}]")
    parser.add_argument("--host", metavar="H", help=f"address to listen on [default: {host}]")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument(
        "--database", metavar="URL", help="PostgreSQL or SQLite URL [default: SQLite in the home]"
    )
    return parser


def configured_server(place: Place) -> tuple[str, int]:
    """Host and port from config/dashboard.toml [server], 127.0.0.1 and 8501 where it is silent."""
    path = place.root / "config" / "dashboard.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("server", {})
        server = found if isinstance(found, dict) else {"host": found}
    except FileNotFoundError:
        server = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LaunchError(f"{path} is not valid TOML: {error}.", "correct that line.") from error
    host, port = server.get("host", "127.0.0.1"), server.get("port", 8501)
    if not isinstance(host, str) or type(port) is not int or not 0 < port < 65536:
        raise LaunchError(
            f"{path}, [server]: host is {host!r} and port is {port!r}.",
            'write host as text ("127.0.0.1") and port as a number from 1 to 65535.',
        )
    return host, port
