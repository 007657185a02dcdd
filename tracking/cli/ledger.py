"""`python -m tracking ledger`: whether its sums are right, what leaves it, and what is deleted from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from tracking.crew.housekeeping import tidy as move_out
from tracking.errors import TrackingError
from tracking.ledger.database import moment
from tracking.ledger.ledger import Ledger
from tracking.ledger.outputs import OutputStore
from tracking.ledger.retention import Deleted, Retention
from tracking.report.format import counted
from tracking.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The ledger: check its sums, move old calls out, delete.")

Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="A day of UTC.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


@app.command()
def check(
    mend: Annotated[bool, typer.Option("--mend", help="Make the sums that are wrong anew.")] = False,
) -> None:
    """Compare what is kept of sums with the calls themselves, month by month."""
    with _opened() as ledger:
        ledger.catch_up()
        wrong = 0
        for month in ledger.upkeep.months():
            found = ledger.upkeep.check(month)
            wrong += bool(found)
            said = ", ".join(f"{counted(each.rows, 'row')} of {each.table}" for each in found) or "adds up"
            typer.echo(f"{moment(month[0]):%B %Y}: {said}")
            if found and mend:
                ledger.upkeep.rebuild(month)
                typer.echo("  made anew")
    if wrong and not mend:
        raise typer.Exit(1)


@app.command()
def tidy() -> None:
    """Move calls out that are older than keep_calls_days; workers do it every hour by themselves."""
    settings = Settings()
    if settings.keep_calls_days is None:
        typer.echo("Every call stays: keep_calls_days is not set in config/dashboard.toml.")
        return
    with _opened() as ledger:
        typer.echo(f"left the database: {counted(move_out(settings, ledger), 'call')}")


@app.command()
def delete_run(run_id: str, yes: Yes = False) -> None:
    """Delete a run for good: its calls, its part in every sum, its log, and what it wrote."""
    _confirm(f"Delete run {run_id} for good?", yes=yes)
    with _retention() as retention:
        _say(retention.delete_run(run_id))


@app.command()
def delete_range(since: Day, until: Day, yes: Yes = False) -> None:
    """Delete all calls from the day SINCE to before the day UNTIL for good, and the runs left with none."""
    _confirm(f"Delete all calls from {since:%Y-%m-%d} to before {until:%Y-%m-%d} for good?", yes=yes)
    with _retention() as retention:
        _say(retention.delete_range(since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)))


def _say(deleted: Deleted) -> None:
    typer.echo(f"gone: {counted(deleted.calls, 'call')}, {counted(deleted.runs, 'run')}")


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)


@contextmanager
def _opened() -> Iterator[Ledger]:
    try:
        with Ledger.open(Settings().ledger_url) as ledger:
            yield ledger
    except TrackingError as error:
        typer.echo(f"{error}.", err=True)
        raise typer.Exit(1) from None


@contextmanager
def _retention() -> Iterator[Retention]:
    with _opened() as ledger:
        outputs = OutputStore.open(Settings().outputs_url)
        try:
            yield Retention(ledger, outputs)
        finally:
            outputs.close()
