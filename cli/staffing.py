"""`stageplay coverage` and `stageplay reassign`: who looks after whom, and handing that on, previewed, done, undone."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

import settings as configuration
from cli.connection import current_lifecycle, opened
from cli.explain import find
from cli.failures import MisuseError
from cli.plan import live_scope
from cli.sign_in import NoSuchTeammateError
from gateway.refusals import near
from store import books, customers, handing, rollouts, team
from store.books import Books, Line
from store.customers import Customer
from store.database import Database, now
from store.handing import Part, Waiting
from store.team import Person

PIPED = 240
"""Columns of a table that goes to a file or another program."""
Form = Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")]


# --- coverage ---------------------------------------------------------------------------------------------------------


def coverage(*, form: Form = "text") -> None:
    """Say who looks after how many customers, who has too many, who is away, and which customers have nobody."""
    with opened(configuration.load().database_url) as database, database.read() as c:
        found = books.read(c)
    findings = list(found.findings())
    if form == "json":
        print(json.dumps(_as_json(found, findings), indent=2, ensure_ascii=False))
    else:
        _show(found, findings)
    raise typer.Exit(int(bool(findings)))


def _show(found: Books, findings: Sequence[str]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("teammate", "roles", "customers", "full", "load", "ARR", "waiting", "", "meeting room"):
        table.add_column(heading, no_wrap=heading != "roles")
    for line in found.lines:
        share = "" if line.share is None else f"{line.share}%"
        arr = "" if line.arr is None else f"{line.arr:,}"
        full = str(line.full) if line.full else ""
        who, roles = line.person, ", ".join(line.person.roles)
        work = (share, arr, str(line.waiting or ""), standing(line))
        table.add_row(who.name, roles, str(line.accounts), full, *work, who.meeting_url)
    width = None if sys.stdout.isatty() else PIPED
    out = Console(highlight=False, soft_wrap=True, width=width)
    out.print(table if found.lines else "nobody is on the team yet; run `stageplay apply`")
    for finding in findings:
        out.print(finding, markup=False)


def standing(line: Line) -> str:
    """What is to be known of a teammate besides figures: `over`, `away until 2026-07-24`, `leaves 2026-08-31`."""
    said = ["over"] if line.over else []
    said += ["has left"] if line.gone else []
    said += [f"away until {line.away.isoformat()}"] if line.away else []
    leaves = line.person.cover.leaves
    said += [f"leaves {leaves.isoformat()}"] if leaves and not line.gone else []
    return ", ".join(said)


def _as_json(found: Books, findings: Sequence[str]) -> dict[str, Any]:
    rows = [
        {
            "teammate": line.person.id,
            "name": line.person.name,
            "roles": list(line.person.roles),
            "customers": line.accounts,
            "full": str(line.full) if line.full else None,
            "load_percent": line.share,
            "arr": line.arr,
            "waiting": line.waiting,
            "over": line.over,
            "away_until": line.away.isoformat() if line.away else None,
            "stand_in": line.stand_in or None,
            "left": line.gone,
            "meeting_url": line.person.meeting_url or None,
        }
        for line in found.lines
    ]
    nobody = [{"name": name, "id": outer_id} for name, outer_id in found.nobody]
    return {"teammates": rows, "without_csm": nobody, "findings": list(findings)}


# --- reassign ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """The arguments of `reassign`. `undo`: the number of a handover, 0: none."""

    leaver: str
    taker: str
    customers: tuple[str, ...]
    segment: str
    until: date | None
    reason: str
    undo: int

    def check(self) -> None:
        """Refuse what does not fit together.

        Raises:
            MisuseError: says what to write.
        """
        if bool(self.leaver) == bool(self.undo):
            raise MisuseError("say who hands over: `stageplay reassign FROM [TO]`, or what is undone: --undo NUMBER")
        if self.undo and (self.taker or self.customers or self.segment or self.until):
            raise MisuseError("--undo takes all of a handover back; leave the other options out")
        if self.until and self.until < now().date():
            raise MisuseError(
                f"{self.until.isoformat()} is over; --until is the last day of an absence, today or later"
            )
        if self.leaver and self.leaver == self.taker:
            raise MisuseError("nobody hands over to themselves; name somebody else, or leave TO out")


@dataclass(frozen=True)
class Handing:
    """What is to be done. `waits`: what is open of each customer. `placeless`: how many meetings to come would no
    longer say where to join, by the teammate without a room who would host them.
    """

    leaver: Person
    taker: str
    reason: str
    until: date | None
    undoes: int | None
    parts: Sequence[Part]
    those: dict[str, Customer]
    waits: dict[str, Waiting]
    placeless: Mapping[str, int]
    names: dict[str, str]


def reassign(
    leaver: Annotated[str, typer.Argument(metavar="[FROM]", help="Who hands over: a teammate's id or address.")] = "",
    taker: Annotated[str, typer.Argument(metavar="[TO]", help="Who takes all of it; else whom the rules choose.")] = "",
    *,
    customer: Annotated[list[str] | None, typer.Option(help="Only this customer; repeatable.")] = None,
    segment: Annotated[str, typer.Option(help="Only customers for whom this holds: customer.tier == 'pro'.")] = "",
    until: Annotated[str, typer.Option(help="The last day of an absence; the day after, it is given back.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it stands in the trace of every customer.")] = "",
    undo: Annotated[int, typer.Option(help="Take the handover with this number back.")] = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown.")] = False,
    form: Form = "text",
) -> None:
    """Hand a teammate's customers to others, with all that is open: shown first, done with --yes."""
    asked = Asked(leaver, taker, tuple(customer or ()), segment, _day(until), reason, undo)
    asked.check()
    with opened(configuration.load().database_url) as database:
        raise typer.Exit(_reassign(database, asked, yes=yes, form=form))


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise MisuseError(f'"{written}" is not a date; write --until 2026-07-24') from None


def _reassign(db: Database, asked: Asked, *, yes: bool, form: str) -> int:
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    with db.read() as c:
        zone = current_lifecycle(c).default_zone
    if yes:
        with db.read() as c:
            begun = handing.unfinished(c)
        for item in begun:
            carry_out(db, item.id, zone, err)
    found = _prepare(db, asked)
    number = None
    if yes and found.parts:
        with db.begin() as c:
            number = handing.begin(
                c,
                found.leaver.id,
                found.parts,
                taker=found.taker,
                reason=found.reason,
                until=found.until,
                undoes=found.undoes,
            )
        carry_out(db, number, zone, err)
    with db.read() as c:
        waiting = 0 if number is None else handing.unheard(c, number)
    if form == "json":
        print(json.dumps(_preview_json(found, number, waiting), indent=2, ensure_ascii=False))
    else:
        print(*_preview(found, number, waiting), sep="\n")
    return 0


def carry_out(db: Database, number: int, zone: str, err: Console) -> None:
    """Tell the customers of a handover that are still to be told, in batches, with progress."""
    with db.read() as c:
        counted = handing.told(c, number)
    total = sum(counted.values())
    columns = (TextColumn("handing over"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        bar = shown.add_task("", total=total, completed=total - counted[""])
        more: int | None = 0
        while more is not None:
            with db.begin() as c:
                more = handing.tell_some(c, number, zone)
            shown.advance(bar, more or 0)


# --- what would be done -----------------------------------------------------------------------------------------------


def _prepare(db: Database, asked: Asked) -> Handing:
    scope = live_scope(db, asked.segment, "")
    with db.read() as c:
        if asked.undo:
            before = handing.get(c, asked.undo)
            if before is None:
                raise MisuseError(f"there is no handover {asked.undo}")
            by = handing.undone_by(c, asked.undo)
            parts = [] if by else handing.undoing(c, asked.undo)
            leaver, taker, why = before.leaver, "", asked.reason or f"handover {asked.undo} is taken back"
            those = {one.customer: customers.get(c, one.customer) for one in parts}
        else:
            who = _teammate(c, asked.leaver)
            leaver, taker = who.id, _taker(c, who, asked)
            whom = [find(c, name) for name in asked.customers] or handing.of(c, leaver)
            wanted = [one for one in whom if rollouts.inside(c, one, scope)]
            parts, why = handing.plan(c, leaver, taker, wanted), asked.reason
            those = {one.id: one for one in wanted}
        whose = {part.customer: part.was for part in parts}
        waits = {name: handing.waiting(c, those[name], was) for name, was in whose.items()}
        placeless = handing.losing_place(c, parts, those)
        person = team.teammate(c, leaver)
        names = team.named(c, [leaver, *(one.was for one in parts), *(one.now for one in parts)])
    assert person is not None
    return Handing(person, taker, why, asked.until, asked.undo or None, parts, those, waits, placeless, names)


def _teammate(c: Any, wanted: str) -> Person:
    """A teammate by id or address, or one who has left, by id.

    Raises:
        NoSuchTeammateError: nobody is called that.
    """
    people = team.teammates(c)
    found = next((one for one in people if wanted in {one.id, one.email}), None) or team.teammate(c, wanted)
    if found is None:
        fix = near(wanted, (one.id for one in people))
        raise NoSuchTeammateError(
            f'nobody on the team is "{wanted}"\n  why: it is teammates who hand over.\n  fix: {fix}'
        )
    return found


def _taker(c: Any, leaver: Person, asked: Asked) -> str:
    """Who takes all of it: as named, else the stand-in of the absence that is meant; empty: whom the rules choose."""
    if asked.taker:
        found = _teammate(c, asked.taker)
        if found.id not in {one.id for one in team.teammates(c)}:
            raise MisuseError(f"{found.name} is not on the team any more; name somebody who is")
        return found.id
    today = now().date()
    meant = [item for item in leaver.cover.away if asked.until is not None and item.first <= asked.until <= item.last]
    absence = meant[0] if meant else leaver.cover.absence(today)
    return absence.stand_in if absence and asked.until is not None else ""


# --- for people and programs ------------------------------------------------------------------------------------------


def _preview(found: Handing, number: int | None, waiting: int) -> Iterator[str]:
    for name, parts in _by_customer(found):
        customer, open_ = found.those[name], found.waits[name]
        takes = ", ".join(f"{part.role} {found.names.get(part.now, part.now)}" for part in parts)
        yield f"{customer.name} ({customer.outer_id}): {takes}"
        yield f"  moves: {_waiting([open_])}; mails from now on"
        yield from sorted({f"  why: {part.why}" for part in parts if part.why and part.why != "named"})
    yield from _placeless(found, done=number is not None)
    everything = [*found.waits.values()]
    what = f"{_many(len(everything), 'customer')}; {_waiting(everything)} move"
    if not found.parts:
        yield "Nothing is to be done."
    elif number is None:
        yield f"{what}. Nothing was done; to do it, add --yes."
    else:
        yield f"{what}: done; {waiting} of them hear of it from the gateway, in a moment where one runs."
        yield f"To take it back: stageplay reassign --undo {number} --yes"


def _placeless(found: Handing, *, done: bool) -> Iterator[str]:
    """Who hosts meetings from now on without saying where."""
    fix = "tell the guests, and add it to team.yaml" if done else "add it to team.yaml and apply it first"
    for who, number in sorted(found.placeless.items()):
        loses = "says" if number == 1 else "say"
        what = f"{_many(number, 'meeting')} to come no longer {loses} where to join"
        yield f"{found.names.get(who, who)} has no `meeting_url`: {what}; {fix}."


def _waiting(those: Sequence[Waiting]) -> str:
    """What is open of some customers, all together."""
    sums = {what: sum(getattr(one, f"{what}s") for one in those) for what in ("approval", "task", "meeting")}
    return ", ".join(_many(number, what) for what, number in sums.items())


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _by_customer(found: Handing) -> Iterator[tuple[str, list[Part]]]:
    order = sorted(found.waits, key=lambda name: (found.those[name].name, name))
    return ((name, [part for part in found.parts if part.customer == name]) for name in order)


def _preview_json(found: Handing, number: int | None, waiting: int) -> dict[str, Any]:
    rows = [
        {
            "customer": found.those[name].outer_id,
            "name": found.those[name].name,
            "roles": {part.role: {"from": part.was, "to": part.now, "why": part.why} for part in parts},
            "approvals": found.waits[name].approvals,
            "tasks": found.waits[name].tasks,
            "meetings": found.waits[name].meetings,
        }
        for name, parts in _by_customer(found)
    ]
    until = found.until.isoformat() if found.until else None
    return {
        "from": found.leaver.id,
        "until": until,
        "handover": number,
        "not_heard": waiting,
        "customers": rows,
        "losing_place": [{"to": who, "meetings": count} for who, count in sorted(found.placeless.items())],
    }
