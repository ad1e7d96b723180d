"""`stageplay simulate`: what customers would get, when, and why; nothing is sent, nothing stored.

One customer (`--customer`, `--start`): every decision in order, as in a scenario. A portfolio (`--portfolio`): sums by
playbook, day and teammate, and on the page every customer's calendar.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import settings as configuration
from authoring import page
from authoring.answers import SILENCE, Answers, read_answers, usual
from authoring.compile import Compiled, compile_folder
from authoring.diagnostics import Diagnostic, Place, Report, failed, render_text
from authoring.futures import Future, play_all, to_json
from authoring.guests import load_guest
from authoring.lives import Start, World, live, of_account
from authoring.portfolio import read_portfolio
from authoring.roster import Roster
from authoring.scenario_file import load_events
from authoring.simulate import CUSTOMER, Library
from authoring.source import read_text
from cli import simulated
from cli.failures import MisuseError
from lifecycle import calendar, trace
from lifecycle.playbook import Lifecycle, Manifest, Playbook, digest_of

HORIZON = timedelta(days=90)
"""How long one customer's simulation goes on after the start and after the last event."""
DAYS = 28
"""How long a portfolio's goes on."""
_ACCOUNT = "{ id: acme, name: Acme, champion: ada@acme.example.com }"
YEARS = range(2000, 2201)
"""Of moments that are played."""


@dataclass(frozen=True)
class Asked:
    """The arguments. `start`: local in the customer's zone. `until`: the last moment, local likewise."""

    playbooks: tuple[Path, ...]
    customer: Path | None = None
    portfolio: Path | None = None
    start: datetime | None = None
    events: Path | None = None
    days: int | None = None
    until: datetime | None = None
    answers: Path | None = None
    seed: str = "1"

    def check(self) -> None:
        """Refuse what does not fit together.

        Raises:
            MisuseError: says what to write.
        """
        if (self.customer is None) == (self.portfolio is None):
            raise MisuseError("name one customer with --customer FILE, or several with --portfolio FILE")
        if self.customer is not None and self.start is None:
            raise MisuseError("say when the customer signs up: --start 2026-03-02T10:00")
        if self.portfolio is not None and self.events is not None:
            raise MisuseError("--events belongs to one customer; an account of a portfolio has its own `events`")
        if self.days is not None and self.until is not None:
            raise MisuseError("--days and --until both say how long; keep one")
        require_files(self.playbooks, self.customer, self.portfolio, self.events, self.answers)
        if len({path.absolute().parent for path in self.playbooks}) > 1:
            raise MisuseError("the playbooks lie in different folders; name those of one folder")

    def end(self, since: datetime, zone: str, default: timedelta) -> datetime:
        """The last instant that is played.

        Raises:
            MisuseError: it would lie before the first.
        """
        if self.until is not None:
            last = self.until.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            if last <= since:
                first = calendar.local(since, zone)
                raise MisuseError(f"--until lies before the start, {first:%Y-%m-%dT%H:%M}; nothing would be played")
            return last
        return since + (default if self.days is None else timedelta(days=self.days))


def require_files(playbooks: Sequence[Path], *others: Path | None) -> None:
    """Refuse files that are not there. A playbook is named by its file, so its name alone says which one is meant.

    Raises:
        MisuseError: names the first of them.
    """
    for path in playbooks:
        if not path.is_file():
            files = {file.stem: file for file in sorted(configuration.load().playbooks_dir.glob("*.yaml"))}
            meant = get_close_matches(path.stem, files, n=1)
            raise MisuseError(f"there is no file {path}" + (f"; did you mean {files[meant[0]]}?" if meant else ""))
    for other in others:
        if other is not None and not other.is_file():
            raise MisuseError(f"there is no file {other}")


@dataclass(frozen=True)
class Cast:
    """What is played: the releases with the catalogue of the chosen playbooks, and how people are assumed to behave."""

    compiled: Compiled
    library: Library
    digest: str
    lifecycle: Lifecycle
    books: tuple[Playbook, ...]
    answers: Answers | None

    @property
    def alone(self) -> Compiled:
        """What compiled, with none but the chosen playbooks."""
        manifest = self.library.catalogue(self.digest)
        releases = {**self.compiled.releases, self.digest: manifest}
        return replace(self.compiled, catalogue=manifest, digest=self.digest, releases=releases)

    @property
    def names(self) -> dict[str, str]:
        """Teammate id to name."""
        return {person.id: person.name for person in self.compiled.team.people} if self.compiled.team else {}


def moment(written: str | None, option: str) -> datetime | None:
    """A local date and time; a date is its start.

    Raises:
        MisuseError: it is none, it has an offset, or lies in a year that nobody plays.
    """
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.tzinfo:
        raise MisuseError(f'{option} "{written}" is not a local date and time; write 2026-03-02T10:00')
    if found.year not in YEARS:
        raise MisuseError(f'{option} "{written}" is not from {YEARS[0]} to {YEARS[-1]}')
    return found


def writable(path: Path) -> None:
    """Refuse a file that could not be written, before anything is played.

    Raises:
        MisuseError: its folder is missing, or it may not be written.
    """
    there = path if path.exists() else path.parent
    if path.is_dir() or not there.exists() or not os.access(there, os.W_OK):
        raise MisuseError(f"cannot write {path}; name a file in a folder that is there with --out")


def cast(
    chosen: Sequence[Path], answers: Path | None, playbooks: Path, templates: Path
) -> tuple[Cast | None, Sequence[Diagnostic]]:
    """Compile, and read the assumptions; None where the findings hold an error."""
    compiled = compile_folder(chosen[0].absolute().parent if chosen else playbooks, templates)
    if compiled.catalogue is None:
        return None, compiled.diagnostics
    lifecycle = compiled.releases[compiled.catalogue.lifecycle]
    if not isinstance(lifecycle, Lifecycle):
        raise TypeError("a manifest's lifecycle is a lifecycle")
    books = _books(compiled, chosen)
    manifest = Manifest(compiled.catalogue.lifecycle, {book.name: digest_of(book) for book in books})
    library = Library({**compiled.releases, digest_of(manifest): manifest})
    found, said = read_answers(answers, books, lifecycle) if answers else (None, ())
    if failed(said):
        return None, said
    return Cast(compiled, library, digest_of(manifest), lifecycle, books, found), said


def _books(compiled: Compiled, chosen: Sequence[Path]) -> tuple[Playbook, ...]:
    """The playbooks that the files hold; all of them for none."""
    books = [release for release in compiled.releases.values() if isinstance(release, Playbook)]
    found = []
    for path in chosen:
        book = next((book for book in books if Path(book.file).name == path.name), None)
        if book is None:
            raise MisuseError(f'{path} holds no playbook; name a file with "playbook: its-name"')
        found.append(book)
    return tuple(found) or tuple(sorted(books, key=lambda book: book.name))


# --- one customer -----------------------------------------------------------------------------------------------------


def one(asked: Asked, cast: Cast) -> tuple[list[trace.Public], Future | None, Sequence[Diagnostic]]:
    """The trace of one customer and its future, empty where the findings hold an error."""
    if asked.customer is None or asked.start is None:
        raise TypeError("checked before")
    report = Report()
    whom = read_text(asked.customer, str(asked.customer), report)
    told = read_text(asked.events, str(asked.events), report) if asked.events else "[]"
    if whom is None or told is None:
        return [], None, report.sorted()
    guest, found = load_guest(whom, str(asked.customer), asked.start, cast.lifecycle)
    if guest is None:
        return [], None, found
    zone = guest.signup.profile.zone
    events, found = load_events(told, str(asked.events), asked.start, zone, list(cast.books), cast.lifecycle)
    if failed(found):
        return [], None, found
    start = asked.start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    until = asked.end(start, zone, max([start, *(at for at, _ in events)]) + HORIZON - start)
    answers = cast.answers or SILENCE
    world = World(cast.library, cast.digest, answers, start, until, asked.seed, decisions=True)
    begins = Start(CUSTOMER, guest.name, start, guest.signup, events=events)
    lived = live(world, begins)
    decisions = [
        trace.public(item, customer=CUSTOMER, zone=zone, place=trace.place(cast.library, item))
        for item in lived.decisions
    ]
    return decisions, play_all(world, [begins], keep=1), found


# --- a portfolio ------------------------------------------------------------------------------------------------------


def many(
    asked: Asked, cast: Cast, err: Console, *, keep: int = 0, every: bool = False
) -> tuple[Future | None, Sequence[Diagnostic]]:
    """The future of a portfolio; accounts with findings are left out. `keep`, `every`: as of `play_all`."""
    if asked.portfolio is None:
        raise TypeError("checked before")
    report = Report()
    roster = Roster(cast.compiled.team, cast.lifecycle) if cast.compiled.team else None
    accounts = read_portfolio(asked.portfolio, cast.lifecycle, report, cast.books)
    starts = (of_account(account, roster) for account in accounts)
    first = next(starts, None)
    if first is None and not report.sorted():
        place = Place(str(asked.portfolio), 1, 1, 1, "")
        report.add("value", place, "holds no account", f"write one, such as {_ACCOUNT}.")
    if first is None:
        return None, report.sorted()
    zone = cast.lifecycle.default_zone
    since = asked.start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if asked.start else first.at
    until = asked.end(since, zone, timedelta(days=DAYS))
    if asked.until is None:
        last = calendar.local(until, zone).date() - timedelta(days=1)
        until = datetime.combine(last, time.max, ZoneInfo(zone)).astimezone(UTC)
    world = World(cast.library, cast.digest, cast.answers or usual(cast.lifecycle), since, until, asked.seed)
    future = _watched(world, chain([first], starts), _size(asked.portfolio), err, keep=keep, every=every)
    return future, report.sorted()


def _watched(
    world: World, starts: Iterator[Start], size: int | None, err: Console, *, keep: int, every: bool
) -> Future:
    """Play, and show on a terminal how far it is."""
    columns = (SpinnerColumn(), TextColumn("simulating"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        task = shown.add_task("simulating", total=size)
        return play_all(
            world,
            starts,
            keep=keep,
            every=every,
            processes=os.cpu_count() or 1,
            progress=lambda done: shown.update(task, completed=done),
        )


def _size(path: Path) -> int | None:
    """How many accounts a file of lines has; None for others."""
    if path.suffix != ".jsonl":
        return None
    with path.open("rb") as stream:
        return sum(1 for _ in stream)


# --- the command ------------------------------------------------------------------------------------------------------


def command(
    playbooks: Annotated[
        list[Path] | None, typer.Argument(help="Files of playbooks; all of them when left out.")
    ] = None,
    *,
    customer: Annotated[Path | None, typer.Option(help="YAML: name, tier, zone, ... as in a scenario.")] = None,
    portfolio: Annotated[Path | None, typer.Option(help="Accounts: a .yaml list, or .jsonl with one a line.")] = None,
    start: Annotated[str | None, typer.Option(help="When it begins, local: 2026-03-02T10:00.")] = None,
    events: Annotated[Path | None, typer.Option(help="YAML: what happens to the customer, as in a scenario.")] = None,
    days: Annotated[int | None, typer.Option(help="How many days; 28 for a portfolio.", min=1, max=3650)] = None,
    until: Annotated[str | None, typer.Option(help="The last moment, local, in place of --days.")] = None,
    answers: Annotated[Path | None, typer.Option(help="YAML: how people are assumed to behave.")] = None,
    seed: Annotated[str, typer.Option(help="Another seed, another luck.")] = "1",
    form: Annotated[Literal["table", "json", "html"], typer.Option("--format", help="html is one page.")] = "table",
    out_file: Annotated[Path | None, typer.Option("--out", help="Write there and not to the screen.")] = None,
) -> None:
    """Say what customers would get, when, and why. Nothing is sent."""
    asked = Asked(
        tuple(playbooks or ()),
        customer,
        portfolio,
        moment(start, "--start"),
        events,
        days,
        moment(until, "--until"),
        answers,
        seed,
    )
    asked.check()
    if out_file is not None:
        writable(out_file)
    raise typer.Exit(_run(asked, form, out_file))


def _run(asked: Asked, form: str, out_file: Path | None) -> int:
    settings = configuration.load()
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    cast_, found = cast(asked.playbooks, asked.answers, settings.playbooks_dir, settings.templates_dir)
    decisions: list[trace.Public] = []
    future: Future | None = None
    if cast_ is not None and asked.customer is not None:
        decisions, future, more = one(asked, cast_)
        found = [*found, *more]
    elif cast_ is not None:
        future, more = many(asked, cast_, err, keep=page.SHOWN if form == "html" else 0, every=form == "json")
        found = [*found, *more]
    if found:
        print(render_text(found, colour=err.is_terminal), file=sys.stderr)
    if cast_ is not None and future is not None:
        with simulated.writing(out_file) as out:
            if form == "html":
                whole = asked.portfolio.name if asked.portfolio else future.lives[0].name
                out.file.write(page.render(future, cast_.names, f"Simulation of {whole}"))
            elif form == "json":
                out.file.write(
                    json.dumps(decisions if asked.customer else to_json(future), indent=2, ensure_ascii=False)
                )
                out.file.write("\n")
            elif asked.customer is not None:
                out.print(simulated.decisions(decisions))
            else:
                simulated.show(future, cast_.names, out)
    return int(failed(found) or future is None)
