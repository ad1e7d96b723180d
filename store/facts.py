"""The last values of facts that a customer's workflow was told, and so what of a report is news.

Whatever tells a workflow a fact must note it here, not only a report: else a later report of the old value would count
as no news while the workflow has the other one. Note first and accept the event after, always in this order: on
PostgreSQL both lock rows.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from lifecycle import facts, touches
from lifecycle.messages import (
    EmailReplied,
    Event,
    FactsReported,
    Happened,
    MeetingAnswered,
    SignedUp,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Value
from lifecycle.playbook import FactSpec, Lifecycle
from lifecycle.triggers import SIGNED_UP
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


def note(c: Connection, customer: str, event: Event, lifecycle: Lifecycle) -> None:
    """Note what the workflow learns from an event; a report's facts `news` has noted."""
    if not isinstance(event, FactsReported):
        found = learned(event, lifecycle)
        told(c, customer, {fact: value for fact, value in found.items() if fact in lifecycle.facts})


def learned(event: Event, lifecycle: Lifecycle | None) -> dict[str, Value]:
    """The facts that an event tells the core, as `lifecycle.happening` reads it, also those that the catalogue does not
    name. `lifecycle`: what its events set; None: nothing but what they carry.
    """
    carried: Mapping[str, Value] = {}
    match event:
        case FactsReported(facts=reported):
            return dict(reported)
        case SignedUp():
            name = SIGNED_UP
        case Happened(name=name, facts=carried) | SurveyAnswered(name=name, facts=carried):
            pass
        case EmailReplied():
            name = "email.replied"
        case TaskTicked(task=task, done=True):
            name = touches.done_event(task)
        case MeetingAnswered(meeting=meeting, outcome=outcome):
            name = f"{meeting.rpartition('/')[2]}.{outcome}"
        case _:
            return {}
    spec = lifecycle.events.get(name) if lifecycle else None
    return {**(spec.sets if spec else {}), **carried}
