"""Lifting the hold on everything: each customer of whom something is held is told, so that it goes now.

Where it is not to go, but to be skipped or moved, all are told first, and the hold is lifted when all have heard.

Without a word of ours each would find out by its next question, up to an hour later, which also is what remains for
those whom a gateway that dies meanwhile did not reach. Telling is in the background, a page of customers at a time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy import Connection as DbConnection
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.deliver import Deliverer
from lifecycle.jsonform import digest, encode
from lifecycle.messages import SendsReleased
from store import customers, inbox, ledger, tables
from store.database import Database

SOURCE = "release"
Choice = Literal["send", "skip", "retime"]
"""What becomes of what fell due during a hold."""
CHOICES: Mapping[str, Choice] = {"send": "send", "skip": "skip", "retime": "retime"}
PAGE = 50
ASKED_WITHIN = timedelta(hours=1)
"""What is held is asked about, and noted, at least this often: so old a note may be of the hold before the last one."""

HEARD_WITHIN = timedelta(seconds=60)
"""How long customers may take to hear what becomes of what was kept back; after that a person asks again."""
LOOK_EVERY = timedelta(seconds=0.2)
"""How often whether all have heard is looked at."""

_log = structlog.get_logger("gateway.release")


async def release(db: Database, deliverer: Deliverer, placed_at: str, by: str, stale: Choice = "send") -> None:
    """Lift the hold on everything that was placed at that instant, and have its customers told.

    Only the hold that the page showed: a press that comes again must not lift a later one. `placed_at`: ISO. `by`:
    teammate id. `stale`: what becomes of what was kept back; unless it is sent, the hold ends when all have heard.
    """
    if stale != "send":
        deliverer.soon(_after_all_heard(db, deliverer, placed_at, by, stale))
        return
    since = await asyncio.to_thread(_lift, db, placed_at)
    if since is not None:
        deliverer.soon(_tell(db, deliverer, since, by))


async def _after_all_heard(
    db: Database, deliverer: Deliverer, placed_at: str, by: str, stale: Literal["skip", "retime"]
) -> None:
    """Lift the hold once every customer knows what to skip or to move. Where some cannot be reached it stays on, and
    the page says so: the same press goes on.
    """
    since = await asyncio.to_thread(_placed, db, placed_at)
    if since is None:
        return
    try:
        told = await asyncio.to_thread(prepare, db, since, by, stale)
        for first in range(0, len(told), PAGE):
            await asyncio.gather(*(deliverer.attempt(customer) for customer in told[first : first + PAGE]))
        until = asyncio.get_running_loop().time() + HEARD_WITHIN.total_seconds()
        while left := await asyncio.to_thread(unheard, db, since, stale):
            if asyncio.get_running_loop().time() >= until:
                _log.warning("still_on_hold", left=left)
                return
            await asyncio.sleep(LOOK_EVERY.total_seconds())
        await release(db, deliverer, placed_at, by)
    except SQLAlchemyError as error:
        _log.warning("still_on_hold", why=type(error).__name__)


def release_here(db: Database, placed_at: str, by: str) -> int | None:
    """As `release`, from a process without a deliverer: a gateway's finds what is accepted here.

    Returns:
        How many customers are told; None where there is no such hold.
    """
    since = _lift(db, placed_at)
    return None if since is None else len(_accept_all(db, since, SendsReleased(by)))


def prepare(db: Database, since: datetime, by: str, stale: Literal["skip", "retime"]) -> list[str]:
    """Have customers told of the end of a hold that is still on: what it kept back is skipped, of those of whom it kept
    something; or moved with all that remains of their plays, of everybody. Told again, they do it once.

    Returns:
        The customers. Once `unheard` has none of them, the hold may be lifted.
    """
    return _accept_all(db, since, SendsReleased(by, stale, since))


def kept_back(c: DbConnection, since: datetime) -> set[str]:
    """The customers of whom a hold on everything keeps something back, which was placed at an instant."""
    found: list[str] = []
    while page := ledger.held_back(c, since - ASKED_WITHIN, after=found[-1] if found else "", limit=PAGE):
        found += page
    return set(found)


def unheard(db: Database, since: datetime, stale: str) -> int:
    """How many have not heard of the end of a hold that was prepared."""
    with db.read() as c:
        return yet_to_hear(c, since, f"{stale}/")


def yet_to_hear(c: DbConnection, since: datetime, stale: str = "") -> int:
    """As `unheard`, of any choice."""
    table = tables.inbox
    mine = (table.c.source == SOURCE) & table.c.event_id.startswith(f"{since.isoformat()}/{stale}", autoescape=True)
    return c.execute(select(func.count()).where(mine, table.c.delivered_at.is_(None))).scalar_one()


def _accept_all(db: Database, since: datetime, event: SendsReleased) -> list[str]:
    found: list[str] = []
    while page := _accept(db, since, event, found[-1] if found else ""):
        found += page
    return found


def _placed(db: Database, placed_at: str) -> datetime | None:
    with db.read() as c:
        return _that_hold(c, placed_at)


def _lift(db: Database, placed_at: str) -> datetime | None:
    with db.begin() as c:
        since = _that_hold(c, placed_at)
        if since is not None:
            customers.lift_hold(c, customers.EVERYTHING)
        return since


def _that_hold(c: DbConnection, placed_at: str) -> datetime | None:
    hold = customers.hold(c, customers.EVERYTHING)
    return hold.placed_at if hold is not None and hold.placed_at.isoformat() == placed_at else None


async def _tell(db: Database, deliverer: Deliverer, since: datetime, by: str) -> None:
    last = ""
    try:
        while page := await asyncio.to_thread(_accept, db, since, SendsReleased(by), last):
            await asyncio.gather(*(deliverer.attempt(customer) for customer in page))
            last = page[-1]
    except SQLAlchemyError as error:
        _log.warning("release_cut_short", after=last, why=type(error).__name__)


def _accept(db: Database, since: datetime, event: SendsReleased, after: str) -> list[str]:
    """The next page of customers, each with the event in its inbox."""
    with db.begin() as c:
        if event.stale == "retime":
            page = customers.after(c, after, PAGE)
        else:
            page = ledger.held_back(c, since - ASKED_WITHIN, after=after, limit=PAGE)
        for customer in page:
            own = event
            if event.since is not None:
                own = replace(event, since=customers.get(c, customer).clock.virtual(event.since))
            name = "/".join([since.isoformat(), *([event.stale] if event.since else []), customer])
            inbox.accept(c, customer, SOURCE, name, own, body_digest=digest(encode(own)))
    return page
