"""What the demo reads besides the pages of the store: names for roles and ids, touches not known as sent."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from lifecycle import trace
from lifecycle.model import Decision
from store import customers, pages, tables, team
from store.database import Database
from store.pages import DecisionRow

TOUCHES = frozenset({"email", "survey", "invite"})
MOST = 100_000


def of_customer(database: Database, customer: str) -> list[DecisionRow]:
    """All decisions of a customer, in the order of storing."""
    with database.read() as c:
        page = pages.customer_page(c, customer, decisions=MOST)
    return sorted(page.decisions, key=lambda row: row.id) if page else []


def public(row: Any, zone: str) -> trace.Public:
    """A stored decision, read by whatever query, as the simulator tells its own: in the customer's local time."""
    names = ("at", "playbook", "release", "play", "step", "what", "verdict", "reason", "to")
    decision = Decision(**{name: getattr(row, name) for name in names})
    return trace.public(decision, customer=row.customer, zone=zone, place=row.place)


def pressable(database: Database, customer: str) -> list[str]:
    """Ids of the approvals that have a card and no answer; cheap, since the demo asks many times a second."""
    table = tables.approvals
    with database.read() as c:
        return list(c.scalars(select(table.c.approval).where(table.c.customer == customer, table.c.result == "")))


def open_approvals(database: Database, customer: str) -> list[tuple[str, list[str]]]:
    """What waits for a person's yes, the most urgent first: the approval's id and who was asked, by name."""
    with database.read() as c:
        page = pages.customer_page(c, customer, decisions=0)
        asks = page.approvals if page else ()
        return [(ask.approval.approval, [_one(c, customer, who) for who in ask.approval.asked]) for ask in asks]


def unsent(database: Database, customer: str) -> list[str]:
    """Touches that were begun and are neither known as sent nor withdrawn."""
    table = tables.ledger
    settled = ("sent", "withdrawn")
    with database.read() as c:
        rows = select(table.c.touch, table.c.state).where(table.c.customer == customer, table.c.state.not_in(settled))
        return [f"{row.touch} ({row.state})" for row in c.execute(rows)]


def on_the_way(database: Database, of: Sequence[str]) -> bool:
    """Whether a touch of these customers is being sent or will be tried again."""
    table = tables.ledger
    with database.read() as c:
        rows = select(table.c.touch).where(table.c.customer.in_(of), table.c.state.in_(["reserved", "held"]))
        return c.execute(rows.limit(1)).first() is not None


def named(database: Database, row: DecisionRow) -> str:
    """Whom a decision is about, roles and ids with their names: `Lena Vogt (champion)`."""
    if not row.to:
        return ""
    with database.read() as c:
        return ", ".join(_one(c, row.customer, part.strip()) for part in row.to.split(","))


def _one(c: Connection, customer: str, who: str) -> str:
    holder = team.team_of(c, customer).get(who)
    if holder is None:
        holder = next((person for person in customers.contacts(c, customer) if who in person.roles), None)
    if holder:
        return f"{holder.name} ({who})"
    person = customers.contact(c, customer, who) or team.teammate(c, who)
    return person.name if person else who
