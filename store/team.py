"""The team: who holds which role, and who takes a role for a new customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from store import tables
from store.database import upsert


@dataclass(frozen=True, slots=True)
class Person:
    """A contact or a teammate: where to reach them. `zone` and `slack` are empty for contacts."""

    id: str
    name: str
    email: str
    roles: tuple[str, ...]
    suppressed: bool = False
    zone: str = ""
    slack: str = ""


class TeamError(ValueError):
    """The roster leaves a role without anybody; says which, and what to add."""


def normalised(email: str) -> str:
    """The form in which addresses are compared: no spaces around, lower case."""
    return email.strip().lower()


def teammate(c: Connection, teammate_id: str) -> Person | None:
    """A teammate by id, also one who has left the roster: their name still stands on old decisions."""
    row = c.execute(select(tables.teammates).where(tables.teammates.c.id == teammate_id)).one_or_none()
    return None if row is None else _person(row)


def teammate_by_slack(c: Connection, slack_user_id: str) -> Person | None:
    """The teammate whose Slack user this is; nobody for an empty id or for one who has left the roster."""
    table = tables.teammates
    mine = (table.c.slack == slack_user_id) & table.c.active & (table.c.slack != "")
    row = c.execute(select(table).where(mine)).first()
    return None if row is None else _person(row)


def teammates(c: Connection) -> tuple[Person, ...]:
    """The roster, by id."""
    return tuple(_person(row) for row in c.execute(_ROSTER))


def team_of(c: Connection, customer: str) -> dict[str, Person]:
    """Role to person, as assigned when the customer signed up."""
    return {row.role: _person(row) for row in c.execute(_OF_CUSTOMER, {"customer": customer})}


_ROSTER = select(tables.teammates).where(tables.teammates.c.active).order_by(tables.teammates.c.id)
_CHAINS = select(tables.role_chains).order_by(tables.role_chains.c.role)
_OF_CUSTOMER = (
    select(tables.assignments.c.role, tables.teammates)
    .join_from(tables.assignments, tables.teammates, tables.assignments.c.teammate == tables.teammates.c.id)
    .where(tables.assignments.c.customer == bindparam("customer"))
    .order_by(tables.assignments.c.role)
)
_LOADS = (
    select(tables.assignments.c.role, tables.assignments.c.teammate, func.count().label("n"))
    .join(tables.customers, tables.customers.c.id == tables.assignments.c.customer)
    .where(~tables.customers.c.stopped)
    .group_by(tables.assignments.c.role, tables.assignments.c.teammate)
)


def save_team(c: Connection, people: Sequence[Person], chains: Mapping[str, tuple[str, ...]]) -> None:
    """Replace the roster. Customers keep the people they have; who is not named any more gets no new ones.

    `chains`: role to the roles it falls back to, in order.

    Raises:
        TeamError: nobody holds a role or anything on its chain.
    """
    held = {role for person in people for role in person.roles}
    empty = [role for role, chain in chains.items() if held.isdisjoint((role, *chain))]
    if empty:
        raise TeamError(
            f"nobody can take the role {', '.join(empty)}; give it, or a role it falls back to, to a person"
        )
    c.execute(update(tables.teammates).values(active=False))
    for person in people:
        values: dict[str, Any] = {"name": person.name, "email": person.email, "address": normalised(person.email)}
        values |= {"slack": person.slack, "zone": person.zone, "roles": list(person.roles), "active": True}
        save = upsert(c, tables.teammates).values(id=person.id, **values)
        c.execute(save.on_conflict_do_update(index_elements=["id"], set_=values))
    c.execute(delete(tables.role_chains))
    for role in dict.fromkeys([*chains, *sorted(held)]):
        c.execute(tables.role_chains.insert().values(role=role, chain=list(chains.get(role, ()))))


def assign(c: Connection, wanted: Mapping[str, str]) -> dict[str, Person]:
    """Choose a person for every role of a new customer.

    The teammate with the wanted address (whatever their roles), else the holder of the role with the fewest customers
    in it, else the same along the role's chain. A role that nobody can take is left out. `wanted`: role to address.
    """
    people = teammates(c)
    by_address = {normalised(person.email): person for person in people}
    loads = _loads(c)
    chosen = {}
    for row in c.execute(_CHAINS):
        person = by_address.get(normalised(wanted.get(row.role, ""))) or _least_busy(
            people, (row.role, *row.chain), loads, row.role
        )
        if person is not None:
            chosen[row.role] = person
    return chosen


def _loads(c: Connection) -> dict[tuple[str, str], int]:
    """(role, teammate) to how many customers that have not left they have in that role."""
    return {(row.role, row.teammate): row.n for row in c.execute(_LOADS)}


def _least_busy(
    people: Sequence[Person],
    chain: Sequence[str],
    loads: Mapping[tuple[str, str], int],
    role: str,
) -> Person | None:
    for link in chain:
        holders = [person for person in people if link in person.roles]
        if holders:
            return min(holders, key=lambda person: (loads.get((role, person.id), 0), person.id))
    return None


def _person(row: Row[Any]) -> Person:
    return Person(row.id, row.name, row.email, tuple(row.roles), zone=row.zone, slack=row.slack)
