"""What the outbox transport keeps instead of sending: mails, cards and invites, whole, for the dashboard to show."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from store import tables
from store.database import now, upsert

Kind = Literal["email", "card", "invite"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One kept message. `body`: its parts by name (`text`, `html`, `head`, `ics`, `blocks`). `at`: customer time."""

    id: int
    touch: str
    customer: str
    kind: Kind
    to: str
    subject: str
    body: dict[str, str]
    at: datetime
    kept_at: datetime


def keep(
    c: Connection,
    touch: str,
    *,
    customer: str,
    kind: Kind,
    to: str,
    subject: str,
    body: dict[str, str],
    at: datetime,
) -> int:
    """Keep a message, one row a touch: keeping it again replaces it, as a transport updates a card.

    Returns:
        The id of the entry, the same after a replacement.
    """
    values: dict[str, Any] = {"customer": customer, "kind": kind, "to": to, "subject": subject, "body": body}
    values |= {"at": at, "kept_at": now()}
    save = upsert(c, tables.outbox).values(touch=touch, **values)
    save = save.on_conflict_do_update(index_elements=["touch"], set_=values)
    return int(c.execute(save.returning(tables.outbox.c.id)).scalar_one())


def entries(
    c: Connection, limit: int, kind: Kind | None = None, customer: str | None = None, *, before: int | None = None
) -> tuple[Entry, ...]:
    """The last entries by their first keeping, the newest first; of those kept before the entry `before`."""
    table = tables.outbox
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.id < before)
    if kind is not None:
        query = query.where(table.c.kind == kind)
    if customer is not None:
        query = query.where(table.c.customer == customer)
    return tuple(_entry(row) for row in c.execute(query))


def entry(c: Connection, id: int) -> Entry | None:  # noqa: A002 - the word that everybody calls it by
    """One entry by id."""
    row = c.execute(select(tables.outbox).where(tables.outbox.c.id == id)).one_or_none()
    return None if row is None else _entry(row)


def by_touch(c: Connection, touch: str) -> Entry | None:
    """The entry of a touch, None when it was never kept."""
    row = c.execute(select(tables.outbox).where(tables.outbox.c.touch == touch)).one_or_none()
    return None if row is None else _entry(row)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        touch=row.touch,
        customer=row.customer,
        kind=row.kind,
        to=row.to,
        subject=row.subject,
        body=row.body,
        at=row.at,
        kept_at=row.kept_at,
    )
