"""Everything inbound, before the workflow sees it: accepted rows with a gapless number per customer, events that came
before their signup, and events that were refused; and the lease that lets one deliverer at a time serve a customer.

Delivery is in order and at least once: the workflow drops numbers it has seen. Parked and refused events are kept for
30 days, visibly, and then purged. Events hold no names or addresses; parked and refused ones are as they came and do.
"""

import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy import Row as SqlRow

from lifecycle.jsonform import digest, encode
from lifecycle.messages import Event
from store import tables
from store.columns import Instant
from store.database import Database, insert_new, now

KEPT_FOR = timedelta(days=30)
LONGEST_PAUSE = timedelta(seconds=60)


class Accepted(Enum):
    """What became of an event. REPEATED: known, same body. CONFLICT: the id is known with another body."""

    NEW = "new"
    REPEATED = "repeated"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Row:
    """An accepted event. `seq`: from 1, gapless per customer. `event`: a core event as JSON. `reply`: one as JSON."""

    customer: str
    seq: int
    source: str
    event_id: str
    event: dict[str, Any]
    received_at: datetime
    delivered_at: datetime | None
    attempts: int
    reply: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that came before its customer's signup, as received."""

    outer_id: str
    source: str
    event_id: str
    raw: dict[str, Any]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was not accepted, as received, and why."""

    source: str
    event_id: str
    raw: dict[str, Any] | str
    problem: str
    received_at: datetime


# --- accepting --------------------------------------------------------------------------------------------------------


def accept(
    c: Connection,
    customer: str,
    source: str,
    event_id: str,
    event: Event,
    *,
    body_digest: str,
    tell: bool = True,
) -> tuple[Accepted, Row]:
    """Store an event once, with the customer's next number.

    Args:
        c: a durable write transaction; the event is ours once that commits.
        customer: our id of a customer that exists.
        source: who sent it; `event_id` is unique within it.
        event_id: the sender's id.
        event: what it means to the core.
        body_digest: tells a repeated event from another one under the same id.
        tell: whether the workflow is to hear of it; an event that is no news is kept and counts as delivered.

    Returns:
        What became of it, and its row: the stored one when it was known.
    """
    at = now()
    seq = c.execute(_COUNT, {"whose": customer, "by": 1}).scalar_one()
    row = Row(customer, seq, source, event_id, encode(event), at, None if tell else at, 0, None)
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    if insert_new(c, tables.inbox, **values, body_digest=body_digest, error=""):
        return Accepted.NEW, row
    c.execute(_COUNT, {"whose": customer, "by": -1})  # gapless; the row is locked, so nobody has taken the next number
    known = _known(c, source, event_id)
    if known is None:
        raise LookupError(f"the number {seq} of {customer} was given out before")
    row, stored_digest = known
    return (Accepted.REPEATED if stored_digest == body_digest else Accepted.CONFLICT), row


_COUNT = (
    update(tables.customers)
    .where(tables.customers.c.id == bindparam("whose"))
    .values(seq=tables.customers.c.seq + bindparam("by"))
    .returning(tables.customers.c.seq)
)
_KNOWN = select(tables.inbox).where(
    tables.inbox.c.source == bindparam("source"), tables.inbox.c.event_id == bindparam("event_id")
)


def _known(c: Connection, source: str, event_id: str) -> tuple[Row, str] | None:
    row = c.execute(_KNOWN, {"source": source, "event_id": event_id}).one_or_none()
    return None if row is None else (_row(row), row.body_digest)


def _row(row: SqlRow[Any]) -> Row:
    return Row(
        customer=row.customer,
        seq=row.seq,
        source=row.source,
        event_id=row.event_id,
        event=row.event,
        received_at=row.received_at,
        delivered_at=row.delivered_at,
        attempts=row.attempts,
        reply=row.reply,
    )


def reply_to(c: Connection, source: str, event_id: str) -> dict[str, Any] | None:
    """The workflow's answer to an event that a person waits for; None until there is one."""
    known = _known(c, source, event_id)
    return None if known is None else known[0].reply


# --- delivering -------------------------------------------------------------------------------------------------------


def lease(db: Database, *, by: str, for_: timedelta, limit: int = 1) -> list[str]:
    """Take the right to deliver: customers with undelivered rows that nobody delivers now, the longest waiting first.

    At most one deliverer holds a customer; different customers go in parallel. A lease ends with `release` or after
    `for_` of real time, so a killed deliverer blocks a customer no longer than that. After failures a customer rests
    (1 s, doubling, at most 60 s).
    """
    at = now()
    table, rows = tables.deliveries, tables.inbox
    waiting = select(rows.c.customer).where(rows.c.delivered_at.is_(None))
    since = select(func.min(rows.c.received_at)).where(
        (rows.c.customer == table.c.customer) & rows.c.delivered_at.is_(None),
    )
    free = (
        select(table.c.customer)
        .where(table.c.customer.in_(waiting), or_(table.c.lease_until.is_(None), table.c.lease_until <= at))
        .where(or_(table.c.next_try_at.is_(None), table.c.next_try_at <= at))
        .order_by(since.scalar_subquery())
    )
    with db.begin(durable=False) as c:
        found = list(c.execute(free.limit(limit).with_for_update(skip_locked=True)).scalars())
        if found:
            values = {"leased_by": by, "lease_until": at + for_}
            c.execute(update(table).where(table.c.customer.in_(found)).values(values))
    return found


def lease_one(c: Connection, customer: str, *, by: str, for_: timedelta) -> bool:
    """Take the right to deliver to one customer, as `lease`, also while it rests: something has just come for it.
    False while another deliverer has it.
    """
    at = now()
    return c.execute(_LEASE, {"whose": customer, "at": at, "leased_by": by, "lease_until": at + for_}).rowcount == 1


def release(c: Connection, customer: str, by: str) -> bool:
    """Give a lease back. False when it was lost meanwhile and may be somebody else's."""
    return c.execute(_RELEASE, {"whose": customer, "by": by, "leased_by": "", "lease_until": None}).rowcount == 1


def undelivered(c: Connection, customer: str, limit: int = 50) -> list[Row]:
    """The customer's rows to deliver, in order."""
    return [_row(row) for row in c.execute(_UNDELIVERED, {"customer": customer, "limit": limit})]


def delivered(c: Connection, customer: str, seq: int, reply: dict[str, Any] | None) -> bool:
    """Mark a row as delivered, with the answer where a person waits. False when it was marked before."""
    key = {"whose": customer, "number": seq}
    marked = c.execute(_DELIVERED, {**key, "delivered_at": now(), "error": "", "reply": reply}).rowcount == 1
    c.execute(_RESTED, {"whose": customer, "failures": 0, "next_try_at": None})
    return marked


_WHOSE = tables.deliveries.c.customer == bindparam("whose")
_UNTIL = tables.deliveries.c.lease_until
_LEASE = update(tables.deliveries).where(_WHOSE, or_(_UNTIL.is_(None), bindparam("at", type_=Instant) >= _UNTIL))
_RELEASE = update(tables.deliveries).where(_WHOSE, tables.deliveries.c.leased_by == bindparam("by"))
_RESTED = update(tables.deliveries).where(_WHOSE, tables.deliveries.c.failures > 0)
_DELIVERED = (
    update(tables.inbox)
    .where(tables.inbox.c.customer == bindparam("whose"), tables.inbox.c.seq == bindparam("number"))
    .where(tables.inbox.c.delivered_at.is_(None))
    .values(attempts=tables.inbox.c.attempts + 1)
)
_UNDELIVERED = (
    select(tables.inbox)
    .where(tables.inbox.c.customer == bindparam("customer"), tables.inbox.c.delivered_at.is_(None))
    .order_by(tables.inbox.c.seq)
    .limit(bindparam("limit"))
)


def failed(c: Connection, customer: str, seq: int, error: str) -> datetime:
    """Count a failed delivery and let the customer rest.

    Returns:
        When the poller tries again.
    """
    table = tables.deliveries
    query = select(table.c.failures).where(table.c.customer == customer).with_for_update()
    failures = c.execute(query).scalar_one()
    next_try_at = now() + min(LONGEST_PAUSE, timedelta(seconds=2 ** min(failures, 10)))
    values = {"failures": failures + 1, "next_try_at": next_try_at}
    c.execute(update(table).where(table.c.customer == customer).values(values))
    row = (tables.inbox.c.customer == customer) & (tables.inbox.c.seq == seq)
    c.execute(update(tables.inbox).where(row).values(attempts=tables.inbox.c.attempts + 1, error=error))
    return next_try_at


# --- parked and refused -----------------------------------------------------------------------------------------------


def park(c: Connection, outer_id: str, source: str, event_id: str, raw: dict[str, Any]) -> Accepted:
    """Keep an event whose customer has not signed up yet."""
    table = tables.parked
    body_digest = digest(raw)
    values: dict[str, Any] = {"outer_id": outer_id, "source": source, "event_id": event_id, "raw": raw}
    if insert_new(c, table, **values, body_digest=body_digest, received_at=now()):
        return Accepted.NEW
    query = select(table.c.body_digest).where((table.c.source == source) & (table.c.event_id == event_id))
    return Accepted.REPEATED if c.execute(query).scalar_one() == body_digest else Accepted.CONFLICT


def parked(c: Connection, outer_id: str | None = None, limit: int | None = None) -> list[Parked]:
    """Events waiting for a signup, the oldest first: of one customer by the sender's id, or of all."""
    query = select(tables.parked).order_by(tables.parked.c.id).limit(limit)
    if outer_id is not None:
        query = query.where(tables.parked.c.outer_id == outer_id)
    return [Parked(row.outer_id, row.source, row.event_id, row.raw, row.received_at) for row in c.execute(query)]


def unpark(c: Connection, outer_id: str) -> list[Parked]:
    """Take the events that waited for this signup, the oldest first; accept them in the same transaction."""
    taken = parked(c, outer_id)
    if taken:
        c.execute(delete(tables.parked).where(tables.parked.c.outer_id == outer_id))
    return taken


def refuse(c: Connection, source: str, event_id: str, raw: dict[str, Any] | str, problem: str) -> None:
    """Keep what was not accepted, with the problem as the sender was told it."""
    values = {"source": source, "event_id": event_id, "problem": problem}
    # What comes from outside may hold NaN and NUL, which PostgreSQL takes in neither JSON nor text.
    plain = json.loads(json.dumps(raw), parse_constant=str)
    values = {name: value.replace("\0", "") for name, value in values.items()}
    c.execute(insert(tables.refused).values(**values, raw=plain, received_at=now()))


def refused(c: Connection, limit: int = 50) -> list[Refused]:
    """The last refused events, the newest first."""
    query = select(tables.refused).order_by(tables.refused.c.id.desc()).limit(limit)
    return [Refused(row.source, row.event_id, row.raw, row.problem, row.received_at) for row in c.execute(query)]


def purge(c: Connection) -> int:
    """Delete parked and refused events older than 30 days; returns how many."""
    before = now() - KEPT_FOR
    return sum(
        c.execute(delete(table).where(table.c.received_at < before)).rowcount
        for table in (tables.parked, tables.refused)
    )
