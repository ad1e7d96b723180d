"""Calls and reviews: what people wrote of them, and what was agreed there, each with what became of it.

Everything personal of a note stands here, under its customer, and nowhere else: the workflow hears of ids, roles and
dates. One note for each kind of call and day; written again, it takes the place of itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from authoring.notes import KINDS, Note
from lifecycle.jsonform import decode, encode
from store import tables
from store.database import upsert
from store.result_tables import agreed, interactions

Kind = Literal["action", "risk"]
OPEN, DONE, DROPPED = "open", "done", "dropped"


@dataclass(frozen=True, slots=True)
class Agreed:
    """An action item, or a risk that a note names. `owner`: a teammate role; `due_on`: None for a risk; `risk`: which
    one of the lifecycle. `state`: open, done or dropped, as note and task say. `task`: the touch of its task, empty
    while none is raised.
    """

    id: str
    customer: str
    interaction: str
    kind: Kind
    text: str
    owner: str = ""
    due_on: date | None = None
    risk: str = ""
    state: str = OPEN
    task: str = ""

    def overdue(self, today: date) -> bool:
        """Whether it should be done by now and is not."""
        return self.state == OPEN and self.due_on is not None and self.due_on < today


@dataclass(frozen=True, slots=True)
class Interaction:
    """A call with its note. `items`: what was agreed and what was named as a risk, in the order of the note."""

    id: str
    customer: str
    note: Note
    markdown: str
    noted_by: str
    noted_at: datetime
    items: tuple[Agreed, ...] = ()

    @property
    def actions(self) -> tuple[Agreed, ...]:
        """What was agreed and still stands."""
        return tuple(item for item in self.items if item.kind == "action" and item.state != DROPPED)

    @property
    def risks(self) -> tuple[Agreed, ...]:
        """What is named as a risk."""
        return tuple(item for item in self.items if item.kind == "risk" and item.state != DROPPED)


def name_of(customer: str, note: Note) -> str:
    """The id of the interaction that a note is about."""
    return f"{customer}/{note.kind.lower()}/{note.held_on.isoformat()}"


def call_of(name: str) -> tuple[str, date]:
    """The kind and the day of the call, by the id of its interaction."""
    kind, day = name.split("/")[-2:]
    return next((one for one in KINDS if one.lower() == kind), kind), date.fromisoformat(day)


def keep(c: Connection, found: Interaction) -> None:
    """Store an interaction and its items, in place of what stood there; what became of their tasks stays."""
    values = {
        "customer": found.customer,
        "kind": found.note.kind,
        "held_on": found.note.held_on.isoformat(),
        "markdown": found.markdown,
        "note": encode(found.note),
        "noted_by": found.noted_by,
        "noted_at": found.noted_at,
    }
    save = upsert(c, interactions).values(id=found.id, **values)
    c.execute(save.on_conflict_do_update(index_elements=["id"], set_=values))
    for item in found.items:
        _keep(c, item)


def _keep(c: Connection, item: Agreed) -> None:
    values = {
        "customer": item.customer,
        "interaction": item.interaction,
        "kind": item.kind,
        "text": item.text,
        "owner": item.owner,
        "due_on": item.due_on.isoformat() if item.due_on else "",
        "risk": item.risk,
        "state": item.state,
    }
    save = upsert(c, agreed).values(id=item.id, task=item.task, **values)
    c.execute(save.on_conflict_do_update(index_elements=["id"], set_=values))


def link(c: Connection, item: str, task: str) -> None:
    """Note which task an item became."""
    c.execute(update(agreed).where(agreed.c.id == item).values(task=task))


def of(c: Connection, customers: Sequence[str]) -> tuple[Interaction, ...]:
    """The interactions of a customer, and of those that were merged into it; the newest first."""
    query = select(interactions).where(interactions.c.customer.in_(customers))
    rows = c.execute(query.order_by(interactions.c.held_on.desc(), interactions.c.id)).all()
    items = _items(c, customers)
    return tuple(_interaction(row, [item for item in items if item.interaction == row.id]) for row in rows)


def get(c: Connection, name: str) -> Interaction | None:
    """One interaction by its id."""
    row = c.execute(select(interactions).where(interactions.c.id == name)).one_or_none()
    if row is None:
        return None
    return _interaction(row, [item for item in _items(c, [row.customer]) if item.interaction == name])


def item(c: Connection, name: str) -> Agreed | None:
    """One item by its id."""
    row = c.execute(_WITH_TASK.where(agreed.c.id == name)).one_or_none()
    return None if row is None else _item(row)


_WITH_TASK = select(agreed, tables.tasks.c.ticked_at).outerjoin(tables.tasks, tables.tasks.c.task == agreed.c.task)


def _items(c: Connection, customers: Sequence[str]) -> list[Agreed]:
    return [_item(row) for row in c.execute(_WITH_TASK.where(agreed.c.customer.in_(customers)))]


def _interaction(row: Row[Any], items: Iterable[Agreed]) -> Interaction:
    """With its items in the order of the note, the risks of one concern by name; those dropped since come last."""
    note = decode(Note, row.note)
    order = {text: nth for nth, text in enumerate((*(one.text for one in note.actions), *note.concerns))}
    ranked = sorted(items, key=lambda one: (order.get(one.text, len(order)), one.risk, one.id))
    return Interaction(row.id, row.customer, note, row.markdown, row.noted_by, row.noted_at, tuple(ranked))


def _item(row: Row[Any]) -> Agreed:
    found = Agreed(
        row.id,
        row.customer,
        row.interaction,
        row.kind,
        row.text,
        row.owner,
        date.fromisoformat(row.due_on) if row.due_on else None,
        row.risk,
        row.state,
        row.task,
    )
    return replace(found, state=DONE) if row.ticked_at is not None and found.state == OPEN else found
