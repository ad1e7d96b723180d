"""Opportunities that steps recorded, by the touch that did."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, select

from store.database import insert_new
from store.result_tables import opportunities

OPEN = "open"


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
