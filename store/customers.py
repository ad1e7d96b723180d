"""Customers and their contacts; suppressions, which count for an address wherever it occurs; holds.

Names and addresses stand here and nowhere in the core: the workflow knows contacts by id. The team stands in `team`.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from lifecycle.jsonform import decode, encode
from lifecycle.model import Clock, Contact, Profile
from store import tables
from store.database import insert_new, now, upsert
from store.team import Person, normalised

EVERYTHING = "everything"
"""The scope of a hold that stops every customer's sends."""

AT_A_TIME = 1000
"""Customers that one query names: SQLite takes 32,766 values as it comes, PostgreSQL's driver 65,535."""


@dataclass(frozen=True, slots=True)
class NewContact:
    """A person at a customer as a sender described them, the address as written."""

    email: str
    name: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's row. `seq`: the last inbox number given out. `held`: why, empty when not. `next_due`: its time.
    `merged_into`: the customer that it goes on as, empty while it is one of its own.
    """

    id: str
    outer_id: str
    name: str
    profile: Profile
    clock: Clock
    stage: str
    band: str
    overdue: bool
    held: str
    stopped: bool
    catalogue: str
    next_due: datetime | None
    seq: int
    created_at: datetime
    merged_into: str = ""
    merged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing goes out. `scope`: `EVERYTHING` or as of `scope_of`. `placed_by`: teammate id, empty where the ledger
    itself holds. `placed_at`: real time.
    """

    scope: str
    placed_by: str
    reason: str
    placed_at: datetime


# --- customers --------------------------------------------------------------------------------------------------------

_FIND = select(tables.customers).where(tables.customers.c.outer_id == bindparam("outer_id"))
_GET = select(tables.customers).where(tables.customers.c.id == bindparam("customer"))


def find(c: Connection, outer_id: str) -> Customer | None:
    """The customer that a sender calls `outer_id`."""
    row = c.execute(_FIND, {"outer_id": outer_id}).one_or_none()
    return None if row is None else _customer(row)


def get(c: Connection, customer: str) -> Customer:
    """The customer with our id.

    Raises:
        LookupError: there is none.
    """
    row = c.execute(_GET, {"customer": customer}).one_or_none()
    if row is None:
        raise LookupError(f"no customer {customer!r} in the database")
    return _customer(row)


def clocks(c: Connection, those: Collection[str]) -> dict[str, Clock]:
    """The clocks of customers, by our ids."""
    table, ids = tables.customers, sorted(those)
    found: dict[str, Clock] = {}
    for first in range(0, len(ids), AT_A_TIME):
        some = table.c.id.in_(ids[first : first + AT_A_TIME])
        found |= {row.id: decode(Clock, row.clock) for row in c.execute(select(table.c.id, table.c.clock).where(some))}
    return found


def zones(c: Connection, those: Collection[str]) -> dict[str, str]:
    """The time zones of customers, by our ids."""
    table = tables.customers
    query = select(table.c.id, table.c.profile["zone"].as_string().label("zone")).where(table.c.id.in_(sorted(those)))
    return {row.id: row.zone for row in c.execute(query)}


def create(
    c: Connection,
    *,
    outer_id: str,
    name: str,
    profile: Profile,
    clock: Clock,
    contacts: Sequence[NewContact],
    team: Mapping[str, Person],
) -> tuple[Customer, tuple[Contact, ...]]:
    """Make a customer with its contacts and its team; ids are random and say nothing.

    Two contacts with one address become one with the roles of both.

    Raises:
        sqlalchemy.exc.IntegrityError: `outer_id` exists; two signups raced, and the caller finds the other's row.
    """
    customer = Customer(
        id=f"cus_{secrets.token_hex(6)}",
        outer_id=outer_id,
        name=name,
        profile=profile,
        clock=clock,
        stage="new",
        band="",
        overdue=False,
        held="",
        stopped=False,
        catalogue="",
        next_due=None,
        seq=0,
        created_at=now(),
    )
    row = {field.name: getattr(customer, field.name) for field in fields(customer)}
    row |= {"profile": encode(profile), "clock": encode(clock), "tier": profile.tier, "batch": -1}
    c.execute(insert(tables.customers), row)
    c.execute(insert(tables.deliveries), {"customer": customer.id, "leased_by": "", "failures": 0})
    if team:
        roles = [{"customer": customer.id, "role": role, "teammate": person.id} for role, person in team.items()]
        c.execute(insert(tables.assignments), roles)
    made: dict[str, Contact] = {}
    for new in contacts:
        contact, _ = upsert_contact(c, customer.id, new)
        made[contact.id] = contact
    return customer, tuple(made.values())


def after(c: Connection, last: str, limit: int) -> list[str]:
    """The next customers by id who have not left, rehearsals among them."""
    table = tables.customers
    query = select(table.c.id).where(~table.c.stopped, table.c.id > last).order_by(table.c.id).limit(limit)
    return list(c.execute(query).scalars())


def update_profile(c: Connection, customer: str, profile: Profile, name: str) -> None:
    """Store what a later signup event of the customer says."""
    values = {"profile": encode(profile), "tier": profile.tier, "name": name}
    c.execute(update(tables.customers).where(tables.customers.c.id == customer).values(values))


def stop(c: Connection, customer: str, stopped: bool) -> None:
    """Say that the customer left (or returned), the moment that is accepted: sends in flight read it and withdraw."""
    c.execute(update(tables.customers).where(tables.customers.c.id == customer).values(stopped=stopped))


def _customer(row: Row[Any]) -> Customer:
    return Customer(
        id=row.id,
        outer_id=row.outer_id,
        name=row.name,
        profile=decode(Profile, row.profile),
        clock=decode(Clock, row.clock),
        stage=row.stage,
        band=row.band,
        overdue=row.overdue,
        held=row.held,
        stopped=row.stopped,
        catalogue=row.catalogue,
        next_due=row.next_due,
        seq=row.seq,
        created_at=row.created_at,
        merged_into=row.merged_into,
        merged_at=row.merged_at,
    )


# --- contacts ---------------------------------------------------------------------------------------------------------

_PEOPLE = select(tables.contacts, tables.suppressions.c.why).outerjoin(
    tables.suppressions,
    tables.suppressions.c.address == tables.contacts.c.address,
)
_OF_CUSTOMER = _PEOPLE.where(tables.contacts.c.customer == bindparam("customer")).order_by(
    tables.contacts.c.created_at, tables.contacts.c.id
)


def contact(c: Connection, customer: str, contact_id: str) -> Person | None:
    """One contact of the customer; another customer's contact is not found."""
    mine = (tables.contacts.c.customer == customer) & (tables.contacts.c.id == contact_id)
    row = c.execute(_PEOPLE.where(mine)).one_or_none()
    return None if row is None else _person(row)


def contacts(c: Connection, customer: str) -> tuple[Person, ...]:
    """All contacts of the customer, the oldest first."""
    return tuple(_person(row) for row in c.execute(_OF_CUSTOMER, {"customer": customer}))


def contacts_at(c: Connection, address: str) -> tuple[tuple[str, str], ...]:
    """`(customer, contact)` of everyone with this address: who must hear of a suppression. Not of customers that go on
    as another one, where the same person is.
    """
    query = (
        select(tables.contacts.c.customer, tables.contacts.c.id)
        .join(tables.customers, tables.customers.c.id == tables.contacts.c.customer)
        .where(tables.contacts.c.address == normalised(address), tables.customers.c.merged_into == "")
    )
    return tuple((row.customer, row.id) for row in c.execute(query.order_by(tables.contacts.c.id)))


def upsert_contact(
    c: Connection, customer: str, new: NewContact, *, replace_roles: bool = False
) -> tuple[Contact, bool]:
    """Store a person by normalised address: a new one, or more roles and a newer name for one we know.

    `replace_roles`: the roles given are all that the person has from now on, so that a champion can be succeeded.

    Returns:
        The contact as the core wants it, and whether it is new.
    """
    address = normalised(new.email)
    suppressed = is_suppressed(c, address) is not None
    made = Contact(f"con_{secrets.token_hex(4)}", tuple(dict.fromkeys(new.roles)), suppressed)
    values: dict[str, Any] = {"id": made.id, "customer": customer, "address": address, "email": new.email.strip()}
    if insert_new(c, tables.contacts, **values, name=new.name, roles=list(made.roles), created_at=now()):
        return made, True
    mine = (tables.contacts.c.customer == customer) & (tables.contacts.c.address == address)
    row = c.execute(select(tables.contacts).where(mine).with_for_update()).one()
    roles = tuple(dict.fromkeys(new.roles if replace_roles else [*row.roles, *new.roles]))
    c.execute(update(tables.contacts).where(mine).values(roles=list(roles), name=new.name or row.name))
    return Contact(row.id, roles, suppressed), False


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.name, row.email, tuple(row.roles), suppressed=row.why is not None)


# --- suppressions and holds -------------------------------------------------------------------------------------------


def suppress(c: Connection, address: str, why: str, source: str) -> bool:
    """Never again send to this address, at whichever customer. `why`: `unsubscribed`, `bounced`, `complained`.

    Returns:
        True when it was not suppressed before; the first reason is kept.
    """
    at = normalised(address)
    return insert_new(c, tables.suppressions, address=at, why=why, source=source, suppressed_at=now())


def is_suppressed(c: Connection, address: str) -> str | None:
    """Why nothing goes to this address, None when it may be written to."""
    return c.execute(_SUPPRESSED, {"address": normalised(address)}).scalar_one_or_none()


def barred(c: Connection, customer: str, address: str) -> tuple[bool, str | None]:
    """Whether the customer has left, and why nothing goes to the address (None: it may be written to)."""
    row = c.execute(_BARRED, {"customer": customer, "address": normalised(address)}).one()
    return row.stopped, row.why


_SUPPRESSED = select(tables.suppressions.c.why).where(tables.suppressions.c.address == bindparam("address"))
_BARRED = select(tables.customers.c.stopped, _SUPPRESSED.scalar_subquery().label("why")).where(
    tables.customers.c.id == bindparam("customer")
)


def restore(c: Connection, address: str) -> bool:
    """Allow sends to this address again, because the person asked. True when it was suppressed."""
    table = tables.suppressions
    return c.execute(delete(table).where(table.c.address == normalised(address))).rowcount == 1


def scope_of(customer: str, playbook: str = "") -> str:
    """The scope of a hold on a customer, or on what one playbook does for it."""
    return f"{customer}/{playbook}" if playbook else customer


def place_hold(c: Connection, scope: str, by: str, reason: str) -> None:
    """Hold all sends (`EVERYTHING`) or those in a `scope_of`; a later hold on a scope replaces its reason."""
    values = {"placed_by": by, "reason": reason, "placed_at": now()}
    place = upsert(c, tables.holds).values(scope=scope, **values)
    c.execute(place.on_conflict_do_update(index_elements=["scope"], set_=values))


def lift_hold(c: Connection, scope: str) -> bool:
    """Lift the hold on a scope. True when there was one."""
    return c.execute(delete(tables.holds).where(tables.holds.c.scope == scope)).rowcount == 1


def hold(c: Connection, scope: str) -> Hold | None:
    """The hold on a scope itself."""
    row = c.execute(select(tables.holds).where(tables.holds.c.scope == scope)).one_or_none()
    return None if row is None else Hold(row.scope, row.placed_by, row.reason, row.placed_at)


def holds(c: Connection) -> list[Hold]:
    """Every hold there is, by scope."""
    rows = c.execute(select(tables.holds).order_by(tables.holds.c.scope))
    return [Hold(row.scope, row.placed_by, row.reason, row.placed_at) for row in rows]
