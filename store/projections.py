"""What batches leave behind for people to read: decisions, the customer's row, snapshots, approvals, tasks, edits.

A batch is stored once, by customer and number, however often its activity runs; the customer's row only moves forward.
Decisions and dates of approvals and tasks are customer time. Who pressed what is decided by the core: closing an
approval or ticking a task here records it, and the first result stands.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from lifecycle import trace
from lifecycle.commands import AskApproval, RaiseTask
from lifecycle.model import Decision
from store import tables
from store.database import insert_new, now, upsert
from store.scores import score_of


@dataclass(frozen=True, slots=True)
class Card:
    """One posted question. `to`: teammate id. `card`: what the transport needs to change it. `nth`: 0 is the first."""

    touch: str
    to: str
    card: str
    nth: int


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """An approval. `result`: empty while open, then approved, rejected, expired, withdrawn or superseded.

    `preview`: what would be sent, as shown. `cards`: the questions posted, the first one first.
    """

    customer: str
    approval: str
    release: str
    step: str
    preview: dict[str, Any]
    asked_at: datetime
    step_due: datetime
    answer_by: datetime
    expired: str
    recipients: tuple[str, ...]
    result: str
    closed_by: str
    closed_at: datetime | None
    cards: tuple[Card, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        """Ids of the teammates who were asked, the first one first."""
        return tuple(dict.fromkeys(card.to for card in self.cards))


@dataclass(frozen=True, slots=True)
class TaskRow:
    """Work for a teammate. `task`: the touch of its command. `ticked_at`: real time, None while open."""

    task: str
    customer: str
    release: str
    step: str
    to: str
    title: str
    checklist: tuple[str, ...]
    raised_at: datetime
    due_at: datetime
    ticked_by: str
    ticked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Edit:
    """The text a person put in place of the template's, before approving."""

    approval: str
    subject: str
    text: str
    edited_by: str
    edited_at: datetime


# --- batches ----------------------------------------------------------------------------------------------------------


def store_batch(c: Connection, batch: Mapping[str, Any], place: Callable[[Decision], str]) -> bool:
    """Store a batch's decisions, its summary in the customer's row, and its snapshot.

    Args:
        c: a write transaction.
        batch: `workflows.interface.Batch`; decisions oldest first.
        place: `file:line` of a decision.

    Returns:
        False when this batch was stored before; then nothing changes.
    """
    customer, number = batch["customer"], batch["number"]
    if not insert_new(c, tables.batches, customer=customer, number=number, log=batch["log"], stored_at=now()):
        return False
    decided = [trace.from_row(row) for row in batch["decisions"]]
    if decided:
        rows = [_decision(customer, number, nth, item, place(item)) for nth, item in enumerate(decided)]
        c.execute(insert(tables.decisions), rows)
    _use(c, customer, {item.release for item in decided} | {play["release"] for play in _plays(batch)})
    _summarise(c, customer, number, batch["summary"])
    if batch["snapshot"]:
        _snapshot(c, customer, number, batch["snapshot"])
    return True


def _decision(customer: str, number: int, position: int, item: Decision, place: str) -> dict[str, Any]:
    return {
        "customer": customer,
        "batch": number,
        "position": position,
        "at": item.at,
        "playbook": item.playbook,
        "release": item.release,
        "play": item.play,
        "step": item.step,
        "what": item.what,
        "verdict": item.verdict,
        "reason": item.reason,
        "to": item.to,
        "place": place,
        "stored_at": now(),
    }


def _plays(batch: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    plays: Sequence[dict[str, Any]] = batch["snapshot"].get("plays", ())
    return plays


def _use(c: Connection, customer: str, releases: set[str]) -> None:
    rows = [{"customer": customer, "release": release} for release in sorted(releases)]
    if rows:
        c.execute(upsert(c, tables.releases_used).on_conflict_do_nothing(), rows)


def _summarise(c: Connection, customer: str, number: int, summary: dict[str, Any]) -> None:
    values = {name: summary[name] for name in ("stage", "band", "tier", "overdue", "held", "catalogue")}
    values |= {name: _instant(summary[name]) for name in ("as_of", "next_due")}
    c.execute(_SUMMARISE, {"whose": customer, "batch": number, "number": number, **values})


_SUMMARISE = update(tables.customers).where(
    tables.customers.c.id == bindparam("whose"), tables.customers.c.batch < bindparam("number")
)


def _snapshot(c: Connection, customer: str, number: int, state: dict[str, Any]) -> None:
    values = {"batch": number, "seq": state.get("seq", 0), "state": state, "score": score_of(state), "stored_at": now()}
    save = upsert(c, tables.snapshots).values(customer=customer, **values)
    older = tables.snapshots.c.batch < number
    c.execute(save.on_conflict_do_update(index_elements=["customer"], set_=values, where=older))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def snapshot(c: Connection, customer: str) -> dict[str, Any] | None:
    """The last stored State as JSON, with its `seq`; None before the first flush."""
    return c.execute(_STATE, {"customer": customer}).scalar_one_or_none()


_STATE = select(tables.snapshots.c.state).where(tables.snapshots.c.customer == bindparam("customer"))


# --- approvals --------------------------------------------------------------------------------------------------------


def open_approval(c: Connection, command: AskApproval, customer: str, *, preview: dict[str, Any], card: str) -> None:
    """Record a posted question: the approval with its first card, then a card for each reminder and rung."""
    values: dict[str, Any] = {"release": command.release, "step": command.step, "preview": preview}
    values |= {"asked_at": command.due, "step_due": command.step_due, "answer_by": command.answer_by}
    values |= {"expired": command.expired, "recipients": list(command.recipients), "result": "", "closed_by": ""}
    new = insert_new(c, tables.approvals, customer=customer, approval=command.approval, **values)
    if not new and command.nth == 0:
        _show_again(c, command, customer, preview)
    posted = {"customer": customer, "approval": command.approval, "to": command.to, "card": card, "nth": command.nth}
    save = upsert(c, tables.cards).values(touch=command.touch, **posted)
    c.execute(save.on_conflict_do_update(index_elements=["touch"], set_=posted))


def _show_again(c: Connection, command: AskApproval, customer: str, preview: dict[str, Any]) -> None:
    """Let an open approval that is put to somebody else show what that card shows: they sign it, and have more time."""
    table = tables.approvals
    same = (table.c.customer == customer) & (table.c.approval == command.approval) & (table.c.result == "")
    values = {"preview": preview, "answer_by": command.answer_by, "recipients": list(command.recipients)}
    c.execute(update(table).where(same).values(**values))


def take_cards(c: Connection, customer: str, approval: str, to: str) -> tuple[Card, ...]:
    """Ask a teammate no more: their cards no longer entitle them to answer. The approval stays open.

    Returns:
        The cards, also when they were taken before: whoever repeats it repeats the update of the cards.
    """
    table = tables.cards
    theirs = (table.c.customer == customer) & (table.c.approval == approval) & (table.c.to == to)
    c.execute(update(table).where(theirs).values(taken=True))
    rows = c.execute(select(table).where(theirs).order_by(table.c.nth, table.c.touch))
    return tuple(card_row(row) for row in rows)


def close_approval(c: Connection, customer: str, approval: str, result: str, by: str) -> tuple[Card, ...]:
    """Record how an approval ended; the first result stands.

    Returns:
        All its cards, also when it was closed before: whoever repeats the settling repeats the update of the cards.
    """
    table = tables.approvals
    still_open = (table.c.customer == customer) & (table.c.approval == approval) & (table.c.result == "")
    c.execute(update(table).where(still_open).values(result=result, closed_by=by, closed_at=now()))
    return _cards(c, customer, approval)


def approval(c: Connection, customer: str, approval: str) -> ApprovalRow | None:
    """One approval of the customer."""
    table = tables.approvals
    row = c.execute(select(table).where(table.c.customer == customer, table.c.approval == approval)).one_or_none()
    return None if row is None else approval_row(row, _cards(c, customer, approval))


def approval_row(row: Row[Any], cards: tuple[Card, ...]) -> ApprovalRow:
    """A row of the approvals table with its cards."""
    return ApprovalRow(
        customer=row.customer,
        approval=row.approval,
        release=row.release,
        step=row.step,
        preview=row.preview,
        asked_at=row.asked_at,
        step_due=row.step_due,
        answer_by=row.answer_by,
        expired=row.expired,
        recipients=tuple(row.recipients),
        result=row.result,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        cards=cards,
    )


def _cards(c: Connection, customer: str, approval: str) -> tuple[Card, ...]:
    table = tables.cards
    query = select(table).where(table.c.customer == customer, table.c.approval == approval, table.c.taken.is_not(True))
    return tuple(card_row(row) for row in c.execute(query.order_by(table.c.nth, table.c.touch)))


def card_row(row: Row[Any]) -> Card:
    """A row of the cards table."""
    return Card(row.touch, row.to, row.card, row.nth)


def save_edit(c: Connection, customer: str, approval: str, seq: int, subject: str, text: str, by: str) -> None:
    """Keep the text that a person wants sent instead, with the inbox number of the answer it came with. One that comes
    after the approval was closed changes nothing.
    """
    table = tables.approvals
    known = select(table.c.result).where(table.c.customer == customer, table.c.approval == approval)
    if not c.execute(known).scalar_one_or_none():
        values = {"subject": subject, "text": text, "edited_by": by, "edited_at": now()}
        insert_new(c, tables.edits, customer=customer, approval=approval, seq=seq, **values)


def edit(c: Connection, customer: str, approval: str) -> Edit | None:
    """The text that came with the answer that was taken: the first that the core did not turn down.

    Answers are delivered in order, each after the reply to the one before it was stored. So when the approved step is
    sent, every earlier answer has its refusal, and the taken one has `approved` or, for a moment, nothing yet.
    """
    table, answers = tables.edits, tables.inbox
    same = (answers.c.customer == table.c.customer) & (answers.c.seq == table.c.seq)
    query = select(table, answers.c.reply).outerjoin(answers, same)
    rows = c.execute(query.where(table.c.customer == customer, table.c.approval == approval).order_by(table.c.seq))
    row = next((row for row in rows if row.reply is None or row.reply["result"] == "approved"), None)
    return None if row is None else Edit(approval, row.subject, row.text, row.edited_by, row.edited_at)


# --- tasks ------------------------------------------------------------------------------------------------------------


_GOES_ON = select(tables.customers.c.merged_into).where(tables.customers.c.id == bindparam("customer"))


def raise_task(c: Connection, command: RaiseTask, customer: str, title: str, checklist: Sequence[str]) -> bool:
    """Give a teammate work, once by the command's touch, at the customer that this one goes on as. False when it was
    raised before.
    """
    customer = c.execute(_GOES_ON, {"customer": customer}).scalar_one() or customer
    values: dict[str, Any] = {"release": command.release, "step": command.step, "to": command.to, "title": title}
    values |= {"checklist": list(checklist), "raised_at": command.due, "due_at": command.due_at, "ticked_by": ""}
    return insert_new(c, tables.tasks, task=command.touch, customer=customer, **values)


def open_tasks(c: Connection, customer: str, of: Iterable[str]) -> tuple[TaskRow, ...]:
    """The open tasks of some teammates at a customer, those due first at the front."""
    table = tables.tasks
    mine = (table.c.customer == customer) & table.c.ticked_at.is_(None) & table.c.to.in_(sorted(of))
    return tuple(task_row(row) for row in c.execute(select(table).where(mine).order_by(table.c.due_at, table.c.task)))


def hand_tasks(c: Connection, those: Sequence[str], to: str) -> None:
    """Give open tasks to a teammate."""
    table = tables.tasks
    c.execute(update(table).where(table.c.task.in_(those), table.c.ticked_at.is_(None)).values(to=to))


def tick_task(c: Connection, task: str, by: str, done: bool) -> bool:
    """Finish a task or reopen it. False when it was so already, or does not exist."""
    table = tables.tasks
    other = table.c.ticked_at.is_(None) if done else table.c.ticked_at.is_not(None)
    values = {"ticked_by": by, "ticked_at": now()} if done else {"ticked_by": "", "ticked_at": None}
    return c.execute(update(table).where(table.c.task == task, other).values(values)).rowcount == 1


def task(c: Connection, task: str) -> TaskRow | None:
    """One task by its touch."""
    row = c.execute(select(tables.tasks).where(tables.tasks.c.task == task)).one_or_none()
    return None if row is None else task_row(row)


def task_row(row: Row[Any]) -> TaskRow:
    """A row of the tasks table."""
    return TaskRow(
        task=row.task,
        customer=row.customer,
        release=row.release,
        step=row.step,
        to=row.to,
        title=row.title,
        checklist=tuple(row.checklist),
        raised_at=row.raised_at,
        due_at=row.due_at,
        ticked_by=row.ticked_by,
        ticked_at=row.ticked_at,
    )
