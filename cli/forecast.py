"""`stageplay forecast`: the coming days of the live customers, from their workflows or what the database last stored.

A workflow is asked for its state where Temporal answers. One that cannot be asked goes on from its last snapshot and
the events accepted since; the output says which, and how old. Nothing is sent and nothing is stored.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import settings as configuration
from authoring.answers import Answers, read_answers, usual
from authoring.compile import compile_folder
from authoring.diagnostics import Diagnostic, failed, render_text
from authoring.forecast import LIMITED, Forecast, Standing, forecast, freshness, to_json
from authoring.lives import World
from authoring.simulate import Library
from authoring.team import Person
from cli import known
from cli.connection import opened
from cli.processes import ProcessError
from lifecycle.model import State
from lifecycle.playbook import Lifecycle, Playbook
from store import releases
from store.database import Database, now


@dataclass(frozen=True)
class Asked:
    """The arguments."""

    days: int
    answers: Path | None
    seed: str


# --- the command ------------------------------------------------------------------------------------------------------


def command(
    *,
    days: Annotated[int, typer.Option(help="How many days from now.", min=1, max=365)] = 7,
    answers: Annotated[Path | None, typer.Option(help="YAML: how people are assumed to behave.")] = None,
    seed: Annotated[str, typer.Option(help="Another seed, another luck.")] = "1",
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")] = "text",
) -> None:
    """Say what the coming days bring: sends, and work for each teammate against their capacity."""
    settings = configuration.load()
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    with opened(settings.database_url) as database:
        team = compile_folder(settings.playbooks_dir, settings.templates_dir).team
        people = team.people if team else ()
        found, said = asyncio.run(_forecast(database, people, Asked(days, answers, seed), err))
    if said:
        print(render_text(said, colour=err.is_terminal), file=sys.stderr)
    if found is None:
        raise typer.Exit(1)
    if form == "json":
        print(json.dumps(to_json(found), indent=2, ensure_ascii=False))
    else:
        show(found, Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240))
    raise typer.Exit(int(bool(found.warnings)))


async def _forecast(
    db: Database, people: Sequence[Person], asked: Asked, err: Console
) -> tuple[Forecast | None, Sequence[Diagnostic]]:
    with db.read() as c:
        those, current = known.live(c), releases.current(c)
    if current is None:
        raise ProcessError("no playbooks are applied yet; run `stageplay apply`")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        task = shown.add_task("asking", total=len(those))
        answered: dict[str, State] = {}
        client = await known.reachable(err)
        for start in range(0, len(those), known.BATCH):
            if client is not None:
                answered |= await known.ask(client, [item.id for item in those[start : start + known.BATCH]])
            shown.update(task, completed=start + known.BATCH)
        every = list(known.standings(db, answered, those))
        standing = [item for item in every if isinstance(item, Standing)]
        library = known.library_of(db, standing, current)
        world, said = _world(library, current, asked)
        if world is None:
            return None, said
        shown.update(task, description="simulating", completed=0)
        found = forecast(
            world,
            standing,
            people,
            unknown=[item for item in every if isinstance(item, str)],
            processes=os.cpu_count() or 1,
            progress=lambda done: shown.update(task, completed=done),
        )
    return found, said


def _world(found: Library, current: str, asked: Asked) -> tuple[World | None, Sequence[Diagnostic]]:
    lifecycle: Lifecycle = found.lifecycle(found.catalogue(current).lifecycle)
    books = [item for item in found.releases.values() if isinstance(item, Playbook)]
    answers: Answers | None = usual(lifecycle)
    said: Sequence[Diagnostic] = ()
    if asked.answers is not None:
        answers, said = read_answers(asked.answers, books, lifecycle)
    if answers is None or failed(said):
        return None, said
    since = now()
    return World(found, current, answers, since, since + timedelta(days=asked.days), asked.seed), said


def show(found: Forecast, out: Console) -> None:
    """The forecast for people: warnings first."""
    future = found.future
    out.print(f"{_day(future.since)} to {_day(future.until)}: {freshness(found)}.", markup=False)
    out.print(f"Answers: {future.assumed}, seed {future.seed}. Nothing was sent.", markup=False)
    for warning in found.warnings:
        out.print(Text.assemble(("warning: ", "bold red"), str(warning)))
    days = sorted({on for on, _ in future.tally.sends} | {on for _, on, _ in future.tally.load})
    if not days:
        out.print("Nothing is due.")
        return
    rows: dict[str, Counter[object]] = {}
    for (on, kind), number in sorted(future.tally.sends.items()):
        rows.setdefault(f"{kind} to customers", Counter())[on] += number
    for (who, on, kind), number in sorted(
        future.tally.load.items(), key=lambda item: (found.name(item[0][0]), item[0])
    ):
        person = found.people.get(who)
        limit = getattr(person.capacity, LIMITED[kind]) if person and kind in LIMITED else 0
        said = f" (capacity {limit} a day)" if limit else ""
        rows.setdefault(f"{found.name(who)}: {kind}{said}", Counter())[on] += number
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("", *(f"{on:%a %d %b}" for on in days)):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for name, counts in rows.items():
        table.add_row(name, *(str(counts[on] or "") for on in days))
    out.print(table)


def _day(at: datetime) -> str:
    return f"{at:%a %d %b %Y %H:%M} UTC"
