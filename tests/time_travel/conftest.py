"""Real worker parts in simulated time: the workflow in its production sandbox, the Performer on a SQLite store with the
outbox, releases compiled from the shipped folders, on Temporal's time-skipping server. freezegun follows the server.

The server begins at the real date, so each customer's time is an offset of it (`Clock`, factor 1). While a message is
on its way the server's clock runs on in real time, so what an event sets off is decided milliseconds after it: traces
are compared by the minute, and every nominal instant of a playbook is a whole one.
"""

import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import select
from temporalio import activity
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor, Worker

from activities.delivery import Delivery as Ways
from activities.perform import Performer
from authoring.compile import Compiled, compile_folder, digest_of
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
from lifecycle.playbook import Manifest
from store import customers, inbox, outbox, tables
from store import releases as kept_releases
from store.customers import NewContact, Person
from store.database import Database, open_database
from store.outbox import Entry
from store.releases import DatabaseReleases
from workflows import interface, releases
from workflows.interface import Delivery, Start
from workflows.registry import RUNNER, WORKFLOWS

ROOT = Path(__file__).parents[2]
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

    def decided(self, until: datetime) -> list[trace.Public]:
        """The decisions that the store has, up to an instant."""
        zone, table = self.signup.profile.zone, tables.decisions
        with self.db.read() as c:
            rows = c.execute(select(table).order_by(table.c.batch, table.c.position)).all()
        return by_the_minute(
            [
                trace.public(_decision(row), customer=row.customer, zone=zone, place=row.place)
                for row in rows
                if row.at <= until
            ]
        )

    def simulation(self, until: datetime) -> Simulation:
        """The same customer, told the same, on the virtual clock."""
        start = self.clock.virtual_origin
        return simulate(self.library, self.catalogue, self.signup, start, self.told, until, self.customer)

    def simulated(self, until: datetime) -> list[trace.Public]:
        return by_the_minute(self.simulation(until).trace(self.library))

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


def by_the_minute(found: list[trace.Public]) -> list[trace.Public]:
    """A trace in the order in which traces are compared, instants cut to the minute."""
    cut: list[trace.Public] = []
    for item in found:
        at = datetime.fromisoformat(item["at"]).replace(second=0, microsecond=0)
        cut.append({**item, "at": at.isoformat(timespec="seconds")})
    keys = ("at", "playbook", "step", "verdict", "kind", "to", "reason")
    return sorted(cut, key=lambda item: [item[key] for key in keys])


def _decision(row: Any) -> Decision:
    names = ("at", "playbook", "release", "play", "step", "what", "verdict", "reason", "to")
    return Decision(**{name: getattr(row, name) for name in names})


def _teammate(role: str, zone: str) -> Person:
    name = f"{role.replace('_', ' ').title()} Berg"
    return Person(role, name, f"{role}@stageplay.example.com", (role,), zone=zone, slack=f"U0{role.upper()}")


def _contact(name: str, roles: tuple[str, ...]) -> NewContact:
    return NewContact(f"{name}@acme.example.com", NAMES.get(name, name.title()), roles)


def _binary(name: str) -> str:
    """A server that the environment brings, beside the interpreter."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is not installed"
    return found


WAYS = Ways(
    public_url="https://stageplay.example.com",
    from_email="success@stageplay.example.com",
    company_name="Stageplay",
    company_address="1 Example Street, Berlin",
    help_url="https://help.example.com",
    link_secret="k" * 32,
)

Travel = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def compiled() -> Compiled:
    """The shipped playbooks and templates."""
    found = compile_folder(ROOT / "playbooks", ROOT / "templates")
    assert found.catalogue, found.diagnostics
    return found


@pytest.fixture
def travel(compiled: Compiled, sqlite_template: Path, tmp_path: Path) -> Travel:
    """`async with travel() as rig`: everything running, nobody signed up. `catalogue`: other than the whole one."""

    @asynccontextmanager
    async def open_rig(catalogue: Manifest | None = None) -> AsyncIterator[Rig]:
        path = tmp_path / "stageplay.db"
        shutil.copy(sqlite_template, path)
        manifest = catalogue or compiled.catalogue
        assert manifest
        current = digest_of(manifest)
        library = Library({**compiled.releases, current: manifest})
        db = open_database(f"sqlite:///{path}")
        with db.begin() as c:
            kept_releases.commit(c, current, library.releases, note="test")
        shelf = DatabaseReleases(db, None)
        shelf.preload()
        releases.use(shelf.get)
        async with await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=_binary("temporal-test-server")
        ) as env:
            await _register_attributes(env)
            with freeze_time(await env.get_current_time(), real_asyncio=True) as frozen:
                machine = TimeMachine(frozen)
                async with Worker(
                    env.client,
                    task_queue=interface.TASK_QUEUE,
                    workflows=WORKFLOWS,
                    activities=[Performer(db, shelf, WAYS).perform],
                    workflow_runner=RUNNER,
                    interceptors=[machine],
                ):
                    yield Rig(env, machine, db, library, current)
        shelf.close()
        db.close()

    return open_rig


async def _register_attributes(env: WorkflowEnvironment) -> None:
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    request = AddSearchAttributesRequest(
        namespace=env.client.namespace, search_attributes=dict.fromkeys(interface.ATTRIBUTES, keyword)
    )
    await env.client.operator_service.add_search_attributes(request)
