"""Who left, and who came back: how far win-back succeeds, by groups of customers.

Read from the moves of the stage, whoever made them. To leave is to go from a stage inside to one outside: whom an
import placed outside has not left here. Accounts that were merged into others, and rehearsals, do not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection

from lifecycle.playbook import OUTSIDE_STAGES
from store import customers, facts, moves
from store.customers import Customer

BY = ("tier", "touch", "journey", "segment", "reason")
"""What customers can be grouped by."""
RUNS = timedelta(days=60)
"""So long win-back tries: until then somebody who has not come back is no failure yet."""
ALL = "all"
_REASON = "exit.reason"
_NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Left:
    """A customer left, in customer time. `back`: when it came back; None: not by now. `group`: which one it is of."""

    customer: str
    group: str
    at: datetime
    back: datetime | None


@dataclass(frozen=True, slots=True)
class Success:
    """How a group fared. `trying`: neither back nor given up yet. `days`: the median until they were back."""

    group: str
    left: int
    back: int
    trying: int
    days: float | None

    @property
    def percent(self) -> int | None:
        """Back, of those with whom it is decided; None while there are none."""
        decided = self.left - self.trying
        return round(100 * self.back / decided) if decided else None


def read(c: Connection, by: str, since: datetime, until: datetime) -> tuple[Left, ...]:
    """Everybody who left between two instants, the groups `by` one of `BY`."""
    return tuple(
        Left(customer, _group(c, whose, by), at, back)
        for customer, moved in moves.read(c).items()
        for at, back in _spells(moved)
        if since <= at <= until and not (whose := customers.get(c, customer)).merged_into and not whose.clock.rehearsal
    )


def _spells(moved: Sequence[tuple[datetime, str]]) -> Iterator[tuple[datetime, datetime | None]]:
    """Each time outside that began from inside: from when, and until when."""
    inside, gone = False, None
    for at, stage in moved:
        outside = stage in OUTSIDE_STAGES
        if inside and outside:
            gone = at
        elif gone is not None and not outside:
            yield gone, at
            gone = None
        inside = not outside
    if gone is not None:
        yield gone, None


def _group(c: Connection, customer: Customer, by: str) -> str:
    if by == "reason":
        return str(facts.last(c, customer.id).get(_REASON) or _NOT_KNOWN)
    return str(getattr(customer.profile, by) or _NOT_KNOWN)


def success(found: Sequence[Left], at: datetime) -> tuple[Success, ...]:
    """The groups by name, then all of them together; nothing where nobody left."""
    named = sorted({item.group for item in found})
    groups = [(name, [item for item in found if item.group == name]) for name in named]
    return tuple(_success(name, those, at) for name, those in (*groups, (ALL, list(found))) if those)


def _success(group: str, those: Sequence[Left], at: datetime) -> Success:
    back = [(item.back - item.at) / timedelta(days=1) for item in those if item.back is not None]
    trying = sum(item.back is None and at - item.at < RUNS for item in those)
    return Success(group, len(those), len(back), trying, round(median(back), 1) if back else None)
