"""What the demo reads of the records: decisions with names for ids, open approvals, what is not known as sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from store import customers, tables
from store.database import Database

TOUCHES = frozenset({"email", "survey", "invite"})


@dataclass(frozen=True)
class Told:
    """A decision as stored. `at`: customer time; `to`: a name."""

    id: int
    customer: str
    at: datetime
    playbook: str
    play: int
    step: str
    what: str
    verdict: str
    to: str
    reason: str


@dataclass(frozen=True)
class Approval:
    """An open approval. `answer_by`: customer time."""

    id: str
    answer_by: datetime
    recipients: Sequence[str]


def newest(database: Database) -> int:
    """The id of the last decision stored."""
    with database.read() as c:
        return c.execute(select(func.max(tables.decisions.c.id))).scalar() or 0


def since(database: Database, after: int) -> list[Told]:
    """Decisions stored after another, in the order of storing."""
    with database.read() as c:
        rows = select(tables.decisions).where(tables.decisions.c.id > after).order_by(tables.decisions.c.id).limit(500)
        return [_told(c, row) for row in c.execute(rows).mappings()]


def of_customer(database: Database, customer: str) -> list[Told]:
    """All decisions of a customer, in the order of storing."""
    table = tables.decisions
    with database.read() as c:
        rows = select(table).where(table.c.customer == customer).order_by(table.c.id)
        return [_told(c, row) for row in c.execute(rows).mappings()]


def open_approvals(database: Database, customer: str) -> list[Approval]:
    """What waits for a person's yes, the most urgent first; recipients by name."""
    table = tables.approvals
    with database.read() as c:
        open_now = select(table).where(table.c.customer == customer, table.c.result == "")
        return [
            Approval(row["approval"], row["answer_by"], [_name(c, customer, who) for who in row["recipients"]])
            for row in c.execute(open_now.order_by(table.c.answer_by)).mappings()
        ]


def unsent(database: Database, customer: str) -> list[str]:
    """Touches that were begun and are neither known as sent nor withdrawn."""
    table = tables.ledger
    with database.read() as c:
        rows = select(table.c.touch, table.c.state).where(
            table.c.customer == customer, table.c.state.not_in(("sent", "withdrawn"))
        )
        return [f"{row.touch} ({row.state})" for row in c.execute(rows)]


def _told(c: Connection, row: RowMapping) -> Told:
    return Told(
        id=row["id"],
        customer=row["customer"],
        at=row["at"],
        playbook=row["playbook"],
        play=row["play"],
        step=row["step"],
        what=row["what"],
        verdict=row["verdict"],
        to=_name(c, row["customer"], row["to"]),
        reason=row["reason"],
    )


def _name(c: Connection, customer: str, who: str) -> str:
    """Names behind ids and roles: `Lena Vogt (champion)`; a role that nobody has stays alone."""
    return ", ".join(_one(c, customer, part.strip()) for part in who.split(",")) if who else ""


def _one(c: Connection, customer: str, who: str) -> str:
    holder = customers.team_of(c, customer).get(who)
    if holder is None:
        holder = next((person for person in customers.contacts(c, customer) if who in person.roles), None)
    if holder:
        return f"{holder.name} ({who})"
    person = customers.contact(c, customer, who) or customers.teammate(c, who)
    return person.name if person else who
