"""`stageplay document`: a brief, a plan, a review on paper, with what is known now; and those that were made."""

import sys
from typing import Annotated, Literal

import typer

import settings as configuration
from activities.delivery import Delivery
from activities.mime import UnsendableError
from activities.papers import NoSuchKindError, Shelf, shelf, write
from cli.connection import opened
from cli.explain import NoSuchError, find
from cli.processes import ProcessError
from lifecycle import calendar
from settings import Settings
from store import documents
from store.customers import Customer
from store.database import Database, now


def command(
    customer: Annotated[str, typer.Argument(help="The sender's id of the customer, or ours.")],
    kind: Annotated[str, typer.Argument(help="Such as qbr-preparation; lists them when left out.")] = "",
    *,
    form: Annotated[
        Literal["markdown", "html"], typer.Option("--format", help="markdown to read and edit, html to show.")
    ] = "markdown",
) -> None:
    """Write a document about a customer with what is known now, or list which there are and which were made."""
    settings = configuration.load()
    with opened(settings.database_url) as database:
        whose, there = _found(database, customer)
        if not kind:
            _list(database, there, whose)
            return
        try:
            print(_written(database, there, settings, whose, kind, form), end="")
        except UnsendableError as error:
            print(f"{whose.name}: {error}", file=sys.stderr)
            raise typer.Exit(1) from None


def _found(db: Database, wanted: str) -> tuple[Customer, Shelf]:
    with db.read() as c:
        whose, there = find(c, wanted), shelf(c)
    if there is None:
        raise ProcessError("no playbooks are applied yet; run `stageplay apply`")
    return whose, there


def _written(db: Database, there: Shelf, settings: Settings, whose: Customer, kind: str, form: str) -> str:
    """The document.

    Raises:
        NoSuchError: there is none of this kind.
    """
    try:
        with db.read() as c:
            found = write(c, there, _delivery(settings), whose, kind, whose.clock.virtual(now()))
    except NoSuchKindError as error:
        raise NoSuchError(str(error)) from None
    return found.html if form == "html" else found.markdown


def _delivery(settings: Settings) -> Delivery:
    """What texts say of this installation; nothing is sent."""
    return Delivery(
        public_url=settings.public_url,
        from_email=settings.from_email,
        company_name=settings.company_name,
        company_address=settings.company_address,
        help_url=settings.help_url,
        link_secret=settings.link_secret.get_secret_value(),
    )


def _list(db: Database, there: Shelf, whose: Customer) -> None:
    with db.read() as c:
        made = documents.of(c, whose.id)
    print(f"{whose.name} ({whose.outer_id})")
    for kind in there.kinds:
        print(f"  stageplay document {whose.outer_id} {kind}")
    for document in made:
        day = calendar.local(document.made_at, whose.profile.zone).date()
        print(f"  made on {day.isoformat()}: {document.title}")
