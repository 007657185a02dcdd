"""`python -m tracking`: what the launcher and people at a terminal use."""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer

from tracking.cli import alerts, ledger, prices
from tracking.errors import ConfigError
from tracking.settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Marketing Research Swarm: worker and checks."
)
app.add_typer(prices.app, name="prices")
app.add_typer(ledger.app, name="ledger")
app.add_typer(alerts.app, name="alerts")


@app.command()
def prepare() -> None:
    """Make the databases that are missing: ledger, outputs and queue."""
    from tracking.crew.queue import prepare_queue  # noqa: PLC0415  # a second, not owed by the other commands
    from tracking.ledger.ledger import Ledger  # noqa: PLC0415
    from tracking.ledger.outputs import OutputStore  # noqa: PLC0415

    settings = Settings()
    Ledger.open(settings.ledger_url).close()
    OutputStore.open(settings.outputs_url).close()
    prepare_queue(settings)
    typer.echo(f"ready: {settings.ledger_url.rsplit('@', 1)[-1]}")


@app.command()
def worker(
    exit_when_idle: Annotated[
        float | None, typer.Option(help="End after so many minutes without a run.")
    ] = None,
    if_none: Annotated[bool, typer.Option("--if-none", help="End at once if another worker lives.")] = False,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The database whose runs to carry out, as in the settings."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="How many runs at a time, instead of the settings' number.")
    ] = None,
) -> None:
    """Carry out queued runs, beside any number of other workers, until Ctrl-C.

    SIGTERM lets it end the runs it has; a second one, or Ctrl-C, stops them.
    """
    from tracking.crew.worker import RunWorker  # noqa: PLC0415  # a second, not owed by the other commands

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # As variables, for the processes of the runs read their settings themselves.
    if database is not None:
        os.environ["DASHBOARD_DATABASE_URL"] = database
    if concurrency is not None:
        os.environ["DASHBOARD_WORKER_CONCURRENCY"] = str(concurrency)
    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    idle = None if exit_when_idle is None else exit_when_idle * 60
    RunWorker(settings).work(exit_when_idle=idle, if_none=if_none)
    logging.shutdown()
    os._exit(0)  # a thread of the queue's may still wait for a run that was left to another worker


@app.command()
def doctor() -> None:
    """Say what is installed, which models can be used and why not, and how database and worker are."""
    from tracking.crew.doctor import report  # noqa: PLC0415

    report(Settings())


def main() -> None:
    """Run a command. What is wrong with the configuration is said in a line, not in a traceback."""
    try:
        app()
    except ConfigError as error:
        typer.echo(f"{error}.", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
