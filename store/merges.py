"""Customers that are one: which one a merged customer goes on as, what a merge changes in the rows, and what the merged
one had been sent.

The ledger is never rewritten: a touch keeps the customer that it was made for. A merged customer's own rows stay, for
the links, cards and touches that name them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, text, update

from lifecycle import touches
from lifecycle.model import Contact, Touched
from store import customers, tables
from store.customers import Customer, NewContact
from store.database import now
from store.team import normalised

OUT = ("sent", "reserved", "unknown")
"""States of a touch that is out, or may be."""
COUNTED = timedelta(days=8)
"""How far back caps look, in the customer's time."""
ASKED = timedelta(days=366)
"""How far back surveys may look for the last one of their kind."""
_SURVEY = "send_survey"
_MAILS = ("send_email", _SURVEY)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A touch that a merged customer had. `at`: real time. `surely`: it is out; else it is being sent, or in doubt."""

    touch: str
    at: datetime
    surely: bool


def home(c: Connection, customer: Customer) -> Customer:
    """The customer that this one goes on as; itself, unless it was merged. There never is a second step."""
    return customers.get(c, customer.merged_into) if customer.merged_into else customer


def absorbed(c: Connection, customer: str) -> tuple[Customer, ...]:
    """The customers that were merged into this one, the first one first."""
    table = tables.customers
    query = select(table.c.id).where(table.c.merged_into == customer).order_by(table.c.merged_at, table.c.id)
    return tuple(customers.get(c, row.id) for row in c.execute(query).all())


def merge(c: Connection, gone: Customer, into: Customer) -> None:
    """Mark a customer as merged, and those that were merged into it before; give its open tasks to the survivor and end
    its holds. From here on no send of it starts.

    Args:
        c: a write transaction, which waits for reservations that are being written: on PostgreSQL one that had not seen
            the mark could otherwise go out unseen.
        gone: is one of its own.
        into: is one of its own, too.
    """
    if c.dialect.name == "postgresql":
        c.execute(text("LOCK TABLE ledger IN SHARE MODE"))
    table, tasks, holds = tables.customers, tables.tasks, tables.holds
    c.execute(update(table).where(table.c.merged_into == gone.id).values(merged_into=into.id))
    values = {"merged_into": into.id, "merged_at": now(), "stopped": True}
    c.execute(update(table).where(table.c.id == gone.id).values(values))
    c.execute(update(tasks).where(tasks.c.customer == gone.id, tasks.c.ticked_at.is_(None)).values(customer=into.id))
    parts = holds.c.scope.startswith(f"{gone.id}/", autoescape=True)
    c.execute(delete(holds).where(or_(holds.c.scope == gone.id, parts)))


def join_people(c: Connection, gone: str, into: str) -> tuple[Contact, ...]:
    """Make the people of one customer those of another, too. Those with one address are one, with the roles of both and
    the name that they have there.
    """
    found = []
    for person in customers.contacts(c, gone):
        name = "" if contact_of(c, into, person.id) else person.name
        found.append(customers.upsert_contact(c, into, NewContact(person.email, name, person.roles))[0])
    return tuple(found)


def contact_of(c: Connection, customer: str, contact: str) -> str | None:
    """The contact of a customer who has the address of a contact of any customer."""
    there, here = tables.contacts.alias(), tables.contacts
    query = select(here.c.id).join(there, there.c.address == here.c.address)
    return c.execute(query.where(there.c.id == contact, here.c.customer == customer)).scalar_one_or_none()


def lately(c: Connection, into: Customer) -> tuple[Touched, ...]:
    """The mails and surveys that customers merged into this one were sent of late, or may have been: whom they went to
    by the ids of its contacts, when in its time, and of which step. Of an older survey the last time of each step.
    """
    table, since = tables.ledger.c, now() - into.clock.real_length(COUNTED)
    those = [one.id for one in absorbed(c, into.id)]
    at = func.coalesce(table.sent_at, table.changed_at, type_=table.changed_at.type).label("at")
    query = select(table.touch, table.changed_at, at).where(table.customer.in_(those), table.kind.in_(_MAILS))
    asked = and_(table.kind == _SURVEY, table.changed_at > now() - into.clock.real_length(ASKED))
    query = query.where(table.state.in_(OUT), or_(asked, table.changed_at > since))
    found: dict[tuple[str, str], Touched] = {}
    for row in c.execute(query.order_by(at, table.touch)).all():
        touch = touches.read(row.touch)
        contact = contact_of(c, into.id, touch.to)
        if contact is not None:
            name = f"{touch.customer}/{touches.name_in(row.touch)}"
            which = name if row.changed_at > since else f"{touch.playbook}/{touch.step}"
            found[contact, which] = Touched(contact, into.clock.virtual(row.at), name)
    return tuple(found.values())


_GONE = (  # made once, because every send asks
    select(tables.contacts.c.customer, tables.contacts.c.id)
    .join(tables.customers, tables.customers.c.id == tables.contacts.c.customer)
    .where(tables.customers.c.merged_into == bindparam("into"), tables.contacts.c.address == bindparam("address"))
)


def earlier(c: Connection, touch: str, address: str) -> tuple[Earlier, ...]:
    """The touches of the same playbook, step and round that customers merged into this one had, to the same address."""
    wanted, table = touches.read(touch), tables.ledger
    found = []
    for person in c.execute(_GONE, {"into": wanted.customer, "address": normalised(address)}).all():
        query = select(table.c.touch, table.c.state, table.c.changed_at, table.c.sent_at).where(
            table.c.customer == person.customer,
            table.c.state.in_(OUT),
            table.c.touch.startswith(f"{person.customer}/{wanted.playbook}/", autoescape=True),
        )
        for row in c.execute(query.order_by(table.c.touch)):
            had = touches.read(row.touch)
            if (had.step, had.nth, had.part, had.to) == (wanted.step, wanted.nth, wanted.part, person.id):
                found.append(Earlier(row.touch, row.sent_at or row.changed_at, row.state == "sent"))
    return tuple(found)
