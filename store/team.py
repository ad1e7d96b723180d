"""The team: who holds which role, how much everybody has, and who takes a role for a new customer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, insert, select, update

from lifecycle.jsonform import decode, encode
from lifecycle.model import Profile
from lifecycle.staffing import ANYBODY, NO_POLICY, Cover, Policy, Staff, told
from store import tables
from store.database import now, upsert
from store.staff_tables import team_rules


@dataclass(frozen=True, slots=True)
class Person:
    """A contact or a teammate: where to reach them. `zone`, `slack` and `meeting_url` are empty for contacts. `cover`:
    whom a teammate looks after. `meeting_url`: where the meetings that they hold take place.
    """

    id: str
    name: str
    email: str
    roles: tuple[str, ...]
    suppressed: bool = False
    zone: str = ""
    slack: str = ""
    cover: Cover = ANYBODY
    meeting_url: str = ""


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
_signed_up_on = tables.customers.c.profile["signed_up_on"].as_string()


def save_team(
    c: Connection, people: Sequence[Person], chains: Mapping[str, tuple[str, ...]], policy: Policy | None = None
) -> None:
    """Replace the roster. Customers keep the people they have; who is not named any more gets no new ones.

    `chains`: role to the roles it falls back to, in order. `policy`: what counts for everybody in a role.

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
        values |= {"cover": encode(person.cover), "meeting_url": person.meeting_url}
        save = upsert(c, tables.teammates).values(id=person.id, **values)
        c.execute(save.on_conflict_do_update(index_elements=["id"], set_=values))
    c.execute(delete(tables.role_chains))
    for role in dict.fromkeys([*chains, *sorted(held)]):
        c.execute(tables.role_chains.insert().values(role=role, chain=list(chains.get(role, ()))))
    c.execute(delete(team_rules))
    c.execute(insert(team_rules).values(policy=encode(policy or NO_POLICY)))


def staff(c: Connection) -> Staff:
    """The roster with its rules, as of today."""
    return _staff(c, teammates(c))


def _staff(c: Connection, people: Sequence[Person]) -> Staff:
    row = c.execute(select(team_rules.c.policy)).scalar_one_or_none()
    chains = {row.role: tuple(row.chain) for row in c.execute(_CHAINS)}
    return Staff(people, chains, NO_POLICY if row is None else decode(Policy, row), now().date())


def assign(c: Connection, profile: Profile, wanted: Mapping[str, str]) -> tuple[dict[str, Person], str]:
    """Choose a person for every role of a new customer, and say why.

    The teammate with the wanted address (whatever their roles), else as `lifecycle.staffing` says. A role that nobody
    can take is left out. `wanted`: role to address.
    """
    roster = teammates(c)
    team, people = _staff(c, roster), {person.id: person for person in roster}
    by_address = {normalised(person.email): person.id for person in people.values()}
    given = {role: by_address[at] for role, email in wanted.items() if (at := normalised(email)) in by_address}
    chosen = team.assign(profile, loads(c, team), given)
    return {role: people[found.person] for role, found in chosen.items()}, told(chosen)


def loads(c: Connection, team: Staff) -> dict[tuple[str, str], int]:
    """(role, teammate) to how many customers that have not left they have in that role; of a role in which a customer
    counts for its first days only, how many of such.
    """
    found = Counter({(row.role, row.teammate): row.n for row in c.execute(_LOADS)})
    for role, rule in team.policy.roles.items():
        if rule.first_days:
            for key in [key for key in found if key[0] == role]:
                del found[key]
            those = and_(tables.assignments.c.role == role, young(team)[role])
            found.update({(row.role, row.teammate): row.n for row in c.execute(_LOADS.where(those))})
    return found


def young(team: Staff) -> dict[str, ColumnElement[bool]]:
    """By role in which a customer counts for its first days only: whether it is that young."""
    days = {role: rule.first_days for role, rule in team.policy.roles.items() if rule.first_days}
    return {role: _signed_up_on > (team.today - timedelta(days=n)).isoformat() for role, n in days.items()}


def give(c: Connection, customer: str, changes: Mapping[str, str]) -> None:
    """Give roles of a customer to other teammates, by id."""
    for role, teammate_id in changes.items():
        save = upsert(c, tables.assignments).values(customer=customer, role=role, teammate=teammate_id)
        changed = {"teammate": teammate_id}
        c.execute(save.on_conflict_do_update(index_elements=["customer", "role"], set_=changed))


def named(c: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Names of teammates by id, also of those who have left the roster."""
    table = tables.teammates
    return {
        row.id: row.name for row in c.execute(select(table.c.id, table.c.name).where(table.c.id.in_(sorted(set(ids)))))
    }


def _person(row: Row[Any]) -> Person:
    cover = ANYBODY if row.cover is None else decode(Cover, row.cover)
    roles, room = tuple(row.roles), row.meeting_url or ""
    return Person(row.id, row.name, row.email, roles, zone=row.zone, slack=row.slack, cover=cover, meeting_url=room)
