"""Where a customer stands in each phase: the checklists of the lifecycle, item by item, as of now."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from lifecycle import conditions, touches
from lifecycle.playbook import Lifecycle
from store import tables
from store.customers import Customer
from store.known import Known, seen_by


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a phase."""

    title: str
    done: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """One phase of a customer, its items in order."""

    title: str
    lines: tuple[Line, ...]

    @property
    def done(self) -> int:
        """How many items are done."""
        return sum(line.done for line in self.lines)

    @property
    def place(self) -> str:
        """The first item that is not done; empty once all are."""
        return next((line.title for line in self.lines if not line.done), "")


def standings(c: Connection, life: Lifecycle, customer: Customer, found: Known) -> tuple[Standing, ...]:
    """The phases in the order of their file; `found`: what is known of the customer now."""
    named = {step for one in life.checklists for item in one.items for step in item.steps}
    done = _done(c, customer.id, named) if named else frozenset()
    lookup = seen_by(life, customer, found)
    return tuple(
        Standing(
            one.title,
            tuple(
                Line(
                    item.title,
                    any(step in done for step in item.steps)
                    or (item.done is not None and conditions.holds(item.done, lookup)),
                )
                for item in one.items
            ),
        )
        for one in life.checklists
    )


def _done(c: Connection, customer: str, named: Collection[str]) -> frozenset[str]:
    """Those of some steps that were done once, as `playbook/step`: sent, and of tasks those that are ticked."""
    made, tasks = tables.decisions.c, tables.tasks.c
    steps = sorted({name.partition("/")[2] for name in named})
    fired = select(made.playbook, made.step).distinct()
    fired = fired.where(made.customer == customer, made.verdict == "fired", made.what.not_in(("task", "approval")))
    ticked = select(tasks.task).where(tasks.customer == customer, tasks.ticked_at.is_not(None))
    sent = {f"{row.playbook}/{row.step}" for row in c.execute(fired.where(made.step.in_(steps)))}
    read = [touches.read(row.task) for row in c.execute(ticked.where(tasks.step.in_(steps)))]
    return frozenset(sent | {f"{touch.playbook}/{touch.step}" for touch in read})
