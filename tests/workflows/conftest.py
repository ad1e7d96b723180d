"""The real workflow on Temporal's own servers, with an activity that plays the world and writes down what it saw."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from lifecycle import trace
from lifecycle.actions import Slack, When
from lifecycle.courtesy import Politeness
from lifecycle.jsonform import encode
from lifecycle.messages import Event, SignedUp
from lifecycle.model import Clock, Contact, Decision, Profile, Teammate
from lifecycle.playbook import FactSpec, Lifecycle, Manifest, Playbook, Release, StageSpec, Step, Trigger, digest_of
from lifecycle.releases import ReleaseMissingError
from tests.fakes.temporal import local as dev_server
from tests.fakes.temporal import register_attributes, time_skipping
from workflows import interface, releases
from workflows.interface import Batch, BatchResult, Delivery, EffectResult, Start
from workflows.registry import RUNNER, WORKFLOWS

ORIGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
ONBOARD_14 = (0, 0, 0, 1, 3, 3, 5, 7, 7, 10, 14, 14, 14, 21)


@dataclass
class World:
    """Stands where `perform` stands: answers each command as told, `sent` unless said otherwise, and keeps every
    batch.
    """

    answers: dict[str, list[EffectResult]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    free: asyncio.Event | None = None
    """While set to an event, every batch stays out until that is."""

    def says(self, touch: str, result: str, *, retry_in: float = 0) -> None:
        """The next answer about a touch."""
        effect = EffectResult(touch=touch, result=result, reason=f"the provider said {result}", retry_in=retry_in)
        self.answers.setdefault(touch, []).append(effect)

    @property
    def touches(self) -> list[str]:
        return [command["touch"] for batch in self.batches for command in batch["commands"]]

    @property
    def decisions(self) -> list[Decision]:
        return [trace.from_row(row) for batch in self.batches for row in batch["decisions"]]

    @activity.defn(name=interface.PERFORM)
    async def perform(self, batch: Batch) -> BatchResult:
        self.batches.append(batch)
        while self.free is not None and not self.free.is_set():
            activity.heartbeat()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.free.wait(), timeout=1)
        told = [self.answers.get(command["touch"]) for command in batch["commands"]]
        return BatchResult(effects=[queue.pop(0) for queue in told if queue])


def shelf(books: tuple[Playbook, ...], life: Lifecycle) -> tuple[dict[str, Release], str]:
    """Releases by digest and the digest of the manifest that names them."""
    manifest = Manifest(digest_of(life), {book.name: digest_of(book) for book in books})
    every: tuple[Release, ...] = (life, manifest, *books)
    return {digest_of(release): release for release in every}, digest_of(manifest)


@dataclass
class Rig:
    """One server, one customer at a time, and the shelf its worker reads."""

    env: WorkflowEnvironment
    shelf: dict[str, Release]
    catalogue: str
    world: World = field(default_factory=World)
    seq: dict[str, int] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        return self.env.client

    def worker(self, **options: Any) -> Worker:
        settings: dict[str, Any] = {"workflow_runner": RUNNER, **options}
        return Worker(
            self.client,
            task_queue=interface.TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=[self.world.perform],
            **settings,
        )

    async def sign_up(self, customer: str = "cus_1", start: datetime = ORIGIN) -> WorkflowHandle[Any, Any]:
        """Start a customer at the customer's own time `start`."""
        clock = Clock(await self.env.get_current_time(), start)
        profile = Profile("Europe/Berlin", date(start.year, start.month, start.day), tier="pro")
        mara = Teammate("mara", "Europe/Berlin")
        signup = SignedUp(profile, (Contact("con_1", ("champion",)),), {"csm": mara, "cs_manager": mara})
        self.seq[customer] = 1
        start_input = Start(
            customer=customer,
            catalogue=self.catalogue,
            clock=encode(clock),
            spread=False,
            state={},
            first=[Delivery(seq=1, event=encode(signup))],
            outgoing=[],
            log="",
        )
        values = ("new", "unknown", "pro", self.catalogue)
        pairs = [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in zip(interface.ATTRIBUTES, values, strict=True)
        ]
        return await self.client.start_workflow(
            interface.WORKFLOW,
            start_input,
            id=interface.workflow_id(customer),
            task_queue=interface.TASK_QUEUE,
            search_attributes=TypedSearchAttributes(pairs),
        )

    def delivery(self, event: Event, customer: str = "cus_1") -> Delivery:
        """The next row of a customer's inbox."""
        self.seq[customer] += 1
        return Delivery(seq=self.seq[customer], event=encode(event))

    async def tell(self, event: Event, customer: str = "cus_1") -> None:
        handle = self.client.get_workflow_handle(interface.workflow_id(customer))
        await handle.signal(interface.EVENT, self.delivery(event, customer))

    async def ask(self, event: Event, customer: str = "cus_1") -> dict[str, Any]:
        handle = self.client.get_workflow_handle(interface.workflow_id(customer))
        reply: dict[str, Any] = await handle.execute_update(interface.ANSWER, self.delivery(event, customer))
        return reply

    async def state(self, customer: str = "cus_1") -> dict[str, Any]:
        """The state once all that was told is taken: this server may answer a query before a signal's task has run."""
        handle = self.client.get_workflow_handle(interface.workflow_id(customer))
        for _ in range(500):
            state: dict[str, Any] = await handle.query(interface.STATE)
            if state["seq"] == self.seq[customer]:
                return state
        raise AssertionError("what was told was not taken")


RigFactory = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def skipping() -> RigFactory:
    """`async with skipping(books, life) as rig`: the time-skipping server with the worker's releases set."""

    @asynccontextmanager
    async def open_rig(books: tuple[Playbook, ...], life: Lifecycle) -> AsyncIterator[Rig]:
        found, catalogue = shelf(books, life)
        releases.use(_reader(found))
        async with await time_skipping() as env:
            await register_attributes(env.client)
            yield Rig(env, found, catalogue)

    return open_rig


@pytest.fixture
def local() -> RigFactory:
    """The same on the real dev server, in memory."""

    @asynccontextmanager
    async def open_rig(books: tuple[Playbook, ...], life: Lifecycle) -> AsyncIterator[Rig]:
        found, catalogue = shelf(books, life)
        releases.use(_reader(found))
        async with await dev_server() as env:
            await register_attributes(env.client)
            yield Rig(env, found, catalogue)

    return open_rig


def _reader(found: Mapping[str, Release]) -> Callable[[str], Release]:
    def read(wanted: str) -> Release:
        if wanted not in found:
            raise ReleaseMissingError(wanted)
        return found[wanted]

    return read


@pytest.fixture
def life() -> Lifecycle:
    """A lifecycle in which nothing moves by itself, so that counts are of the playbook alone."""
    return Lifecycle(
        "still",
        "Nothing moves by itself",
        (StageSpec("new", "csm", 0),),
        "still.yaml",
        facts={"usage.logins": FactSpec("number")},
        politeness=Politeness(per_day=50, per_week=50, spread_minutes=0),
        managers=("cs_manager",),
    )


@pytest.fixture
def onboard_14() -> Playbook:
    """14 steps at 8 due moments: the reference work of the performance page."""
    steps = tuple(
        Step(f"step-{number}", Slack(("csm",), "note"), When(day=day) if day else When())
        for number, day in enumerate(ONBOARD_14)
    )
    return Playbook(
        "onboard-14",
        "Reference",
        "csm",
        (Trigger(event="customer.signed_up"),),
        steps,
        "onboard-14.yaml",
        anchor="signup",
    )


@pytest.fixture
def settled() -> Callable[[WorkflowHandle[Any, Any]], Any]:
    """Wait, bounded, until a workflow has nothing under way: no task, no activity."""

    async def wait(handle: WorkflowHandle[Any, Any]) -> None:
        for _ in range(500):
            description = (await handle.describe()).raw_description
            if not description.pending_activities and not description.HasField("pending_workflow_task"):
                return
        raise AssertionError("the workflow did not settle")

    return wait


__all__ = ["ORIGIN", "Rig", "World", "timedelta"]
