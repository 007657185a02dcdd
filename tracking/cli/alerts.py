"""`python -m tracking alerts`: whether destinations can be reached, and what they were told."""

from __future__ import annotations

from typing import Annotated

import typer

from tracking.alerts.destinations import load_alert_config
from tracking.alerts.log import AlertLog
from tracking.alerts.trial import try_out
from tracking.domain.alert import DeliveryState
from tracking.errors import LedgerError
from tracking.ledger.clock import read_clock
from tracking.ledger.ledger import Ledger
from tracking.report.alerts import outcome_words, problems, told_words
from tracking.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Alerts: test who is told, and see what was told.")


@app.command(name="test")
def send_test(
    destination: Annotated[str | None, typer.Argument(help="Its name; without it, all of them.")] = None,
) -> None:
    """Send a test alert to a destination of config/alerts.toml, and say whether it arrived."""
    settings = Settings()
    config = load_alert_config(settings)
    to = [each for each in config.destinations if destination in {None, each.name}]
    if not to:
        names = ", ".join(each.name for each in config.destinations) or "none"
        typer.echo(f"There is no such destination in config/alerts.toml; there are: {names}.", err=True)
        raise typer.Exit(1)
    arrived = True
    try:
        with Ledger.open(settings.ledger_url) as ledger:
            for each in to:
                outcome = try_out(ledger, config, each)
                typer.echo(outcome_words(outcome, each))
                arrived &= outcome.state is DeliveryState.SENT
    except LedgerError as error:
        typer.echo(f"{error}.", err=True)
        raise typer.Exit(1) from None
    if not arrived:
        raise typer.Exit(1)


@app.command()
def log(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 20,
    failed: Annotated[bool, typer.Option("--failed", help="Only what somebody was not told of.")] = False,
) -> None:
    """Show alerts, when they were added (in UTC), who was told, and what did not arrive."""
    try:
        with Ledger.open(Settings().ledger_url) as ledger:
            now = read_clock(ledger.engine)
            entries = AlertLog(ledger).entries(limit, failed_only=failed)
    except LedgerError as error:
        typer.echo(f"{error}.", err=True)
        raise typer.Exit(1) from None
    if not entries:
        typer.echo("Every alert arrived." if failed else "No alert yet.")
    for told in entries:
        typer.echo(f"{told.at:%Y-%m-%d %H:%M}  {told.alert.kind}  {told.alert.title}")
        typer.echo(f"    told {told_words(told, now, 'UTC')}")
        if said := problems(told):
            typer.echo(f"    {said}")
