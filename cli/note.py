"""`stageplay note`: a note of a call changes the account; what it would change is shown first, and done with --yes.

The note takes the way of every event, so that whoever delivers tells the customer's workflow; while no gateway runs it
waits in the inbox, and nothing is lost.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlalchemy import Connection

import settings as configuration
from authoring.diagnostics import render_json, render_text
from cli.connection import opened
from cli.explain import NoSuchError, find
from gateway import notes
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from gateway.notes import Plan
from gateway.pages import new_press
from gateway.refusals import RefusedError
from lifecycle.playbook import Lifecycle
from store import team
from store.customers import Customer
from store.database import Database

STDIN = "-"

Whose = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The sender's id of the customer, or ours.")]
File = Annotated[str, typer.Argument(metavar="FILE", help="The note as Markdown; - reads what is piped in.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown.")]
By = Annotated[str, typer.Option(help="Who wrote it: a teammate's id or address; else the customer's CSM.")]


def command(
    customer: Whose,
    file: File,
    *,
    yes: Yes = False,
    by: By = "",
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")] = "text",
) -> None:
    """Take in a note of a call or a business review: what it changes is shown first, and done with --yes."""
    text = _read(file)
    with opened(configuration.load().database_url) as database:
        try:
            raise typer.Exit(_note(database, customer, text, file, by, yes=yes, form=form))
        except RefusedError as refused:
            print(f"{refused.field} {refused.problem}\n  fix: {refused.fix}", file=sys.stderr)
            raise typer.Exit(1) from None


def _read(file: str) -> str:
    """The text of the note.

    Raises:
        NoSuchError: there is no such file, or it is not UTF-8.
    """
    try:
        return sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoSuchError(
            f"the note cannot be read: {type(error).__name__}; name a text file, or - for a pipe"
        ) from None


def _note(db: Database, wanted: str, text: str, file: str, by: str, *, yes: bool, form: str) -> int:
    with db.begin() as c:
        whose = find(c, wanted)
        _, lifecycle = Lifecycles().current(c)
        note, wrong = notes.read(c, whose, text, lifecycle, file)
        if note is None:
            _wrong(json.dumps(render_json(wrong), indent=2) if form == "json" else render_text(wrong), form)
            return 1
        if why := notes.mismatch(whose, note):
            print(f"{file}:1: {why}\n  fix: name the customer that the note is about", file=sys.stderr)
            return 1
        address = _address(c, by)
        found = notes.plan(c, whose, note, text, notes.author(c, whose, address), lifecycle)
    _show(whose, found, lifecycle, form, done=yes)
    if yes and (found.changed or found.ticks):
        data = {"customer": whose.outer_id, "note": text, **({"by": address} if address else {})}
        Intake(db, Lifecycles(), allow_rehearsal=False).take(Inbound("cli", notes.NOTED, new_press(), data))
    return 0


def _wrong(said: str, form: str) -> None:
    print(said, file=sys.stdout if form == "json" else sys.stderr)


def _address(c: Connection, by: str) -> str | None:
    """The address of who wrote it; None where nobody says.

    Raises:
        NoSuchError: nobody on the team is called that.
    """
    if not by:
        return None
    found = next((one for one in team.teammates(c) if by in {one.id, one.email}), None)
    if found is None:
        raise NoSuchError(f'nobody on the team is "{by}"; give an id or an address of playbooks/team.yaml')
    return found.email


def _show(whose: Customer, found: Plan, lifecycle: Lifecycle, form: str, *, done: bool) -> None:
    lines = list(notes.told(found, lifecycle))
    if form == "json":
        data = {"customer": whose.id, "changes": found.changed, "done": done, "lines": [line.strip() for line in lines]}
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return
    print(f"{whose.name} ({whose.outer_id})", *lines, sep="\n")
    if not found.changed:
        return
    print(
        "Done. The customer's workflow hears of it from the gateway."
        if done
        else "Nothing was done. Add --yes to do it."
    )
