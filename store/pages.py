"""Read models for the dashboard and the command line: one function a page, one snapshot, a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, true

from lifecycle.jsonform import decode
from lifecycle.model import Clock
from lifecycle.playbook import STANDARD
from store import (
    customers,
    documents,
    inbox,
    interactions,
    ledger,
    meetings,
    merges,
    opportunities,
    outbox,
    tables,
    team,
)
from store.customers import Customer
from store.database import now
from store.documents import Document
from store.inbox import Parked, Refused
from store.interactions import Interaction
from store.ledger import Standing
from store.meetings import Meeting
from store.opportunities import Opportunity
from store.outbox import Entry
from store.projections import ApprovalRow, Card, TaskRow, approval_row, card_row, task_row
from store.team import Person

A_PAGE = 50


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """A customer in the list. `approvals`, `tasks`: how many are open. `next_due`: customer time. `merged`: it goes on
    as another one. `outer_id`: the sender's.
    """

    id: str
    name: str
    zone: str
    tier: str
    stage: str
    band: str
    overdue: bool
    held: str
    stopped: bool
    next_due: datetime | None
    approvals: int
    tasks: int
    merged: bool = False
    outer_id: str = ""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A stored decision. `id` grows in the order of storing; `at`: customer time; `place`: `file:line`."""

    id: int
    customer: str
    at: datetime
    playbook: str
    release: str
    play: int
    step: str
    what: str
    verdict: str
    reason: str
    to: str
    place: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Ask:
    """An open approval with its customer's name and zone."""

    approval: ApprovalRow
    name: str
    zone: str


@dataclass(frozen=True, slots=True)
class Work:
    """An open task with its customer's name and zone. `overdue`: by the customer's clock."""

    task: TaskRow
    name: str
    zone: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One customer; decisions newest first. `home`: the customer that it goes on as, where it was merged; `absorbed`:
    those that were merged into it; `calls`: with theirs, the newest first.
    """

    customer: Customer
    contacts: tuple[Person, ...]
    team: dict[str, Person]
    decisions: tuple[DecisionRow, ...]
    approvals: tuple[Ask, ...]
    tasks: tuple[Work, ...]
    meetings: tuple[Meeting, ...]
    documents: tuple[Document, ...]
    opportunities: tuple[Opportunity, ...]
    calls: tuple[Interaction, ...] = ()
    home: Customer | None = None
    absorbed: tuple[Customer, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """People whom notes of calls name and who are neither contacts nor on the team, each once."""
        there = {person.name.casefold() for person in (*self.contacts, *self.team.values())}
        those = (name for call in self.calls for name in call.note.people)
        return tuple(dict.fromkeys(name for name in those if name.casefold() not in there))


@dataclass(frozen=True, slots=True)
class InboxPage:
    """What waits for people, the most urgent first."""

    approvals: tuple[Ask, ...]
    tasks: tuple[Work, ...]


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """Some kept messages. `older`: the entry before which the next page begins; None on the last page."""

    entries: tuple[Entry, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """An inbox row that could not be delivered so far, and why."""

    customer: str
    seq: int
    source: str
    event_id: str
    attempts: int
    error: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ProblemsPage:
    """What a person should look at: sends with no known outcome, stuck, refused and parked events."""

    unknown: tuple[Standing, ...]
    stuck: tuple[Stuck, ...]
    refused: tuple[Refused, ...]
    parked: tuple[Parked, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is. `backlog`: events not delivered yet. `unknown`: sends with no known outcome."""

    customers: int
    outbox: int
    backlog: int
    parked: int
    refused: int
    unknown: int


def customers_page(
    c: Connection, stage: str = "", limit: int = A_PAGE, offset: int = 0, *, named: str = "", of: str = ""
) -> tuple[CustomerLine, ...]:
    """Customers, those that wait for somebody first, then by name; of one stage, or of all. `offset`: how many to skip;
    the order is total, so nobody stands on two pages of an unchanged list. `named`, `of`: only those that `_called`
    and `_of` find.
    """
    table = tables.customers
    approvals = _open_by_customer(tables.approvals, tables.approvals.c.result == "")
    tasks = _open_by_customer(tables.tasks, tables.tasks.c.ticked_at.is_(None))
    open_approvals, open_tasks = func.coalesce(approvals.c.n, 0), func.coalesce(tasks.c.n, 0)
    query = (
        select(table, tables.holds.c.reason, open_approvals.label("approvals"), open_tasks.label("tasks"))
        .outerjoin(tables.holds, tables.holds.c.scope == table.c.id)
        .outerjoin(approvals, approvals.c.customer == table.c.id)
        .outerjoin(tasks, tasks.c.customer == table.c.id)
        .order_by((open_approvals > 0).desc(), (open_tasks > 0).desc(), table.c.name, table.c.id)
        .limit(limit)
        .offset(offset)
    )
    if stage:
        query = query.where(table.c.stage == stage)
    return tuple(_line(row) for row in c.execute(query.where(_called(named), _of(of))))


def how_many(c: Connection, named: str, of: str = "") -> int:
    """How many customers `named` and `of` find."""
    query = select(func.count()).select_from(tables.customers)
    return c.execute(query.where(_called(named), _of(of))).scalar_one()


def _called(named: str) -> ColumnElement[bool]:
    """Customers with these words in their name, however written, or with this id of ours or of the sender; all for
    none.
    """
    table = tables.customers
    found = table.c.name.icontains(named, autoescape=True)
    return found | (table.c.outer_id == named) | (table.c.id == named)


def _of(teammate: str) -> ColumnElement[bool]:
    """Customers for whom a teammate has a role, whichever; all for nobody."""
    if not teammate:
        return true()
    table = tables.assignments
    whose = (table.c.customer == tables.customers.c.id) & (table.c.teammate == teammate)
    return select(table.c.role).where(whose).correlate(tables.customers).exists()


def customer_page(c: Connection, customer: str, decisions: int = 500) -> CustomerPage | None:
    """Everything about one customer, with its last decisions; None when there is no such customer."""
    try:
        found = customers.get(c, customer)
    except LookupError:
        return None
    table, hold, absorbed = tables.decisions, customers.hold(c, customer), merges.absorbed(c, customer)
    told = select(table).where(table.c.customer == customer).order_by(table.c.at.desc(), table.c.id.desc())
    return CustomerPage(
        customer=replace(found, held=hold.reason if hold else ""),
        contacts=customers.contacts(c, customer),
        team=team.team_of(c, customer),
        decisions=_decisions(c, told.limit(decisions)),
        approvals=_asks(c, tables.approvals.c.customer == customer),
        tasks=_work(c, tables.tasks.c.customer == customer),
        meetings=meetings.of(c, customer),
        documents=documents.of(c, customer),
        opportunities=opportunities.listed(c, customer),
        home=merges.home(c, found) if found.merged_into else None,
        calls=interactions.of(c, [customer, *(one.id for one in absorbed)]),
        absorbed=absorbed,
    )


def inbox_page(c: Connection, teammate: str | None = None, limit: int | None = None) -> InboxPage:
    """Open approvals and tasks, `limit` of each at most: of a teammate by id, who was asked or has the task; or all."""
    asked, owed = ([], []) if teammate is None else ([_asked(teammate)], [tables.tasks.c.to == teammate])
    return InboxPage(_asks(c, *asked, limit=limit), _work(c, *owed, limit=limit))


def waiting_for(c: Connection, teammate: str) -> int:
    """How many approvals and tasks stand in a teammate's own inbox."""
    approvals, tasks = tables.approvals, tables.tasks
    asked = select(func.count()).select_from(approvals).where(approvals.c.result == "", _asked(teammate))
    owed = select(func.count()).select_from(tasks).where(tasks.c.ticked_at.is_(None), tasks.c.to == teammate)
    return int(c.execute(select(asked.scalar_subquery() + owed.scalar_subquery())).scalar_one())


def outbox_page(
    c: Connection, kind: outbox.Kind | None = None, limit: int = A_PAGE, *, before: int | None = None
) -> OutboxPage:
    """Kept messages, the newest first: the last ones, or those before an entry. New ones do not shift older pages."""
    found = outbox.entries(c, limit + 1, kind, before=before)
    return OutboxPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


def problems_page(c: Connection, limit: int = 50) -> ProblemsPage:
    """What needs a look, the longest waiting first for what waits, the newest first for what was refused."""
    table = tables.inbox
    tried = (table.c.attempts > 0) & table.c.delivered_at.is_(None)
    query = select(table).where(tried).order_by(table.c.received_at).limit(limit)
    fields = tuple(Stuck.__dataclass_fields__)
    return ProblemsPage(
        unknown=ledger.in_doubt(c, limit),
        stuck=tuple(Stuck(**{name: row[name] for name in fields}) for row in c.execute(query).mappings()),
        refused=tuple(inbox.refused(c, limit)),
        parked=tuple(inbox.parked(c, limit=limit)),
    )


def names(c: Connection, wanted: Iterable[str]) -> dict[str, str]:
    """What customers are called, by id; those that are gone are left out."""
    table = tables.customers
    return {row.id: row.name for row in c.execute(select(table.c.id, table.c.name).where(table.c.id.in_(wanted)))}


def decisions_since(c: Connection, after_id: int, limit: int = 500) -> tuple[DecisionRow, ...]:
    """Decisions stored after another one, in the order of storing: what a live view asks again and again."""
    table = tables.decisions
    query = select(table).where(table.c.id > after_id).order_by(table.c.id).limit(limit)
    return _decisions(c, query)


def counts(c: Connection) -> Counts:
    """How much there is of what people look for, in one query: every page and every health check asks."""

    def count(table: Any, *where: ColumnElement[bool]) -> Any:
        return select(func.count()).select_from(table).where(*where).scalar_subquery()

    query = select(
        count(tables.customers).label("customers"),
        count(tables.outbox).label("outbox"),
        count(tables.inbox, tables.inbox.c.delivered_at.is_(None)).label("backlog"),
        count(tables.parked).label("parked"),
        count(tables.refused).label("refused"),
        count(tables.ledger, ledger.doubtful()).label("unknown"),
    )
    return Counts(**c.execute(query).mappings().one())


def journeys(c: Connection) -> dict[str, int]:
    """How many customers are on each journey, those who left among them; by name."""
    journey = func.coalesce(tables.customers.c.profile["journey"].as_string(), STANDARD).label("journey")
    rows = c.execute(select(journey, func.count().label("n")).group_by(journey).order_by(journey))
    return {row.journey: row.n for row in rows}


def _asked(teammate: str) -> ColumnElement[bool]:
    """Of approvals: those with a card for the teammate."""
    cards, approvals = tables.cards, tables.approvals
    same = (cards.c.customer == approvals.c.customer) & (cards.c.approval == approvals.c.approval)
    asked = same & (cards.c.to == teammate) & cards.c.taken.is_not(True)
    return select(cards.c.approval).where(asked).correlate(approvals).exists()


def _open_by_customer(table: Any, still_open: ColumnElement[bool]) -> Any:
    # Also by what no index has: else SQLite reads all there ever were in an index's order, not the few that are open.
    whose = table.c.customer
    return select(whose, func.count().label("n")).where(still_open).group_by(whose.concat(""), whose).subquery()


def _line(row: Row[Any]) -> CustomerLine:
    return CustomerLine(
        id=row.id,
        name=row.name,
        zone=row.profile["zone"],
        tier=row.tier,
        stage=row.stage,
        band=row.band,
        overdue=row.overdue,
        held=row.reason or "",
        stopped=row.stopped,
        next_due=row.next_due,
        approvals=row.approvals,
        tasks=row.tasks,
        merged=bool(row.merged_into),
        outer_id=row.outer_id,
    )


def _decisions(c: Connection, query: Select[Any]) -> tuple[DecisionRow, ...]:
    fields = tuple(DecisionRow.__dataclass_fields__)
    return tuple(DecisionRow(**{name: row[name] for name in fields}) for row in c.execute(query).mappings())


_HOME = (tables.customers.c.name, tables.customers.c.profile, tables.customers.c.clock)


def _at_home(table: Any, *where: ColumnElement[bool]) -> Select[Any]:
    """Rows of a table beside the name, profile and clock of their customer."""
    return select(table, *_HOME).join(tables.customers, tables.customers.c.id == table.c.customer).where(*where)


def _asks(c: Connection, *where: ColumnElement[bool], limit: int | None = None) -> tuple[Ask, ...]:
    table = tables.approvals
    query = _at_home(table, table.c.result == "", *where).order_by(table.c.answer_by, table.c.approval)
    rows = c.execute(query.limit(limit)).all()
    cards = _cards(c, {row.customer for row in rows})
    return tuple(
        Ask(approval_row(row, cards.get((row.customer, row.approval), ())), row.name, row.profile["zone"])
        for row in rows
    )


def _cards(c: Connection, of: Iterable[str]) -> dict[tuple[str, str], tuple[Card, ...]]:
    table = tables.cards
    query = select(table).where(table.c.customer.in_(sorted(of)), table.c.taken.is_not(True))
    query = query.order_by(table.c.nth, table.c.touch)
    found: dict[tuple[str, str], tuple[Card, ...]] = {}
    for row in c.execute(query):
        key = (row.customer, row.approval)
        found[key] = (*found.get(key, ()), card_row(row))
    return found


def _work(c: Connection, *where: ColumnElement[bool], limit: int | None = None) -> tuple[Work, ...]:
    table = tables.tasks
    query = _at_home(table, table.c.ticked_at.is_(None), *where).order_by(table.c.due_at, table.c.task)
    at = now()
    return tuple(
        Work(task_row(row), row.name, row.profile["zone"], row.due_at < decode(Clock, row.clock).virtual(at))
        for row in c.execute(query.limit(limit))
    )
