"""The deliverer against Temporal's own server, with a workflow of the agreed names that writes down what it is told."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from gateway.answers import Answers, Press
from gateway.deliver import Connection, Deliverer, TemporalAwayError
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from lifecycle.messages import MilestoneTicked
from store import inbox, releases, team
from store.database import Database
from workflows import interface

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@workflow.defn(name=interface.WORKFLOW)
class Listener:
    """Keeps the numbers of what it is told, and ends when a customer churns."""

    @workflow.init
    def __init__(self, start: interface.Start) -> None:
        self.seen = [(delivery["seq"], delivery["event"]["kind"]) for delivery in start["first"]]

    @workflow.run
    async def run(self, _start: interface.Start) -> list[Any]:
        await workflow.wait_condition(lambda: self.seen[-1][1] == "churned")
        return self.seen

    @workflow.signal(name=interface.EVENT)
    def event(self, delivery: interface.Delivery) -> None:
        self.seen.append((delivery["seq"], delivery["event"]["kind"]))

    @workflow.update(name=interface.ANSWER)
    def answer(self, delivery: interface.Delivery) -> dict[str, Any]:
        self.seen.append((delivery["seq"], delivery["event"]["kind"]))
        return {"result": "done", "text": f"Answer {delivery['seq']}, said by mara."}

    @workflow.query(name=interface.UPCOMING)
    def upcoming(self) -> list[Any]:
        return [list(item) for item in self.seen]


@pytest.fixture
async def server() -> AsyncIterator[Client]:
    found = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    assert found, "temporal is not installed"
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=found) as environment:
        client = environment.client
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes=dict.fromkeys(interface.ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
            )
        )
        yield client


async def test_rows_reach_a_real_workflow_once_and_in_order(
    server: Client, db: Database, signup: Callable[..., dict[str, Any]]
) -> None:
    up = False

    async def factory() -> Client:
        if not up:
            return await Client.connect("127.0.0.1:1")
        return server

    deliverer = Deliverer(db, Connection(factory))
    intake = Intake(db, Lifecycles(), allow_rehearsal=True)
    answers = Answers(db, Lifecycles(), deliverer)
    customer = intake.take(Inbound("api", "customer.signed_up", "evt_1", signup()["data"])).customer
    intake.take(Inbound("api", "api.connected", "evt_2", {"customer": "acme"}))
    with pytest.raises(TemporalAwayError):
        await deliverer.deliver(customer)
    up = True
    with db.read() as c:
        mara, catalogue = team.teammate(c, "mara"), releases.current(c)
    assert mara is not None
    press = Press("dashboard", "p1", customer, mara, MilestoneTicked("technical_setup", "mara"))
    async with Worker(
        server, task_queue=interface.TASK_QUEUE, workflows=[Listener], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        assert (await answers.give(press)).text == "Answer 3, said by Mara Lindqvist."
        assert (await answers.give(press)).text == "Answer 3, said by Mara Lindqvist."
        handle = server.get_workflow_handle(interface.workflow_id(customer))
        assert [tuple(item) for item in await handle.query(interface.UPCOMING)] == [
            (1, "signed_up"),
            (2, "happened"),
            (3, "milestone_ticked"),
        ]
        attributes = (await handle.describe()).typed_search_attributes
        assert {pair.key.name: pair.value for pair in attributes if pair.key.name in interface.ATTRIBUTES} == {
            interface.STAGE_ATTRIBUTE: "new",
            interface.BAND_ATTRIBUTE: "unknown",
            interface.TIER_ATTRIBUTE: "pro",
            interface.CATALOGUE_ATTRIBUTE: catalogue,
        }
        intake.take(Inbound("api", "customer.churned", "evt_4", {"customer": "acme"}))
        await deliverer.deliver(customer)
        await asyncio.wait_for(handle.result(), 60)
    intake.take(Inbound("api", "api.connected", "evt_5", {"customer": "acme"}))
    await deliverer.deliver(customer)
    with db.read() as c:
        [left] = inbox.undelivered(c, customer)
    assert (left.seq, left.attempts) == (5, 1)
