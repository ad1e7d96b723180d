"""`stageplay merge FROM INTO`: two customers that are one company become one.

It shows what will happen, which it finds out by doing it and taking it back, and does it only with `--yes`: there is no
undoing.
"""

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from sqlalchemy import Connection

import settings as configuration
from cli import known
from cli.connection import opened
from cli.explain import find
from gateway import merging
from gateway.refusals import RefusedError
from lifecycle import calendar
from lifecycle.jsonform import digest
from lifecycle.messages import Absorbed
from store import customers, pages
from store.customers import Customer
from store.database import Database
from store.pages import CustomerPage

Gone = Annotated[str, typer.Argument(metavar="FROM", help="The customer that ends, by the sender's id or ours.")]
Into = Annotated[str, typer.Argument(metavar="INTO", help="The customer that it goes on as.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown.")]


def command(gone: Gone, into: Into, *, yes: Yes = False) -> None:
    """Merge a customer into another one, which goes on as it is: shown first, done with --yes."""
    with opened(configuration.load().database_url) as database:
        with database.read() as c:
            two = find(c, gone), find(c, into)
        raise typer.Exit(_merge(database, *two, yes=yes))


def _merge(db: Database, gone: Customer, into: Customer, *, yes: bool) -> int:
    try:
        told = _told(db, gone, into)
        if told is None:
            print(f"{gone.name} was merged into {into.name} before. Nothing is to be done.")
            return 0
        print(*_preview(db, gone, into, told), sep="\n")
        if yes:
            with db.begin() as c:
                _do(c, gone, into)
    except RefusedError as refused:
        whose = into if refused.field == "into" else gone
        print(f"{whose.name} ({whose.outer_id}) {refused.problem}\n  fix: {refused.fix}", file=sys.stderr)
        return 1
    if yes:
        print("Done. Both hear of it from the gateway.")
    else:
        print("Nothing was done, and there is no undoing.")
        print(f"To do it: stageplay merge {gone.outer_id} {into.outer_id} --yes")
    return 0


def _do(c: Connection, gone: Customer, into: Customer) -> Absorbed | None:
    """Merge them as they are now; what the survivor is told, None where it was done before."""
    merging.alone(c, gone.outer_id, into.outer_id)
    two = customers.get(c, gone.id), customers.get(c, into.id)
    names = [gone.id, into.id]
    return merging.merge(c, *two, source="cli", event_id="/".join(names), body_digest=digest(names))[2]


def _told(db: Database, gone: Customer, into: Customer) -> Absorbed | None:
    """What the survivor would be told."""
    with db.begin() as c:
        looked = c.begin_nested()
        told = _do(c, gone, into)
        looked.rollback()
        return told


def _preview(db: Database, gone: Customer, into: Customer, told: Absorbed) -> Iterator[str]:
    """What will happen, a line each; no names of people."""
    with db.read() as c:
        page, there = pages.customer_page(c, gone.id), {person.id for person in customers.contacts(c, into.id)}
        stored = known.stored(c, gone.id)
    assert page is not None
    yield f"{gone.name} ({gone.outer_id}) ends and goes on as {into.name} ({into.outer_id}), which stays as it is:"
    state = asyncio.run(known.asked([gone.id])).get(gone.id) or stored
    plays = ", ".join(play.key for play in state.plays if not play.over) if state else "not known, it does not answer"
    yield f"  plays that end: {plays or 'none'}"
    yield from _taken_back(page)
    new = sum(person.id not in there for person in told.contacts)
    barred = sum(person.suppressed for person in told.contacts)
    yield f"  people: {new} join, {len(told.contacts) - new} are there already, {barred} may not be written to"
    ends = ", ".join(f"{item.id} until {item.ends_on.isoformat()}" for item in told.contracts)
    yield f"  contracts that come along, unless they are over or end on the day of one there: {ends or 'none'}"
    yield f"  mails and surveys of the last 8 days that count towards its caps: {len(told.touched)}"
    if page.customer.held:
        yield f"  its hold ends: {page.customer.held}. Hold {into.outer_id}, if it is to stay"
    if into.stopped:
        yield f"  {into.name} has left, so nothing goes to any of them"


def _taken_back(page: CustomerPage) -> Iterator[str]:
    approvals = [ask.approval.step for ask in page.approvals]
    yield f"  approvals that are withdrawn: {', '.join(approvals) or 'none'}"
    zone = page.customer.profile.zone
    booked = [f"{one.name}, {calendar.local(one.starts_at, zone):%a %d %b %Y %H:%M}" for one in page.meetings]
    yield f"  meetings that are cancelled, where they are still to come: {'; '.join(booked) or 'none'}"
    yield f"  open tasks that move: {len(page.tasks)}"
