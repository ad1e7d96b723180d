"""Who looks after how many customers, against what is a full book; and what somebody should see to.

One read model for `stageplay coverage` and the dashboard, in a fixed number of queries. Customers who left or
were merged count for nobody.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from lifecycle.jsonform import decode
from lifecycle.model import Profile
from lifecycle.staffing import Span, Staff, book, holds, load
from store import customers, handing, tables, team
from store.database import now
from store.handing import Handover
from store.team import Person

ACCOUNT_OWNER = "csm"


@dataclass(frozen=True, slots=True)
class Line:
    """A teammate's customers. `full`: what is a full book, nothing where nobody said; `arr`: of those customers, None
    where nobody said any. `away`: until when they are not there; `stand_in`: who does it meanwhile; `gone`: not on
    the roster any more. `waiting`: open tasks and questions for them, also of customers that count for nobody: who has
    no customers may still have work. `serves`: has a role for some customer, so that the work can be handed on.
    `first_days`: only customers so young count, 0: all.
    """

    person: Person
    accounts: int
    full: Span
    arr: int | None
    away: date | None = None
    stand_in: str = ""
    gone: bool = False
    waiting: int = 0
    serves: bool = False
    first_days: int = 0

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
    and should have one. `back`: handovers whose time is over; `begun`: those that were interrupted. `nowhere`: names of
    those without a meeting room, and how many meetings they hold that are to come.
    """

    lines: tuple[Line, ...]
    nobody: tuple[tuple[str, str], ...] = ()
    back: tuple[Handover, ...] = ()
    begun: tuple[Handover, ...] = ()
    today: date = date.min
    nowhere: tuple[tuple[str, int], ...] = ()

    def findings(self) -> Iterator[str]:
        """What somebody should see to, and how; a line each."""
        for line in self.lines:
            yield from self._about(line)
        for name, outer_id in self.nobody:
            yield f"{name} ({outer_id}) has no CSM: give one in `customer.updated`, or a person the role in team.yaml"
        for name, n in self.nowhere:
            held = "a meeting" if n == 1 else f"{n} meetings"
            yield f"{name} holds {held} to come without a place: tell the guests, and add `meeting_url` to team.yaml"
        for item in self.back:
            yield f"the absence of {item.leaver} is over: `stageplay reassign --undo {item.id} --yes`"
        for item in self.begun:
            yield f"handing over from {item.leaver} was interrupted: `stageplay reassign {item.leaver} --yes` goes on"

    def _about(self, line: Line) -> Iterator[str]:
        who, has = line.person, _has(line)
        if line.over:
            yield f"{who.name} has {has}; a full book is {line.full}"
        if not has:
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
    loads, values, waiting = team.loads(c, staff), _values(c, staff), _waiting(c)
    serving = set(c.execute(select(tables.assignments.c.teammate).distinct()).scalars())
    busy = {person for (_, person), n in loads.items() if n} | (waiting.keys() & serving)
    left = [one for name in sorted(busy - roster.keys()) if (one := team.teammate(c, name)) is not None]
    lines = [_line(person, staff, loads, values) for person in roster.values()]
    lines += [replace(_line(person, staff, loads, values), away=None, stand_in="", gone=True) for person in left]
    lines = [replace(line, waiting=waiting[line.person.id], serves=line.person.id in serving) for line in lines]
    shown = [line for line in lines if line.accounts or line.full or line.waiting]
    return Books(
        tuple(sorted(shown, key=lambda line: (line.person.name, line.person.id))),
        _without(c, staff),
        tuple(handing.over(c, staff.today)),
        tuple(handing.unfinished(c)),
        staff.today,
        tuple(_nowhere(c)),
    )


def _nowhere(c: Connection) -> Iterator[tuple[str, int]]:
    """Who of the roster holds meetings to come and has no room: name and number of the meetings. Those of customers in
    a rehearsal, whose time is another, do not count.
    """
    table, mates = tables.meetings, tables.teammates
    query = (
        select(table.c.id, mates.c.id.label("host"), mates.c.name)
        .join(mates, mates.c.id == table.c.organizer)
        .where(
            ~table.c.cancelled, table.c.ends_at > now(), mates.c.active, func.coalesce(mates.c.meeting_url, "") == ""
        )
        .order_by(mates.c.name, mates.c.id)
    )
    rows = [(row.id.partition("/")[0], row.host, row.name) for row in c.execute(query)]
    clocks = customers.clocks(c, {customer for customer, _, _ in rows})
    real = {customer for customer, clock in clocks.items() if not clock.rehearsal}
    held = Counter((host, name) for customer, host, name in rows if customer in real)
    yield from ((name, n) for (_, name), n in held.items())


def _has(line: Line) -> str:
    """What a teammate has to hand on, in words; empty: nothing. Work is told where no customer counts."""
    if line.accounts:
        return f"{line.accounts} customer{'' if line.accounts == 1 else 's'}"
    many = "" if line.waiting == 1 else "s"
    return f"{line.waiting} open task{many} or question{many}" if line.waiting and line.serves else ""


def _line(person: Person, staff: Staff, loads: Any, values: Counter[tuple[str, str]]) -> Line:
    absence = person.cover.absence(staff.today)
    main = max(person.roles, key=lambda role: (loads.get((role, person.id), 0), role), default="")
    rule = staff.policy.roles.get(main)
    return Line(
        person,
        load(person, loads),
        book(person, staff.policy),
        values[main, person.id] or None,
        absence.last if absence else None,
        absence.stand_in if absence else "",
        first_days=rule.first_days if rule else 0,
    )


def _waiting(c: Connection) -> Counter[str]:
    """Teammate to the open tasks and questions for them: as many as their inbox shows."""
    tasks, cards, approvals = tables.tasks, tables.cards, tables.approvals
    owed = select(tasks.c.to, func.count().label("n")).where(tasks.c.ticked_at.is_(None)).group_by(tasks.c.to)
    same = (cards.c.customer == approvals.c.customer) & (cards.c.approval == approvals.c.approval)
    asked = select(cards.c.to, approvals.c.customer, approvals.c.approval).join_from(approvals, cards, same)
    each = asked.where(approvals.c.result == "", cards.c.taken.is_not(True)).distinct().subquery()
    found = Counter({row.to: row.n for row in c.execute(owed)})
    return found + Counter(
        {row.to: row.n for row in c.execute(select(each.c.to, func.count().label("n")).group_by(each.c.to))}
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
