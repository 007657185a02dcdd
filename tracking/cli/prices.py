"""`python -m tracking prices`: what a model cost and when, and whether a list of prices can be right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tracking.cli.price_tables import card_table, difference_table
from tracking.domain.cost import Cost
from tracking.errors import LedgerError, TrackingError
from tracking.pricing import publication
from tracking.pricing.book import PRICES, PriceBook
from tracking.pricing.checks import check as findings_in
from tracking.pricing.comparison import Found, between_books, between_lists, with_a_file, with_the_list
from tracking.pricing.history import read
from tracking.pricing.listed import PriceList
from tracking.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What models cost, and when.")

OURS = "config/prices.toml"
At = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="By the prices of that time, in UTC."),
]


@app.command()
def show(
    model: str,
    provider: Annotated[str | None, typer.Option(help="Who bills, where the name does not say.")] = None,
    at: At = None,
) -> None:
    """Every known price of a model, the newest first, each with its period and its source."""
    with _console() as console:
        offers = PriceBook.load(Settings().price_overrides).offers(model, provider=provider)
        if isinstance(offers, Cost):
            receipt = offers.receipt
            console.print(f"{model}: {offers.state}, {receipt and (receipt.note or receipt.source)}")
            raise typer.Exit(offers.amount is None)
        shown = [offer.card for offer in offers if at is None or offer.card.covers(_utc(at))]
        for card in shown:
            console.print(card_table(card))
        if not shown:
            console.print(f"{model}: no price of it is known for {at}")
        raise typer.Exit(not shown)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A price file.", show_default=OURS)] = PRICES) -> None:
    """What is impossible in a price file, and what looks like a slip. Exits with 1 for what is impossible."""
    with _console() as console:
        try:
            found = findings_in(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            console.print(f"{file} can't be read: {error}")
            raise typer.Exit(1) from None
        for each in found:
            console.print(f"{file}:{each.line}: {'impossible' if each.impossible else 'look'}: {each.what}")
        wrong = sum(each.impossible for each in found)
        console.print(f"{wrong} impossible, {len(found) - wrong} to look at")
        raise typer.Exit(wrong > 0)


@app.command()
def diff(
    file: Annotated[Path | None, typer.Option(help="What this file of your own would change.")] = None,
    at: At = None,
) -> None:
    """What the public list says and our history says otherwise, now or at another time, model by model."""
    with _console() as console:
        history = read(PRICES)
        if file is not None:
            found, title, sides = with_a_file(read(file), history), f"{file} changes", (OURS, file.name)
        else:
            prices, moment = PriceList(), datetime.now(UTC) if at is None else _utc(at)
            found, title = with_the_list(history, prices, moment), f"At {moment:%Y-%m-%d %H:%M} UTC"
            sides = (prices.publication.source, OURS)
        _print_differences(console, title, sides, found)


@app.command()
def update(
    undo: Annotated[bool, typer.Option("--undo", help="Price by the list in the package again.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Say what changes for all models, not just those in the ledger.")
    ] = False,
    url: Annotated[str | None, typer.Option("--from", help="Another address of the list: a mirror.")] = None,
) -> None:
    """Fetch the newest public list and price by it. What was priced before keeps its price."""
    home = Settings().home
    with _console() as console:
        before, fetched = PriceList(), None if undo else publication.fetch(url)
        published = publication.bundled() if fetched is None else fetched.publication()
        after = PriceList(lambda: published)
        seen = [] if everything else _models_in_the_ledger(console)
        if seen:
            books = [PriceBook(read(PRICES), prices) for prices in (before, after)]
            found, title = between_books(books[0], books[1], seen), f"Of {len(seen)} models in the ledger"
        else:
            found, title = between_lists(before, after), "Of all models in both lists"
        _print_differences(console, title, (before.publication.source, published.source), found)
        if fetched is None:
            publication.forget(home)
        else:
            publication.keep(fetched, home)
        console.print(
            f"In force from now on: {published.source}. What {OURS} has is priced by that, as before."
        )


def _models_in_the_ledger(console: Console) -> list[tuple[str, str]]:
    from tracking.ledger.ledger import Ledger  # noqa: PLC0415  # a second, not owed by the other commands

    try:
        with Ledger.open(Settings().ledger_url) as ledger:
            return ledger.models()
    except LedgerError as error:
        console.print(f"The ledger can't be asked which models matter: {error}")
        return []


def _print_differences(console: Console, title: str, sides: tuple[str, str], found: Found) -> None:
    if found:
        console.print(difference_table(title, sides, found))
    console.print(f"{title}: {len(found) or 'none'} {'differs' if len(found) < 2 else 'differ'}")


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)


@contextmanager
def _console() -> Iterator[Console]:
    """Where to print. What is wrong is said in a line, and the command fails."""
    # What is printed names files and models: none of it is markup, and a terminal breaks no line of it.
    console = Console(markup=False, highlight=False, soft_wrap=True)
    try:
        yield console
    except TrackingError as error:
        console.print(str(error))
        raise typer.Exit(1) from None
