"""Real worker parts in simulated time: the workflow in its production sandbox, the Performer on a SQLite store with the
outbox, releases compiled from the shipped folders, on Temporal's time-skipping server. freezegun follows the server.

The server begins at the real date, so each customer's time is an offset of it (`Clock`, factor 1). While a message is
on its way the server's clock runs on in real time, so a workflow takes an event milliseconds after the instant that the
test means; the simulator is told at the instant that the history shows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from operator import itemgetter
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import func, select
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from authoring.simulate import Library, Simulation, simulate
from lifecycle import trace
from lifecycle.jsonform import digest, encode
from lifecycle.messages import (
    ANSWERS,
    Churned,
    ContactChanged,
    ContactLeft,
    ContactSuppressed,
    Event,
    HoldLifted,
    HoldPlaced,
    Returned,
    SignedUp,
    SurveyAnswered,
)
from lifecycle.model import Clock, Decision
from store import customers, inbox, outbox, tables
from store.customers import NewContact, Person
from store.database import Database
from store.outbox import Entry
from workflows import interface
from workflows.interface import Delivery, Start

NAMES = {"champion": "Ada Lovelace", "executive_sponsor": "Grace Hopper"}


class TimeMachine(Interceptor):
    """Lets freezegun's clock follow the server's, forward only: before an activity runs and after every hop."""

    def __init__(self, frozen: FrozenDateTimeFactory) -> None:
        self._frozen = frozen

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's own name
        return _AtServerTime(next, self)

    def forward_to(self, at: datetime) -> None:
        if at > self._frozen().replace(tzinfo=UTC):
            self._frozen.move_to(at)


class _AtServerTime(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, machine: TimeMachine) -> None:
        super().__init__(following)
        self._machine = machine

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's own name
        self._machine.forward_to(activity.info().started_time)
        return await super().execute_activity(input)


@dataclass
class Rig:
    """One server, one store and one customer, told things at given instants of the customer's time."""

    env: WorkflowEnvironment
    machine: TimeMachine
    db: Database
    library: Library
    catalogue: str
    customer: str = field(init=False)
    clock: Clock = field(init=False)
    signup: SignedUp = field(init=False)
    handle: WorkflowHandle[Any, Any] = field(init=False)
    told: list[tuple[datetime, Event]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    contacts: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    # --- telling ------------------------------------------------------------------------------------------------------

    async def sign_up(self, signup: SignedUp, start: datetime, name: str = "Acme") -> None:
        """Create the customer and start its workflow, its time beginning at `start`. The contacts' ids become the
        store's.
        """
        self.clock = Clock(await self.env.get_current_time(), start)
        people = {mate.id: _teammate(mate.id, mate.zone) for mate in signup.team.values()}
        with self.db.begin() as c:
            customers.save_team(c, list(people.values()), {})
            made, contacts = customers.create(
                c,
                outer_id="outer-1",
                name=name,
                profile=signup.profile,
                clock=self.clock,
                contacts=[_contact(contact.id, contact.roles) for contact in signup.contacts],
                team={role: people[mate.id] for role, mate in signup.team.items()},
            )
            self.customer = made.id
            self.contacts = {old.id: new.id for old, new in zip(signup.contacts, contacts, strict=True)}
            self.signup = replace(signup, contacts=contacts)
            delivery = self._accept(c, self.signup)
        await self._start(delivery)
        await self.settle()

    async def tell(self, event: Event, at: datetime) -> None:
        """Say what happened at an instant of the customer's time, as the gateway does: written down first."""
        await self.reach(at)
        with self.db.begin() as c:
            event = self._remember(c, event)
            delivery = self._accept(c, event)
        reply: dict[str, Any] | None = None
        if event.kind in ANSWERS:
            reply = await self.handle.execute_update(interface.ANSWER, delivery, id=f"press-{delivery['seq']}")
            self.replies.append(reply or {})
        else:
            await self.handle.signal(interface.EVENT, delivery)
        with self.db.begin() as c:
            inbox.delivered(c, self.customer, delivery["seq"], reply)
        self.told.append((at, event))
        await self.settle()

    async def reach(self, at: datetime) -> None:
        """Let time pass until the customer's time is `at`, then let what was under way finish."""
        length = self.clock.real_origin + (at - self.clock.virtual_origin) - await self.env.get_current_time()
        if length > timedelta(0):
            await self.env.sleep(length)
        self.machine.forward_to(await self.env.get_current_time())
        await self.settle()

    async def settle(self) -> None:
        """Wait, bounded, until the workflow has nothing under way: no task, no activity."""
        for _ in range(5000):
            description = (await self.handle.describe()).raw_description
            if not description.pending_activities and not description.HasField("pending_workflow_task"):
                return
        raise AssertionError("the workflow did not settle")

    def _accept(self, c: Any, event: Event) -> Delivery:
        number = next(self.numbers)
        body = digest(encode(event))
        _, row = inbox.accept(c, self.customer, "test", f"{self.customer}-{number}", event, body_digest=body)
        return Delivery(seq=row.seq, event=row.event)

    def _remember(self, c: Any, event: Event) -> Event:
        """Write down what the gateway writes down with an event, and name contacts as the store does."""
        match event:
            case ContactChanged(contact=contact):
                known, _ = customers.upsert_contact(c, self.customer, _contact(contact.id, contact.roles))
                self.contacts[contact.id] = known.id
                return ContactChanged(known)
            case ContactSuppressed(contact=name, why=why):
                person = customers.contact(c, self.customer, self.contacts[name])
                assert person
                customers.suppress(c, person.email, why, "test")
                return replace(event, contact=person.id)
            case ContactLeft(contact=name) | SurveyAnswered(contact=name):
                return replace(event, contact=self.contacts.get(name, name))
            case Churned() | Returned():
                customers.stop(c, self.customer, isinstance(event, Churned))
            case HoldPlaced(by=by, reason=reason):
                customers.place_hold(c, self.customer, by, reason)
            case HoldLifted():
                customers.lift_hold(c, self.customer)
            case _:
                pass
        return event

    async def _start(self, delivery: Delivery) -> None:
        start = Start(
            customer=self.customer,
            catalogue=self.catalogue,
            clock=encode(self.clock),
            spread=False,
            state={},
            first=[delivery],
            outgoing=[],
            log="",
        )
        values = ("new", "unknown", self.signup.profile.tier, self.catalogue)
        pairs = [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in zip(interface.ATTRIBUTES, values, strict=True)
        ]
        self.handle = await self.env.client.start_workflow(
            interface.WORKFLOW,
            start,
            id=interface.workflow_id(self.customer),
            task_queue=interface.TASK_QUEUE,
            search_attributes=TypedSearchAttributes(pairs),
        )

    # --- reading ------------------------------------------------------------------------------------------------------

    def entries(self, kind: outbox.Kind | None = None) -> list[Entry]:
        """What the outbox kept, oldest first."""
        with self.db.read() as c:
            return list(reversed(outbox.entries(c, 1000, kind)))

    def batches(self) -> int:
        """How many batches the store has."""
        with self.db.read() as c:
            return int(c.execute(select(func.count()).select_from(tables.batches)).scalar_one())

    def decided(self, until: datetime) -> list[trace.Public]:
        """The decisions that the store has, up to an instant."""
        zone, table = self.signup.profile.zone, tables.decisions
        with self.db.read() as c:
            rows = c.execute(select(table).order_by(table.c.batch, table.c.position)).all()
        return in_order(
            trace.public(_decision(row), customer=row.customer, zone=zone, place=row.place)
            for row in rows
            if row.at <= until
        )

    async def simulation(self, until: datetime) -> Simulation:
        """The same customer on the virtual clock, told the same at the very instants at which the workflow took it."""
        start, *taken = await self.instants()
        late = [real - meant for real, (meant, _) in zip(taken, self.told, strict=True)]
        assert all(timedelta(0) <= item < timedelta(minutes=1) for item in late), late
        told = [(real, event) for real, (_, event) in zip(taken, self.told, strict=True)]
        return simulate(self.library, self.catalogue, self.signup, start, told, until, self.customer)

    def simulated(self, simulation: Simulation) -> list[trace.Public]:
        return in_order(simulation.trace(self.library))

    async def instants(self) -> list[datetime]:
        """The customer's time at which the workflow took each message, its signup first."""
        found: list[datetime] = []
        for history in await self.histories():
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
                        found += [self._customer_time(started)] * waiting
                        waiting = 0
                    case "WORKFLOW_EXECUTION_UPDATE_ACCEPTED":
                        found.append(self._customer_time(started))
                    case _:
                        pass
        return found

    def _customer_time(self, at: Timestamp) -> datetime:
        """As the SDK reads the instant of a workflow task."""
        return self.clock.virtual(datetime.fromtimestamp(at.ToNanoseconds() / 1e9, UTC))

    async def histories(self) -> list[WorkflowHistory]:
        """Every run of the workflow, from the first one on."""
        found: list[WorkflowHistory] = []
        run = self.handle.first_execution_run_id
        while run:
            handle = self.env.client.get_workflow_handle(self.handle.id, run_id=run)
            found.append(await handle.fetch_history())
            last = found[-1].events[-1]
            run = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return found


def in_order(found: Iterable[trace.Public]) -> list[trace.Public]:
    """A trace in the order in which traces are compared."""
    parts = itemgetter("at", "playbook", "step", "verdict", "kind", "to", "reason")
    return sorted(found, key=parts)


def _decision(row: Any) -> Decision:
    names = ("at", "playbook", "release", "play", "step", "what", "verdict", "reason", "to")
    return Decision(**{name: getattr(row, name) for name in names})


def _teammate(role: str, zone: str) -> Person:
    name = f"{role.replace('_', ' ').title()} Berg"
    return Person(role, name, f"{role}@stageplay.example.com", (role,), zone=zone, slack=f"U0{role.upper()}")


def _contact(name: str, roles: tuple[str, ...]) -> NewContact:
    return NewContact(f"{name}@acme.example.com", NAMES.get(name, name.title()), roles)
