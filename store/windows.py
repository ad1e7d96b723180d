"""What came day by day of the sources that facts are derived from, and when each customer's windows are judged again.

`lifecycle.windows` holds the rules. One row for a customer and a source, with as many days as its windows can see. The
caller has the customer alone (`gateway.merging.alone`): of two events that are counted at once one would be lost.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from lifecycle import calendar, windows
from lifecycle.jsonform import digest, encode
from lifecycle.messages import Event, FactsReported
from lifecycle.playbook import Lifecycle
from lifecycle.windows import Days
from store import facts, inbox
from store.customers import Customer
from store.database import now, upsert
from store.result_tables import daily_sums

SOURCE = "windows"
LONG_AGO = timedelta(days=1000)
"""Longer than any window sees: what is said to have happened before counts for then."""


def take(c: Connection, customer: Customer, event: Event, happened_at: datetime | None, life: Lifecycle) -> Event:
    """Count what an event adds, and say what the workflow is to hear: the event, with what is derived by it that is
    news.

    Args:
        c: the transaction that accepts the event after this.
        customer: whose it is.
        event: as it was sent.
        happened_at: real time, where the sender says it; not read in a rehearsal, whose days are others.
        life: the current lifecycle.
    """
    amounts = windows.heard(event, life)
    if not amounts:
        return windows.told(event, {}, life)
    at = customer.clock.virtual(now())
    today = calendar.local(at, customer.profile.zone).date()
    day = today
    if happened_at is not None and not customer.clock.rehearsal:
        day = calendar.local(max(happened_at, now() - LONG_AGO), customer.profile.zone).date()
    kept, sums = kept_of(c, customer.id), {}
    for source, amount in sorted(amounts.items()):
        sums[source] = windows.added(kept.get(source, {}), source, amount, day, today, life)
        _keep(c, customer.id, source, sums[source], _next(customer, at))
    return windows.told(event, windows.news(sums, facts.last(c, customer.id), today, life), life)


def kept_of(c: Connection, customer: str) -> dict[str, Days]:
    """What is kept of a customer, by source."""
    rows = c.execute(select(daily_sums).where(daily_sums.c.customer == customer).order_by(daily_sums.c.source))
    return {row.source: {date.fromisoformat(day): amount for day, amount in row.days.items()} for row in rows}


def _keep(c: Connection, customer: str, source: str, days: Days, look_at: datetime | None) -> None:
    kept = {day.isoformat(): amount for day, amount in days.items()}
    insert = upsert(c, daily_sums).values(customer=customer, source=source, days=kept, look_at=look_at)
    new = {"days": insert.excluded.days, "look_at": insert.excluded.look_at}
    c.execute(insert.on_conflict_do_update(index_elements=["customer", "source"], set_=new))


def _next(customer: Customer, at: datetime) -> datetime:
    """The next morning of a customer, in real time."""
    length = windows.next_look(at, customer.profile.zone) - at
    return now() + customer.clock.real_length(length)


def due(c: Connection, limit: int) -> list[str]:
    """Whose windows are to be judged, the longest waiting first: a customer as often as it has sources, so that a full
    answer means that more may wait.
    """
    query = select(daily_sums.c.customer).where(daily_sums.c.look_at <= now()).order_by(daily_sums.c.look_at)
    return list(c.execute(query.limit(limit)).scalars())


def look(c: Connection, customer: Customer, life: Lifecycle) -> bool:
    """Judge a customer's windows for its day; what has changed by the passing of time is accepted as a report.

    Returns:
        Whether there was news.
    """
    at = customer.clock.virtual(now())
    today = calendar.local(at, customer.profile.zone).date()
    sums = kept_of(c, customer.id)
    look_at = _next(customer, at) if windows.restless(sums, today, life) else None
    c.execute(update(daily_sums).where(daily_sums.c.customer == customer.id).values(look_at=look_at))
    found = windows.news(sums, facts.last(c, customer.id), today, life)
    if found:
        event = FactsReported(found)
        facts.told(c, customer.id, found)
        name = f"{customer.id}/{at.isoformat()}"
        inbox.accept(c, customer.id, SOURCE, name, event, body_digest=digest(encode(event)))
    return bool(found)


def join(c: Connection, gone: str, into: str) -> None:
    """Count what a merged customer had for the one that it goes on as."""
    here: Mapping[str, Days] = kept_of(c, into)
    for source, days in kept_of(c, gone).items():
        _keep(c, into, source, windows.joined(days, here.get(source, {})), now())
    c.execute(delete(daily_sums).where(daily_sums.c.customer == gone))
