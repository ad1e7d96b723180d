"""How many customers reach what their journey wants of them in time, against how many should.

A milestone that was not reached when its day was over has left a decision; whoever had left by then did not reach it
either. Who came here later than that day, merged accounts and rehearsals do not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from lifecycle import calendar
from lifecycle.jsonform import decode
from lifecycle.model import Clock, Profile
from lifecycle.playbook import OUTSIDE_STAGES, STANDARD, Lifecycle, Target
from store import moves, tables


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone of a journey. `customers`: those whose day for it is over; `reached`: of these. `share`: how many
    percent should.
    """

    journey: str
    milestone: str
    title: str
    day: int
    share: int
    customers: int
    reached: int

    @property
    def percent(self) -> int | None:
        """None while nobody's day is over."""
        return round(100 * self.reached / self.customers) if self.customers else None


def read(c: Connection, life: Lifecycle, since: datetime, until: datetime) -> tuple[Reached, ...]:
    """Every milestone with a share, of customers whose day for it ended between two instants."""
    homes = [(row.id, decode(Profile, row.profile), row.created_at) for row in _homes(c)]
    missed, moved = _missed(c), moves.read(c)
    found = []
    for journey, target in _targets(life):
        over = [
            (customer, at)
            for customer, profile, created in homes
            if (profile.journey if profile.journey in life.journeys else STANDARD) == journey
            and created <= (at := _over(profile, target))
            and since < at <= until
        ]
        there = [
            customer
            for customer, at in over
            if (customer, target.milestone) not in missed and not _outside(moved.get(customer, []), at)
        ]
        title = life.milestones[target.milestone].title
        found.append(Reached(journey, target.milestone, title, target.day, target.share, len(over), len(there)))
    return tuple(found)


def _targets(life: Lifecycle) -> Iterator[tuple[str, Target]]:
    for journey, course in life.courses.items():
        yield from ((journey, target) for target in course.targets if target.share)


def _over(profile: Profile, target: Target) -> datetime:
    """When the day by which a customer should have reached it is over."""
    return calendar.midnight(profile.signed_up_on + timedelta(days=target.day + 1), profile.zone)


def _homes(c: Connection) -> list[Any]:
    table = tables.customers.c
    query = select(table.id, table.profile, table.clock, table.created_at).where(table.merged_into == "")
    return [row for row in c.execute(query.order_by(table.id)) if not decode(Clock, row.clock).rehearsal]


def _missed(c: Connection) -> set[tuple[str, str]]:
    table = tables.decisions.c
    query = select(table.customer, table.step).where(table.what == "milestone", table.verdict == "waiting")
    return {(row.customer, row.step) for row in c.execute(query)}


def _outside(moved: list[tuple[datetime, str]], at: datetime) -> bool:
    """Whether the customer had left by then."""
    return next((stage in OUTSIDE_STAGES for since, stage in reversed(moved) if since <= at), False)
