"""What works here and what does not, for a person at a terminal."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.table import Table

from tracking.alerts.destinations import load_alert_config
from tracking.capture.support import Way, note_of, problem_of
from tracking.crew.catalog import load_catalog
from tracking.errors import TrackingError
from tracking.ledger.ledger import Ledger
from tracking.ledger.workers import WorkerList
from tracking.report.alerts import kinds_words
from tracking.report.workers import version_notes, worker_state
from tracking.settings import Settings

_PACKAGES = (
    "crewai",
    "streamlit",
    "dbos",
    "apprise",
    "genai-prices",
    "sqlalchemy",
    "xllamacpp",
    "openai",
    "anthropic",
    "google-genai",
)


def report(settings: Settings) -> None:
    """Print it. Every part is tried by itself: one that fails says so, and the others are still told."""
    console = Console()
    console.print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    console.print(_packages())
    if _is_here("crewai") and (problem := problem_of(_version("crewai"))) is not None:
        console.print(f"[yellow]{note_of(Way.EVENTS, problem)}[/yellow]")
    for part in (_models, _database, _alerts):
        try:
            console.print(part(settings))
        except TrackingError as error:
            console.print(f"[red]{type(error).__name__}[/red]: {error}")


def _packages() -> Table:
    table = Table(title="Installed", title_justify="left")
    table.add_column("package")
    table.add_column("version")
    for name in _PACKAGES:
        table.add_row(name, _version(name))
    return table


def _models(settings: Settings) -> Table:
    catalog = load_catalog(settings)
    table = Table(title="Models", title_justify="left")
    table.add_column("model")
    table.add_column("usable")
    for model in catalog.models.values():
        chosen = " (default)" if model.id == catalog.default_model.id else ""
        table.add_row(model.label, f"yes{chosen}" if model.usable else f"no, it {model.problem}")
    return table


def _database(settings: Settings) -> Table:
    table = Table(title="Database and worker", title_justify="left", show_header=False)
    with Ledger.open(settings.ledger_url) as ledger:
        table.add_row("ledger", settings.ledger_url.rsplit("@", 1)[-1])
        table.add_row("runs", f"{ledger.run_count():,}")
        table.add_row("calls", f"{ledger.totals().requests:,}")
        workers = WorkerList(ledger).living()
    for worker in workers:
        table.add_row("worker", f"{worker.host}, process {worker.pid}: {worker_state(worker)}")
    for note in version_notes(workers):
        table.add_row("versions", f"[yellow]{note}[/yellow]")
    if not workers:
        table.add_row("worker", "none alive: python run_dashboard.py starts one")
    return table


def _alerts(settings: Settings) -> Table:
    table = Table(title="Alerts", title_justify="left", show_header=False)
    destinations = load_alert_config(settings).destinations
    for to in destinations:
        here = f"{to.url_from} is {'not set here' if to.url is None else 'set'}"
        table.add_row(to.name, f"{kinds_words(to)}; {here}")
    if not destinations:
        table.add_row("nobody is told", "config/alerts.toml names no destination")
    return table


def _version(package: str) -> str:
    return version(package) if _is_here(package) else "missing: run python run_dashboard.py"


def _is_here(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
