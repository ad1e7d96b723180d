"""`stageplay plan`: what `apply` would do, to the files, to every play in flight, and to the days to come.

For the live customers, from their workflows or what the database last stored; with `--against`, for a portfolio file
and an earlier revision of the repository, without any server. Nothing is sent and nothing is stored.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import settings as configuration
from authoring import planned
from authoring.actions import so_many
from authoring.answers import usual
from authoring.compile import Compiled
from authoring.diagnostics import Report, failed, near, render_text
from authoring.forecast import Standing
from authoring.lives import Start, World, of_account
from authoring.plan import Flight, Plan, flights, people_changes, plan, propose, standing
from authoring.portfolio import read_portfolio
from authoring.roster import Roster
from authoring.segments import read_segment
from authoring.simulate import Library
from authoring.team import Team
from cli import agreed, known
from cli import shadow as shadowed
from cli.apply import compiled, idle, team_of
from cli.connection import require_schema
from cli.failures import MisuseError
from cli.processes import ProcessError
from cli.revisions import checked_out
from lifecycle.model import State
from lifecycle.playbook import Lifecycle, Playbook, Release
from settings import Settings
from store import customers, releases, rollouts, team
from store.database import Database, now, open_database
from store.rollouts import Options, Scope

SAMPLE = Path("samples/portfolio.yaml")


class FindingsError(Exception):
    """Something is wrong in a file that was read; the message is the findings, ready to print."""


@dataclass(frozen=True)
class Asked:
    """The arguments. `release`: the beginning of a catalogue's digest, in place of the files."""

    options: Options
    days: int = 14
    release: str = ""
    against: str = ""
    portfolio: Path = SAMPLE


@dataclass(frozen=True)
class Target:
    """What is to be applied. `compiled`: where it comes from the files."""

    digest: str
    releases: dict[str, Release]
    compiled: Compiled | None = None

    @property
    def team(self) -> Team | None:
        return self.compiled.team if self.compiled else None


# --- who and what -----------------------------------------------------------------------------------------------------


def scope_of(segment: str, csm: str, lifecycle: Lifecycle, people: Sequence[tuple[str, str]]) -> Scope:
    """A part of the customers. `people`: ids and addresses of teammates.

    Raises:
        MisuseError: the expression is wrong, or nobody is called so.
    """
    expr, found = read_segment(segment, lifecycle) if segment else (None, ())
    if failed(found):
        raise MisuseError(render_text(found, colour=False))
    person = next((name for name, email in people if csm in (name, email)), "") if csm else ""
    if csm and not person:
        raise MisuseError(f"nobody in the team file is {csm}; --csm takes an id or an address of it")
    return Scope(expr, person)


def live_scope(db: Database, segment: str, csm: str) -> Scope:
    """A part of the live customers, see `scope_of`; so is what it raises."""
    if not segment and not csm:
        return Scope()
    with db.read() as c:
        manifest = releases.load(c, current_digest(db))
        lifecycle = releases.load(c, getattr(manifest, "lifecycle", ""))
        people = [(person.id, person.email) for person in team.teammates(c)]
    if not isinstance(lifecycle, Lifecycle):
        raise ProcessError("the applied playbooks are incomplete; run `stageplay apply`")
    return scope_of(segment, csm, lifecycle, people)


def current_digest(db: Database) -> str:
    """The applied catalogue.

    Raises:
        ProcessError: there is none.
    """
    with db.read() as c:
        found = releases.current(c)
    if found is None:
        raise ProcessError("no playbooks are applied yet; run `stageplay apply`")
    return found


def target_of(db: Database, settings: Settings, release: str) -> Target:
    """The files, or a catalogue that was applied before.

    Raises:
        DoesNotCompileError: an author's mistake.
        MisuseError: there is no such catalogue.
    """
    if not release:
        found = compiled(settings.playbooks_dir, settings.templates_dir)
        return Target(found.digest, dict(found.releases), found)
    with db.read() as c:
        digest = releases.named(c, release)
    if digest is None:
        raise MisuseError(f'no catalogue, or more than one, begins with "{release}"; `stageplay releases` lists them')
    return Target(digest, dict(known.library(db, (), digest).releases))


def check_move(library: Library, move: Sequence[str]) -> None:
    """Refuse a name that is no playbook's.

    Raises:
        MisuseError: says what may have been meant.
    """
    names = {item.name for item in library.releases.values() if isinstance(item, Playbook)}
    for name in move:
        if name not in names:
            raise MisuseError(f"--move {name}: there is no such playbook; {near(name, names)}")


# --- the live customers -----------------------------------------------------------------------------------------------


def of_live(db: Database, target: Target, asked: Asked, err: Console) -> tuple[Plan, list[str]]:
    """The plan for the live customers, and the names of those that are not known."""
    current = current_digest(db)
    with db.read() as c:
        those = known.live(c)
        inside = {item.id for item in those if rollouts.inside(c, item, asked.options.scope)}
    with _shown(err) as progress:
        found, unknown = _standings(db, those, progress, err)
        library = known.library_of(db, found, current)
        library = Library({**target.releases, **library.releases})
        check_move(library, asked.options.move)
        world = _world(library, current, target.digest, asked.days)
        chosen = [item.start for item in found if item.state.customer in inside]
        task = progress.add_task("simulating", total=len(chosen))
        made = plan(
            propose(world, target.digest, asked.options.move, asked.options.late),
            chosen,
            outside=len(those) - len(inside),
            processes=os.cpu_count() or 1,
            progress=lambda done: progress.update(task, completed=done),
        )
    with db.read() as c:
        made.names = {person.id: person.name for person in team.teammates(c)}
    return made, unknown


def flying(db: Database, target: Target, options: Options, err: Console) -> list[Flight]:
    """What happens to the plays in flight of the customers that are told, without the future."""
    current = current_digest(db)
    with db.read() as c:
        those = [item for item in known.live(c) if rollouts.inside(c, item, options.scope)]
    with _shown(err) as progress:
        found, _ = _standings(db, those, progress, err)
    library = known.library_of(db, found, current)
    library = Library({**target.releases, **library.releases})
    check_move(library, options.move)
    world = _world(library, current, target.digest, 1)
    event = propose(world, target.digest, options.move, options.late).event
    flights_: list[Flight] = []
    for item in found:
        start = standing(world, item.start)
        if start.state is not None:
            flights_ += flights(world.library, start.state, item.name, event, now=start.state.as_of)
    return flights_


def states_of(db: Database, err: Console) -> dict[str, State]:
    """Where the live customers stand, by id; those of whom nothing is known are left out."""
    with db.read() as c:
        those = known.live(c)
    with _shown(err) as progress:
        found, _ = _standings(db, those, progress, err)
    return {item.state.customer: item.state for item in found}


def _standings(
    db: Database, those: Sequence[customers.Customer], progress: Progress, err: Console
) -> tuple[list[Standing], list[str]]:
    answered = asyncio.run(_asked(those, progress, err))
    every = list(known.standings(db, answered, those))
    found = [item for item in every if isinstance(item, Standing)]
    return found, [item for item in every if isinstance(item, str)]


async def _asked(those: Sequence[customers.Customer], progress: Progress, err: Console) -> dict[str, State]:
    client = await known.reachable(err)
    if client is None:
        return {}
    task = progress.add_task("asking", total=len(those))
    answered: dict[str, State] = {}
    for start in range(0, len(those), known.BATCH):
        answered |= await known.ask(client, [item.id for item in those[start : start + known.BATCH]])
        progress.update(task, completed=start + known.BATCH)
    return answered


def _shown(err: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _world(library: Library, current: str, digest: str, days: int) -> World:
    since = now()
    lifecycle = library.lifecycle(library.catalogue(digest).lifecycle)
    return World(library, current, usual(lifecycle), since, since + timedelta(days=days))


# --- a revision and a portfolio file ----------------------------------------------------------------------------------


def of_revision(settings: Settings, asked: Asked, segment: str, csm: str, err: Console) -> Plan:
    """The plan for a portfolio file, from an earlier revision to the files as they are.

    Raises:
        DoesNotCompileError: an author's mistake, in either.
        FindingsError: a mistake in the portfolio.
        MisuseError: there is no such revision or file, or no such part of the customers.
    """
    if not asked.portfolio.is_file():
        raise MisuseError(f"there is no file {asked.portfolio}; name a portfolio with --portfolio FILE")
    with tempfile.TemporaryDirectory() as folder:
        before = compiled(*checked_out(asked.against, (settings.playbooks_dir, settings.templates_dir), Path(folder)))
    after = compiled(settings.playbooks_dir, settings.templates_dir)
    library = Library({**before.releases, **after.releases})
    check_move(library, asked.options.move)
    lifecycle = library.lifecycle(library.catalogue(before.digest).lifecycle)
    people = [(person.id, person.email) for person in before.team.people] if before.team else []
    scope = scope_of(segment, csm, lifecycle, people)
    starts = _starts(asked.portfolio, before, lifecycle, scope)
    first = next(starts, None)
    if first is None:
        raise MisuseError(f"{asked.portfolio} has no account in the part that was named")
    world = World(library, before.digest, usual(lifecycle), first.at, first.at + timedelta(days=asked.days))
    with _shown(err) as progress:
        task = progress.add_task("simulating", total=None)
        made = plan(
            propose(world, after.digest, asked.options.move, asked.options.late),
            chain([first], starts),
            processes=os.cpu_count() or 1,
            progress=lambda done: progress.update(task, completed=done),
        )
    made.people = people_changes(before.team, after.team)
    made.names = {person.id: person.name for person in after.team.people} if after.team else {}
    return made


def _starts(path: Path, before: Compiled, lifecycle: Lifecycle, scope: Scope) -> Iterator[Start]:
    report = Report()
    roster = Roster(before.team, lifecycle) if before.team else None
    books = [item for item in before.releases.values() if isinstance(item, Playbook)]
    for account in read_portfolio(path, lifecycle, report, books):
        start = of_account(account, roster)
        if start.signup is None:
            continue
        csm = start.signup.team.get("csm")
        if scope.holds(start.signup.profile, csm.id if csm else "", start.signup.placed or "new"):
            yield start
    if report.failed:
        raise FindingsError(render_text(report.sorted(), colour=False))


# --- the command ------------------------------------------------------------------------------------------------------


def command(
    *,
    against: Annotated[str, typer.Option(help="A revision of git to compare the files with; needs no server.")] = "",
    portfolio: Annotated[
        Path | None, typer.Option(help=f"With --against: the customers, .yaml or .jsonl; else {SAMPLE}.")
    ] = None,
    release: Annotated[str, typer.Option(help="A catalogue that was applied before, in place of the files.")] = "",
    days: Annotated[int, typer.Option(help="How many days of the future to compare.", min=1, max=365)] = 14,
    move: Annotated[list[str] | None, typer.Option(help="A playbook whose plays in flight move; repeatable.")] = None,
    late: Annotated[Literal["skip", "fire"], typer.Option(help="What becomes of steps that are past due.")] = "skip",
    segment: Annotated[str, typer.Option(help="Only customers for whom this holds: customer.tier == 'pro'.")] = "",
    csm: Annotated[str, typer.Option(help="Only the accounts of this CSM, by id or address.")] = "",
    shadow: Annotated[bool, typer.Option("--shadow", help="What the release that runs as a shadow decides.")] = False,
    form: Annotated[Literal["text", "json", "markdown"], typer.Option("--format", help="json for programs.")] = "text",
) -> None:
    """Show what apply would do: to playbooks, to plays in flight, and to the coming days."""
    settings, err = configuration.load(), Console(stderr=True, highlight=False, soft_wrap=True)
    _fit(against, portfolio, release, shadow=shadow)
    asked = Asked(Options(tuple(move or ()), late), days, release, against, portfolio or SAMPLE)
    try:
        if against:
            _print(of_revision(settings, asked, segment, csm, err), form, [])
        database = open_database(settings.database_url)
        try:
            require_schema(database)
            if shadow:
                shadowed.show(database, form)
                return
            scope = live_scope(database, segment, csm)
            asked = Asked(Options(tuple(move or ()), late, scope), days, release)
            target = target_of(database, settings, release)
            people, copied = _tied(database, target, asked.options, release=release, segment=segment, csm=csm)
            made, unknown = of_live(database, target, asked, err)
            made.people = people
        finally:
            database.close()
    except FindingsError as found:
        print(found, file=sys.stderr)
        raise typer.Exit(1) from found
    _print(made, form, unknown, copied)


def _tied(
    database: Database, target: Target, options: Options, *, release: str, segment: str, csm: str
) -> tuple[tuple[str, ...], tuple[str, str]]:
    """What changes of the people, and what the plan is tied to an `apply` by, with that `apply`, to be copied; both
    empty where it would change nothing.

    Worked out before anything else is read, so that whatever is applied meanwhile is noticed.
    """
    with database.read() as c:
        people = people_changes(team_of(c, target.team), target.team) if target.team else ()
        if idle(c, target.digest, options) and not people:
            return (), ("", "")
        agreement = agreed.agree(c, target.digest, target.team, options)
    command_ = agreed.command(agreement, options, release=release, segment=segment, csm=csm)
    return people, (agreement.key, command_)


def _fit(against: str, portfolio: Path | None, release: str, *, shadow: bool) -> None:
    """Refuse what does not fit together, rather than answer another question.

    Raises:
        MisuseError: says what to leave out.
    """
    if portfolio is not None and not against:
        raise MisuseError("--portfolio belongs to --against; without it the plan is about the live customers")
    if against and (release or shadow):
        raise MisuseError("--against compares files; leave out --release and --shadow, which are about a server")
    if shadow and release:
        raise MisuseError("--shadow is about the release that runs as one; leave out --release")


def _print(made: Plan, form: str, unknown: Sequence[str], copied: tuple[str, str] = ("", "")) -> NoReturn:
    """Print a plan and leave: 1 when something of it is refused, and then there is nothing to copy."""
    key, command_ = copied if not made.refused else ("", "")
    left = f"{so_many(len(unknown), 'customer')}, left out here: {', '.join(unknown[:5])}" if unknown else ""
    if form == "json":
        data = {**planned.to_json(made), "unknown": list(unknown), "planned": key, "apply": command_}
        print(json.dumps(data, indent=2, ensure_ascii=False))
    elif form == "markdown":
        copy = f"\nTo apply just this:\n\n```\n{command_}\n```\n" if command_ else ""
        print(planned.to_markdown(made) + (f"\nNothing is known of {left}\n" if left else "") + copy)
    else:
        print(planned.to_text(made))
        if left:
            print(f"Nothing is known of {left}")
        if command_:
            print(f"To apply just this:\n  {command_}")
    raise typer.Exit(int(bool(made.refused)))
