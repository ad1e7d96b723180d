"""Who looks after how many customers, against what is a full book; and what somebody should see to.

One read model for `stageplay coverage` and the dashboard, in a fixed number of queries. Customers who left or
were merged count for nobody.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from lifecycle.jsonform import decode
from lifecycle.model import Profile
from lifecycle.staffing import Span, Staff, book, holds, load
from store import handing, tables, team
from store.handing import Handover
from store.team import Person

ACCOUNT_OWNER = "csm"


@dataclass(frozen=True, slots=True)
class Line:
    """A teammate's customers. `full`: what is a full book, nothing where nobody said; `arr`: of those customers, None
    where nobody said any. `away`: until when they are not there; `stand_in`: who does it meanwhile; `gone`: not on
    the roster any more.
    """

    person: Person
    accounts: int
    full: Span
    arr: int | None
    away: date | None = None
    stand_in: str = ""
    gone: bool = False

    @property
    def over(self) -> bool:
        """More than a full book."""
        return 0 < self.full.most < self.accounts

    @property
    def share(self) -> int | None:
        """How full the book is, in percent; None where nobody said what is full."""
        return round(self.full.share(self.accounts) * 100) if self.full else None


@dataclass(frozen=True, slots=True)
class Books:
    """Everybody with customers or who could have some, by name. `nobody`: names and ids of customers that have no CSM
    and should have one. `back`: handovers whose time is over; `begun`: those that were interrupted.
    """

    lines: tuple[Line, ...]
    nobody: tuple[tuple[str, str], ...] = ()
    back: tuple[Handover, ...] = ()
    begun: tuple[Handover, ...] = ()
    today: date = date.min

    def findings(self) -> Iterator[str]:
        """What somebody should see to, and how; a line each."""
        for line in self.lines:
            yield from self._about(line)
        for name, outer_id in self.nobody:
            yield f"{name} ({outer_id}) has no CSM: give one in `customer.updated`, or a person the role in team.yaml"
        for item in self.back:
            yield f"the absence of {item.leaver} is over: `stageplay reassign --undo {item.id} --yes`"
        for item in self.begun:
            yield f"handing over from {item.leaver} was interrupted: `stageplay reassign {item.leaver} --yes` goes on"

    def _about(self, line: Line) -> Iterator[str]:
        who, has = line.person, f"{line.accounts} customer{'' if line.accounts == 1 else 's'}"
        if line.over:
            yield f"{who.name} has {has}; a full book is {line.full}"
        if not line.accounts:
            return
        to = f" {line.stand_in}" if line.stand_in else ""
        if line.gone:
            yield f"{who.name} has left and still has {has}: `stageplay reassign {who.id}`"
        elif line.away is not None:
            until = f"--until {line.away.isoformat()}"
            yield f"{who.name} is away and still has {has}: `stageplay reassign {who.id}{to} {until}`"
        elif who.cover.leaves is not None:
            day = who.cover.leaves.isoformat()
            yield f"{who.name} leaves on {day} and still has {has}: `stageplay reassign {who.id}`"


def read(c: Connection) -> Books:
    """The books of everybody."""
    staff = team.staff(c)
    roster = {person.id: person for person in team.teammates(c)}
    loads, values = team.loads(c, staff), _values(c, staff)
    with_customers = {person for (_, person), n in loads.items() if n}
    left = [one for name in sorted(with_customers - roster.keys()) if (one := team.teammate(c, name)) is not None]
    lines = [_line(person, staff, loads, values, gone=False) for person in roster.values()]
    lines += [_line(person, staff, loads, values, gone=True) for person in left]
    shown = [line for line in lines if line.accounts or line.full]
    return Books(
        tuple(sorted(shown, key=lambda line: (line.person.name, line.person.id))),
        _without(c, staff),
        tuple(handing.over(c, staff.today)),
        tuple(handing.unfinished(c)),
        staff.today,
    )


def _line(person: Person, staff: Staff, loads: Any, values: Counter[tuple[str, str]], *, gone: bool) -> Line:
    absence = None if gone else person.cover.absence(staff.today)
    main = max(person.roles, key=lambda role: (loads.get((role, person.id), 0), role), default="")
    return Line(
        person,
        load(person, loads),
        book(person, staff.policy),
        values[main, person.id] or None,
        absence.last if absence else None,
        absence.stand_in if absence else "",
        gone,
    )


def _values(c: Connection, staff: Staff) -> Counter[tuple[str, str]]:
    """(role, person) to the ARR of their customers: of those that `team.loads` counts."""
    table, arr = tables.assignments, tables.customers.c.profile["arr"].as_integer()
    young = team.young(staff)
    query = (
        select(table.c.role, table.c.teammate, func.coalesce(func.sum(arr), 0).label("n"))
        .join(tables.customers, tables.customers.c.id == table.c.customer)
        .where(~tables.customers.c.stopped, *(or_(table.c.role != role, those) for role, those in young.items()))
        .group_by(table.c.role, table.c.teammate)
    )
    return Counter({(row.role, row.teammate): int(row.n) for row in c.execute(query)})


def _without(c: Connection, staff: Staff) -> tuple[tuple[str, str], ...]:
    """The customers that should have a CSM, and have neither one nor anybody who stands in."""
    owners = (ACCOUNT_OWNER, *staff.chains.get(ACCOUNT_OWNER, ()))
    mine, table = tables.assignments, tables.customers
    has = and_(mine.c.customer == table.c.id, or_(*(mine.c.role == role for role in owners)))
    query = select(table).where(~table.c.stopped, table.c.merged_into == "", ~select(mine.c.role).where(has).exists())
    rule = staff.policy.roles.get(ACCOUNT_OWNER)
    wanted = rule.customers if rule else None
    return tuple(
        (row.name, row.outer_id)
        for row in c.execute(query.order_by(table.c.name, table.c.id))
        if wanted is None or holds(wanted, decode(Profile, row.profile))
    )
