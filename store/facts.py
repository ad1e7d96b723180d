"""The last values of facts that a customer's workflow was told, and so what of a report is news.

Whatever tells a workflow a fact must note it here, not only a report: else a later report of the old value would count
as no news while the workflow has the other one. Note first and accept the event after, always in this order: on
PostgreSQL both lock rows.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from lifecycle import facts
from lifecycle.model import Value
from lifecycle.playbook import FactSpec
from store import tables
from store.database import upsert


def news(c: Connection, customer: str, values: Mapping[str, Value], specs: Mapping[str, FactSpec]) -> dict[str, Value]:
    """Keep what is worth telling of a report, by `lifecycle.facts`, and note it as told.

    Two reports that race may both be told; the workflow takes the later one.
    """
    table = tables.told_facts
    rows = c.execute(select(table.c.name, table.c.value).where(table.c.customer == customer))
    found = facts.news({row.name: row.value for row in rows}, values, specs)
    told(c, customer, found)
    return found


def told(c: Connection, customer: str, values: Mapping[str, Value]) -> None:
    """Note what the workflow is being told."""
    table = tables.told_facts
    for name, value in sorted(values.items()):
        insert = upsert(c, table).values(customer=customer, name=name, value=value)
        c.execute(
            insert.on_conflict_do_update(index_elements=["customer", "name"], set_={"value": insert.excluded.value})
        )
