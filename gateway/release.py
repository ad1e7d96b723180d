"""Lifting the hold on everything: each customer of whom something is held is told, so that it goes now.

Without a word of ours each would find out by its next question, up to an hour later, which also is what remains for
those whom a gateway that dies meanwhile did not reach. Telling is in the background, a page of customers at a time.
"""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.deliver import Deliverer
from lifecycle.jsonform import digest, encode
from lifecycle.messages import SendsReleased
from store import customers, inbox, ledger
from store.database import Database

PAGE = 50
ASKED_WITHIN = timedelta(hours=1)
"""What is held is asked about, and noted, at least this often: so old a note may be of the hold before the last one."""

_log = structlog.get_logger("gateway.release")


async def release(db: Database, deliverer: Deliverer, placed_at: str, by: str) -> None:
    """Lift the hold on everything that was placed at that instant, and have its customers told.

    Only the hold that the page showed: a press that comes again must not lift a later one. `placed_at`: ISO. `by`:
    teammate id.
    """
    since = await asyncio.to_thread(_lift, db, placed_at)
    if since is not None:
        deliverer.soon(_tell(db, deliverer, since, by))


def release_here(db: Database, placed_at: str, by: str) -> int | None:
    """As `release`, from a process without a deliverer: a gateway's finds what is accepted here.

    Returns:
        How many customers are told; None where there is no such hold.
    """
    since = _lift(db, placed_at)
    if since is None:
        return None
    told, last = 0, ""
    while page := _accept(db, since, by, last):
        told, last = told + len(page), page[-1]
    return told


def _lift(db: Database, placed_at: str) -> datetime | None:
    with db.begin() as c:
        hold = customers.hold(c, customers.EVERYTHING)
        if hold is None or hold.placed_at.isoformat() != placed_at:
            return None
        customers.lift_hold(c, customers.EVERYTHING)
        return hold.placed_at


async def _tell(db: Database, deliverer: Deliverer, since: datetime, by: str) -> None:
    last = ""
    try:
        while page := await asyncio.to_thread(_accept, db, since, by, last):
            await asyncio.gather(*(deliverer.attempt(customer) for customer in page))
            last = page[-1]
    except SQLAlchemyError as error:
        _log.warning("release_cut_short", after=last, why=type(error).__name__)


def _accept(db: Database, since: datetime, by: str, after: str) -> list[str]:
    """The next page of customers, each with the event in its inbox."""
    event = SendsReleased(by)
    body = digest(encode(event))
    with db.begin() as c:
        page = ledger.held_back(c, since - ASKED_WITHIN, after=after, limit=PAGE)
        for customer in page:
            inbox.accept(c, customer, "release", f"{since.isoformat()}/{customer}", event, body_digest=body)
    return page
