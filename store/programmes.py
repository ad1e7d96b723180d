"""What is counted over all customers: who takes part in which programme, and how many tickets come a week.

Counted from what was accepted: facts as they were last told, events of the inbox. Customers that left, were merged or
are rehearsed do not count as taking part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from lifecycle.conditions import is_number
from lifecycle.programmes import Programme, Staffing
from store import tables

OPENED = "ticket.opened"
WEEK = timedelta(days=7)
WEEKS = 4
"""Over so many weeks tickets are averaged."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a programme stands. `missing`: how many more there should be; `over`: how many fewer."""

    name: str
    programme: Programme
    reached: int

    @property
    def missing(self) -> int:
        return max(0, self.programme.target - self.reached)

    @property
    def over(self) -> int:
        most = self.programme.most
        return 0 if most is None else max(0, self.reached - most)


@dataclass(frozen=True, slots=True)
class Support:
    """How many tickets come. `weeks`: those of the last weeks, the newest first; `a_week`: their mean."""

    weeks: tuple[int, ...]
    who: str

    @property
    def a_week(self) -> float:
        return sum(self.weeks) / len(self.weeks) if self.weeks else 0.0


def standings(c: Connection, programmes: dict[str, Programme], at: datetime) -> tuple[Standing, ...]:
    """Every programme, in its order; events are counted since the year began."""
    return tuple(Standing(name, item, _reached(c, item, at)) for name, item in programmes.items())


def _reached(c: Connection, programme: Programme, at: datetime) -> int:
    if programme.event:
        year = at.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        return sum(_happened(c, programme.event, [(year, at)]))
    table, home = tables.told_facts, tables.customers
    query = select(table.c.value).join(home, home.c.id == table.c.customer)
    query = query.where(table.c.name == programme.fact, home.c.merged_into == "", ~home.c.stopped)
    found = list(c.execute(query).scalars())
    return sum(int(value) if is_number(value) else int(value is True) for value in found)


def _happened(c: Connection, event: str, spans: Sequence[tuple[datetime, datetime]]) -> tuple[int, ...]:
    """How often an event of the catalogue was accepted in each of some spans of time, by looking at the inbox once."""
    if not spans:
        return ()
    table = tables.inbox
    named = (table.c.event["kind"].as_string() == "happened") & (table.c.event["name"].as_string() == event)
    within = [(table.c.received_at > since) & (table.c.received_at <= until) for since, until in spans]
    counts = [func.count().filter(one) for one in within]
    return tuple(c.execute(select(*counts).select_from(table).where(named, or_(*within))).one())


def support(c: Connection, staffing: tuple[Staffing, ...], at: datetime) -> Support:
    """How many tickets came in each of the last weeks, and who answers that many. Weeks before the first customer do
    not count.
    """
    first = c.execute(select(func.min(tables.customers.c.created_at))).scalar_one()
    lived = 0 if first is None else min(WEEKS, (at - first) // WEEK + 1)
    weeks = _happened(c, OPENED, [(at - (nth + 1) * WEEK, at - nth * WEEK) for nth in range(lived)])
    mean = Support(weeks, "").a_week
    return Support(weeks, next((row.who for row in reversed(staffing) if mean >= row.tickets), ""))
