"""`stageplay explain`: why a customer is in a playbook or not, what is next, and what would change it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy import Connection

import settings as configuration
from authoring.changes import Change
from authoring.clauses import Clause
from authoring.diagnostics import near
from authoring.explain import Explained, Open, Running, explain
from authoring.simulate import Library
from cli import known, records
from cli.connection import opened
from cli.failures import MisuseError
from cli.processes import ProcessError
from lifecycle import calendar
from lifecycle.jsonform import encode
from lifecycle.model import State
from store import customers, pages, releases
from store.customers import Customer
from store.database import Database, now

_SHOWN = 5
"""Decisions of the past that are listed for one playbook among all."""
_CHOICES = 5
"""Of customers who may be meant."""


class NoSuchError(MisuseError):
    """Nothing has the name that was written; the message says which there are."""


@dataclass(frozen=True)
class Account:
    """A customer and its playbooks, explained as of an instant of the customer's time. `source`: who gave the state."""

    customer: Customer
    at: datetime
    source: Literal["workflow", "snapshot"]
    playbooks: tuple[Explained, ...]


def command(
    customer: Annotated[str, typer.Argument(help="The sender's id of the customer, or ours.")],
    playbook: Annotated[str, typer.Argument(help="One playbook; all of them when left out.")] = "",
    *,
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")] = "text",
) -> None:
    """Say why a customer is in a playbook or not, what is next and when, and what would change it."""
    settings = configuration.load()
    with opened(settings.database_url) as database:
        found = asyncio.run(_account(database, customer, playbook))
    if form == "json":
        print(json.dumps(to_json(found), indent=2, ensure_ascii=False))
    else:
        show(found, Console(highlight=False, soft_wrap=True), whole=bool(playbook))


def find(c: Connection, wanted: str) -> Customer:
    """The customer with this id, the sender's or ours.

    Raises:
        NoSuchError: nobody has it.
    """
    found = customers.find(c, wanted)
    if found is not None:
        return found
    try:
        return customers.get(c, wanted)
    except LookupError:
        meant = [f'"{line.outer_id}" ({line.name})' for line in pages.customers_page(c, named=wanted, limit=_CHOICES)]
        fix = f"did you mean {' or '.join(meant)}?" if meant else "take one from the customer's page on the dashboard."
        raise NoSuchError(
            f'no customer has the id "{wanted}"\n  why: a customer is named by the id that its events carry.\n'
            f"  fix: {fix}"
        ) from None


@dataclass(frozen=True)
class Known:
    """A customer with its state as of an instant of its time, and every release that the state names."""

    customer: Customer
    at: datetime
    source: Literal["workflow", "snapshot"]
    library: Library
    state: State


async def known_of(db: Database, wanted: str) -> Known:
    """The customer with this id, the sender's or ours, as it stands now.

    Raises:
        NoSuchError: nobody has the id.
        ProcessError: nothing is applied yet, or its workflow has not begun.
    """
    with db.read() as c:
        customer, current = find(c, wanted), releases.current(c)
    if current is None:
        raise ProcessError("no playbooks are applied yet; run `stageplay apply`")
    answered = (await known.asked([customer.id])).get(customer.id)
    with db.read() as c:
        state = answered or known.stored(c, customer.id)
    if state is None:
        raise ProcessError(f"{customer.name} is known, but its workflow has not begun; is a worker running?")
    at = customer.clock.virtual(now())
    library, as_now = known.brought_up(db, customer, state, at, current)
    return Known(customer, at, "workflow" if answered else "snapshot", library, as_now)


async def _account(db: Database, wanted: str, playbook: str) -> Account:
    found = await known_of(db, wanted)
    library, state = found.library, found.state
    names = sorted({*library.catalogue(state.catalogue).playbooks, *(play.playbook for play in state.plays)})
    if playbook and playbook not in names:
        raise NoSuchError(f'no playbook is called "{playbook}"; {near(playbook, names)}')
    past = records.of_customer(db, found.customer.id)
    return Account(
        replace(found.customer, held=state.held), found.at, found.source, explain(library, state, past, playbook)
    )


# --- for people -------------------------------------------------------------------------------------------------------


def show(found: Account, out: Console, *, whole: bool) -> None:
    """The account for people. `whole`: with all that was decided in the past."""
    zone = found.customer.profile.zone
    source = "as its workflow says" if found.source == "workflow" else "from its last stored state and what came since"
    out.print(Text.assemble((found.customer.name, "bold"), f", {_when(found.at, zone)} {zone}, {source}"))
    if found.customer.held:
        out.print(Text(f"on hold: {found.customer.held}", "magenta"))
    for item in found.playbooks:
        out.print()
        head = {"running": "green", "ended": "dim", "never": "yellow"}[item.verdict]
        out.print(Text.assemble((item.playbook, "bold"), f"  {item.title}  ", (item.place, "dim")))
        out.print(Text(f"  {item.reason}", head))
        for label, line in (*_lines(item, zone), *_history(item, zone, len(item.past) if whole else _SHOWN)):
            out.print(Text.assemble((f"  {label:<8}", "dim"), line), soft_wrap=True)


def _lines(item: Explained, zone: str) -> Iterator[tuple[str, str]]:
    yield "starts", f"when {' or '.join(item.triggers)}"
    for clause in item.entry:
        yield "entry", _clause(clause, zone)
    if item.starts_at is not None:
        yield "then", f"it starts by itself on {_when(item.starts_at, zone)}"
    for step in item.put_off:
        yield "sends", _step(step, zone)
    for play in item.plays:
        yield from _play(play, zone)
    if item.change is None:
        yield "changes", "nothing that is known here would change it"
    else:
        flips = "it ends" if item.plays else "it starts"
        yield "changes", f"{flips} {change(item.change, zone)}"


def _play(play: Running, zone: str) -> Iterator[tuple[str, str]]:
    yield "play", f"{play.key}: {play.why}"
    for name, clause in play.leaves:
        yield name, _clause(clause, zone)
    for step in sorted(play.steps, key=lambda item: (item.at is None, item.at or play.since)):
        yield "next", _step(step, zone)
        for clause in step.condition:
            yield "", f"  {'until' if step.kind == 'wait' else 'if'} {_clause(clause, zone)}"
        if step.change is not None:
            yield "", f"  {'met' if step.kind == 'wait' else 'turned over'} {change(step.change, zone)}"


def _step(step: Open, zone: str) -> str:
    at = "without a time" if step.at is None else _when(step.at, zone)
    to = f" to {step.to}" if step.to else ""
    return f"{at}  {step.step} ({step.kind}{to}): {step.why}  {step.place}"


def _clause(clause: Clause, zone: str) -> str:
    verdict = {True: "yes", False: "no", None: "not known"}[clause.met]
    learned = [f"{seen.name} since {_when(seen.at, zone)}" for seen in clause.seen if seen.at is not None]
    return f"{verdict}: {clause.because}" + (f" ({', '.join(learned)})" if learned else "")


def change(found: Change, zone: str) -> str:
    """What would flip a verdict, as the end of a sentence."""
    at = "" if found.at is None else f" from {_when(found.at, zone)} on"
    return f"when {found.text}{at}"


def _history(item: Explained, zone: str, most: int) -> Iterator[tuple[str, str]]:
    past = item.past[-most:] if most else ()
    if len(past) < len(item.past):
        yield "past", f"{len(item.past) - len(past)} earlier decisions: stageplay explain ... {item.playbook}"
    for line in past:
        yield "past", f"{_when(line.at, zone)}  {line.step or item.playbook} {line.verdict}: {line.reason}"


def _when(at: datetime, zone: str) -> str:
    return f"{calendar.local(at, zone):%a %d %b %Y %H:%M}"


# --- for programs -----------------------------------------------------------------------------------------------------


def to_json(found: Account) -> dict[str, Any]:
    """The account as one document; instants in the customer's zone, with offset."""
    zone = found.customer.profile.zone
    return {
        "customer": found.customer.id,
        "id": found.customer.outer_id,
        "name": found.customer.name,
        "at": _iso(found.at, zone),
        "source": found.source,
        "hold": found.customer.held,
        "playbooks": [_playbook(item, zone) for item in found.playbooks],
    }


def _playbook(item: Explained, zone: str) -> dict[str, Any]:
    return {
        "playbook": item.playbook,
        "title": item.title,
        "place": item.place,
        "verdict": item.verdict,
        "reason": item.reason,
        "triggers": list(item.triggers),
        "entry": [_clause_json(clause, zone) for clause in item.entry],
        "starts_at": _iso(item.starts_at, zone),
        "plays": [_play_json(play, zone) for play in item.plays],
        "put_off": [_step_json(step, zone) for step in item.put_off],
        "change": _change_json(item.change, zone),
        "past": [
            {"at": _iso(p.at, zone), "play": p.play, "step": p.step, "kind": p.what, "verdict": p.verdict}
            | {"reason": p.reason}
            for p in item.past
        ],
    }


def _play_json(play: Running, zone: str) -> dict[str, Any]:
    return {
        "play": play.key,
        "since": _iso(play.since, zone),
        "why": play.why,
        "leaves": {name: _clause_json(clause, zone) for name, clause in play.leaves},
        "steps": [
            {**_step_json(step, zone), "condition": [_clause_json(clause, zone) for clause in step.condition]}
            | {"change": _change_json(step.change, zone)}
            for step in play.steps
        ],
    }


def _step_json(step: Open, zone: str) -> dict[str, Any]:
    at = _iso(step.at, zone)
    return {"step": step.step, "kind": step.kind, "to": step.to, "at": at, "why": step.why, "place": step.place}


def _clause_json(clause: Clause, zone: str) -> dict[str, Any]:
    seen = [{"name": item.name, "value": item.value, "since": _iso(item.at, zone)} for item in clause.seen]
    return {"text": clause.text, "met": clause.met, "because": clause.because, "values": seen}


def _change_json(found: Change | None, zone: str) -> dict[str, Any] | None:
    if found is None:
        return None
    events = [encode(event) for event in found.events]
    return {"when": found.text, "not_before": _iso(found.at, zone), "events": events}


def _iso(at: datetime | None, zone: str) -> str | None:
    return None if at is None else calendar.local(at, zone).isoformat(timespec="seconds")
