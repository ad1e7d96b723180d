"""`stageplay apply`: what a plan showed, carried out; refused where the plan would be.

Customers are told in batches; after a kill, the same command (or the next `up`) goes on where it was.
"""

import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import settings as configuration
from authoring.actions import so_many
from authoring.plan import Flight
from authoring.planned import counted_lines
from cli import agreed
from cli import plan as planning
from cli.agreed import Agreed, OutdatedError
from cli.apply import Applied, make_current, make_older_current, unchanged
from cli.connection import require_schema
from cli.plan import Target
from lifecycle.model import state_to_json
from store.database import Database, open_database
from store.rollouts import Options


class RefusedError(Exception):
    """A move would do something twice; the message names it."""

    def __init__(self, found: Sequence[Flight]) -> None:
        said = "\n".join(f"  {line}" for line in counted_lines(found) if "twice" in line)
        super().__init__(f"refused, and nothing was changed:\n{said}\n`stageplay plan` shows all of it.")


def command(
    *,
    release: Annotated[str, typer.Option(help="A catalogue that was applied before: the way back.")] = "",
    move: Annotated[list[str] | None, typer.Option(help="A playbook whose plays in flight move; repeatable.")] = None,
    late: Annotated[Literal["skip", "fire"], typer.Option(help="What becomes of steps that are past due.")] = "skip",
    segment: Annotated[str, typer.Option(help="Only customers for whom this holds: customer.tier == 'pro'.")] = "",
    csm: Annotated[str, typer.Option(help="Only the accounts of this CSM, by id or address.")] = "",
    shadow: Annotated[bool, typer.Option("--shadow", help="Beside the live release, sending nothing.")] = False,
    planned: Annotated[str, typer.Option(help="What `plan` ended with: do just that, or nothing.")] = "",
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")] = "text",
) -> None:
    """Make the playbooks current and tell the customers. Plays in flight stay, unless --move names them."""
    settings, err = configuration.load(), Console(stderr=True, highlight=False, soft_wrap=True)
    plan = agreed.read(planned) if planned else None
    database = open_database(settings.database_url)
    try:
        require_schema(database)
        target = planning.target_of(database, settings, release)
        scope = planning.live_scope(database, segment, csm)
        options = Options(tuple(move or ()), late, scope, shadow)
        applied = carry_out(database, target, options, settings.playbooks_dir.name, err, plan)
    except (RefusedError, OutdatedError) as found:
        print(found, file=sys.stderr)
        raise typer.Exit(1) from found
    finally:
        database.close()
    print(json.dumps(document(applied, options), indent=2) if form == "json" else said(applied, options))


def carry_out(
    database: Database, target: Target, options: Options, folder: str, err: Console, plan: Agreed | None = None
) -> Applied:
    """Apply, unless a play that would move would do something twice. `plan`: what somebody read, if that is to count.

    Raises:
        RefusedError: one would; nothing was changed.
        OutdatedError: the plan was of something else; nothing was changed.
    """
    still = partial(plan.still, digest=target.digest, team=target.team, options=options) if plan else None
    to_do = True
    if still is not None:
        with database.read() as c:
            to_do = still(c)
    if options.move and to_do:
        check(database, target, options, err)
    states: dict[str, Any] = {}
    if options.shadow:
        states = {name: state_to_json(state) for name, state in planning.states_of(database, err).items()}
    columns = (SpinnerColumn(), TextColumn("telling customers"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        task = shown.add_task("", total=None)

        def progress(done: int) -> None:
            shown.update(task, completed=done)

        if target.compiled is not None:
            return make_current(
                database, target.compiled, folder, options, states=states, progress=progress, still=still
            )
        return make_older_current(database, target.digest, options, states=states, progress=progress, still=still)


def check(database: Database, target: Target, options: Options, err: Console) -> None:
    """Refuse what the plan refuses."""
    found = [item for item in planning.flying(database, target, options, err) if item.fate == "refused"]
    if found:
        raise RefusedError(found)


def document(applied: Applied, options: Options) -> dict[str, Any]:
    """What was done, for programs; `to`: the part of the customers that it was for."""
    return {
        "catalogue": applied.digest,
        "changed": applied.changed,
        "told": applied.told,
        "people": list(applied.people),
        "to": "everybody" if options.scope.whole else options.scope.text,
        "moved": list(options.move),
        "shadow": options.shadow,
    }


def said(applied: Applied, options: Options) -> str:
    """What was done, in one sentence."""
    short = applied.digest[:12]
    if options.shadow and applied.changed:
        return f"shadow begun (catalogue {short}); nobody is told. `stageplay plan --shadow` shows what it decides."
    if not applied.changed:
        return unchanged(applied)
    part = "" if options.scope.whole else f" of {options.scope.text}"
    return f"playbooks applied (catalogue {short}); {so_many(applied.told, 'open customer')}{part} told"
