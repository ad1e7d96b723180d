"""The last values of facts that a customer's workflow was told, and so what of a report is news.

Whatever tells a workflow a fact must note it here, not only a report: else a later report of the old value would count
as no news while the workflow has the other one. Note first and accept the event after, always in this order: on
PostgreSQL both lock rows.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from lifecycle import facts
from lifecycle.messages import Event, FactsReported
from lifecycle.model import Value
from lifecycle.playbook import FactSpec, Lifecycle
from store import tables
from store.database import upsert


def news(c: Connection, customer: str, values: Mapping[str, Value], specs: Mapping[str, FactSpec]) -> dict[str, Value]:
    """Keep what is worth telling of a report, by `lifecycle.facts`, and note it as told.

    Two reports that race may both be told; the workflow takes the later one.
    """
    found = facts.news(last(c, customer), values, specs)
    told(c, customer, found)
    return found


def last(c: Connection, customer: str) -> dict[str, Value]:
    """What the workflow was told last, by the name of the fact."""
    table = tables.told_facts
    rows = c.execute(select(table.c.name, table.c.value).where(table.c.customer == customer))
    return {row.name: row.value for row in rows}


def told(c: Connection, customer: str, values: Mapping[str, Value]) -> None:
    """Note what the workflow is being told. Of a fact that is no longer known nothing was told."""
    table = tables.told_facts
    for name, value in sorted(values.items()):
        if value is None:
            c.execute(delete(table).where(table.c.customer == customer, table.c.name == name))
            continue
        insert = upsert(c, table).values(customer=customer, name=name, value=value)
        c.execute(
            insert.on_conflict_do_update(index_elements=["customer", "name"], set_={"value": insert.excluded.value})
        )


def note(c: Connection, customer: str, event: Event, lifecycle: Lifecycle) -> None:
    """Note what the workflow learns from an event; a report's facts `news` has noted."""
    if not isinstance(event, FactsReported):
        found = facts.learned(event, lifecycle)
        told(c, customer, {fact: value for fact, value in found.items() if fact in lifecycle.facts})
