"""What a workflow did, read back from its history and the store, to be held against the simulator's word for it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import select
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory

from authoring.simulate import Library, Simulation
from cli import records
from lifecycle import trace
from lifecycle.model import Clock
from store import tables
from store.database import Database

MOST_SHOWN = 5
"""Differences of one scenario that are written out; one early difference makes many."""


def decided(db: Database, zone: str, until: datetime) -> list[trace.Public]:
    """The decisions that the store has of its one customer, up to an instant."""
    table = tables.decisions
    with db.read() as c:
        rows = c.execute(select(table).order_by(table.c.batch, table.c.position)).all()
    return in_order(records.public(row, zone) for row in rows if row.at <= until)


def in_order(found: Iterable[trace.Public]) -> list[trace.Public]:
    """A trace in the order in which traces are compared."""
    parts = itemgetter("at", "playbook", "step", "verdict", "kind", "to", "reason")
    return sorted(found, key=parts)


def simulated(simulation: Simulation, library: Library) -> list[trace.Public]:
    """The simulator's decisions in the order in which traces are compared."""
    return in_order(simulation.trace(library))


def differences(workflow: list[trace.Public], simulator: list[trace.Public]) -> list[str]:
    """What one of two traces has and the other has not, in order of time; none when they are equal."""
    alone = [(item, "on Temporal only") for item in _less(workflow, simulator)]
    alone += [(item, "in the simulator only") for item in _less(simulator, workflow)]
    lines = [_line(item, where) for item, where in sorted(alone, key=lambda one: one[0]["at"])]
    more = len(lines) - MOST_SHOWN
    return [*lines[:MOST_SHOWN], f"and {more} more"] if more > 0 else lines


def _less(these: list[trace.Public], those: list[trace.Public]) -> Iterator[trace.Public]:
    left = list(those)
    for item in these:
        if item in left:
            left.remove(item)
        else:
            yield item


def _line(item: trace.Public, where: str) -> str:
    step = item["step"] or item["playbook"]
    return f"{where}: {item['at']} {item['kind']} {step} {item['verdict']}: {item['reason']} ({item['place']})"


async def histories(client: Client, handle: WorkflowHandle[Any, Any]) -> list[WorkflowHistory]:
    """Every run of a workflow, from the first one on."""
    found: list[WorkflowHistory] = []
    run = handle.first_execution_run_id
    while run:
        found.append(await client.get_workflow_handle(handle.id, run_id=run).fetch_history())
        last = found[-1].events[-1]
        run = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return found


def instants(runs: Iterable[WorkflowHistory], clock: Clock) -> list[datetime]:
    """The customer's time at which the workflow took each message, its signup first."""
    found: list[datetime] = []
    for history in runs:
        started, waiting = history.events[0].event_time, 0
        for event in history.events:
            match EventType.Name(event.event_type).removeprefix("EVENT_TYPE_"):
                case "WORKFLOW_EXECUTION_STARTED" if not found:
                    waiting = 1
                case "WORKFLOW_EXECUTION_SIGNALED":
                    waiting += 1
                case "WORKFLOW_TASK_STARTED":
                    started = event.event_time
                case "WORKFLOW_TASK_COMPLETED":
                    found += [_customer_time(started, clock)] * waiting
                    waiting = 0
                case "WORKFLOW_EXECUTION_UPDATE_ACCEPTED":
                    found.append(_customer_time(started, clock))
                case _:
                    pass
    return found


def _customer_time(at: Timestamp, clock: Clock) -> datetime:
    """As the SDK reads the instant of a workflow task."""
    return clock.virtual(datetime.fromtimestamp(at.ToNanoseconds() / 1e9, UTC))
