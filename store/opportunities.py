"""Opportunities that steps recorded, by the touch that did, and the pipeline that they make.

A person moves one from stage to stage, for a reason; each move is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from store import tables
from store.database import insert_new, now
from store.result_tables import opportunities, opportunity_moves

OPEN, WON, LOST = "open", "won", "lost"
STAGES = (OPEN, "qualified", "proposal", "negotiation", WON, LOST)
CLOSED = (WON, LOST)


@dataclass(frozen=True, slots=True)
class Opportunity:
    """One opportunity. `opportunity`: which kind; `owner`: teammate id; `value`: whole units of currency; `commission`:
    of that, in percent; `raised_at`, `closes_at`: customer time.
    """

    touch: str
    customer: str
    opportunity: str
    title: str
    owner: str
    value: float | None
    commission: float | None
    raised_at: datetime
    closes_at: datetime
    stage: str = OPEN

    @property
    def earned(self) -> float | None:
        """What the commission comes to."""
        return None if self.value is None or self.commission is None else self.value * self.commission / 100


_FIELDS = tuple(item.name for item in fields(Opportunity))


def record(c: Connection, found: Opportunity) -> bool:
    """Keep an opportunity; False when it was known."""
    values = {name: getattr(found, name) for name in _FIELDS if name != "touch"}
    return insert_new(c, opportunities, touch=found.touch, **values)


def listed(c: Connection, customer: str = "", limit: int = 200) -> tuple[Opportunity, ...]:
    """A customer's opportunities, or everybody's, those to be closed first at the front."""
    query = select(opportunities).order_by(opportunities.c.closes_at, opportunities.c.touch).limit(limit)
    query = query.where(opportunities.c.customer == customer) if customer else query
    return tuple(Opportunity(**row) for row in c.execute(query).mappings())


@dataclass(frozen=True, slots=True)
class Move:
    """An opportunity went from one stage to another. `moved_at`: real time."""

    opportunity: str
    was: str
    stage: str
    moved_by: str
    reason: str
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """Some opportunities together. `value`, `earned`: of those whose value is known; `unknown`: how many are not."""

    name: str
    count: int
    value: float
    earned: float
    unknown: int


def get(c: Connection, touch: str) -> Opportunity | None:
    """One opportunity."""
    row = c.execute(select(opportunities).where(opportunities.c.touch == touch)).mappings().one_or_none()
    return None if row is None else Opportunity(**row)


def move(c: Connection, found: Opportunity, stage: str, by: str, reason: str) -> bool:
    """Move an opportunity for a reason. False when it was moved meanwhile, or stands there already."""
    table = opportunities
    still = (table.c.touch == found.touch) & (table.c.stage == found.stage) & (table.c.stage != stage)
    if c.execute(update(table).where(still).values(stage=stage)).rowcount != 1:
        return False
    values = {"opportunity": found.touch, "was": found.stage, "stage": stage, "moved_by": by, "reason": reason}
    c.execute(insert(opportunity_moves).values(**values, moved_at=now()))
    return True


def revalue(c: Connection, found: Opportunity, value: float | None, by: str, reason: str) -> None:
    """Say anew what an opportunity is worth; it stays in its stage, and the reason is kept with its moves."""
    c.execute(update(opportunities).where(opportunities.c.touch == found.touch).values(value=value))
    values = {"opportunity": found.touch, "was": found.stage, "stage": found.stage, "moved_by": by, "reason": reason}
    c.execute(insert(opportunity_moves).values(**values, moved_at=now()))


def moves(c: Connection, touch: str) -> tuple[Move, ...]:
    """How an opportunity came where it is, the first move first."""
    names = tuple(item.name for item in fields(Move))
    query = select(opportunity_moves).where(opportunity_moves.c.opportunity == touch).order_by(opportunity_moves.c.id)
    return tuple(Move(**{name: row[name] for name in names}) for row in c.execute(query).mappings())


def pipeline(c: Connection, stage: str = "", owner: str = "") -> tuple[Opportunity, ...]:
    """Every opportunity of customers that go on as themselves, those to be closed first at the front."""
    table, home = opportunities, tables.customers
    query = select(table).join(home, home.c.id == table.c.customer).order_by(table.c.closes_at, table.c.touch)
    query = query.where(table.c.stage == stage) if stage else query
    query = query.where(table.c.owner == owner) if owner else query
    return tuple(Opportunity(**row) for row in c.execute(query).mappings())


def by_stage(those: Iterable[Opportunity]) -> tuple[Total, ...]:
    """Totals by stage, in the order of the stages; those without any are left out."""
    found = list(those)
    totals = (_total(stage, [item for item in found if item.stage == stage]) for stage in STAGES)
    return tuple(total for total in totals if total.count)


def by_owner(those: Iterable[Opportunity]) -> tuple[Total, ...]:
    """What is still open, by owner."""
    found = [item for item in those if item.stage not in CLOSED]
    return tuple(
        _total(owner, [item for item in found if item.owner == owner]) for owner in sorted({one.owner for one in found})
    )


def commission_due(those: Iterable[Opportunity]) -> tuple[Total, ...]:
    """What was won, by owner: the commission that is theirs."""
    found = [item for item in those if item.stage == WON]
    return tuple(
        _total(owner, [item for item in found if item.owner == owner]) for owner in sorted({one.owner for one in found})
    )


def _total(name: str, those: list[Opportunity]) -> Total:
    value, earned = (sum(getattr(item, key) or 0 for item in those) for key in ("value", "earned"))
    return Total(name, len(those), value, earned, sum(item.value is None for item in those))
