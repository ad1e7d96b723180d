"""From inbox rows to the workflow: order, one start, repeats, Temporal away and back, answers with their Reply."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.service import RPCError, RPCStatusCode

from gateway.answers import ON_ITS_WAY, Answers, Press
from gateway.deliver import Connection, Deliverer, TemporalAwayError
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from lifecycle.messages import HoldPlaced, MilestoneTicked, TaskTicked
from store import inbox, ledger, projections, team
from store.database import Database
from workflows.interface import workflow_id

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Temporal = Any
Until = Callable[[Callable[[], bool]], Awaitable[None]]
ON_SHORT = timedelta(seconds=0.1)


@pytest.fixture
def intake(db: Database) -> Intake:
    return Intake(db, Lifecycles(), allow_rehearsal=True)


@pytest.fixture
def deliverer(db: Database, temporal: Temporal) -> Deliverer:
    return Deliverer(db, Connection(temporal.factory))


@pytest.fixture
def acme(intake: Intake, signup: Callable[..., dict[str, Any]]) -> str:
    return intake.take(Inbound("api", "customer.signed_up", "evt_signup", signup()["data"])).customer


def happened(intake: Intake, number: int) -> None:
    intake.take(Inbound("api", "api.connected", f"evt_{number}", {"customer": "acme"}))


def waiting(db: Database, customer: str) -> int:
    with db.read() as c:
        return len(inbox.undelivered(c, customer))


def milestone(db: Database, customer: str, press: str = "p1") -> Press:
    with db.read() as c:
        mara = team.teammate(c, "mara")
    assert mara is not None
    return Press("dashboard", press, customer, mara, MilestoneTicked("technical_setup", "mara"))


async def test_the_first_row_starts_the_workflow_and_the_others_follow_in_order(
    intake: Intake, deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    for number in range(5):
        happened(intake, number)
    await deliverer.deliver(acme)
    start = temporal.started[workflow_id(acme)]
    assert start["customer"] == acme
    assert start["first"][0]["seq"] == 1
    assert start["first"][0]["event"]["kind"] == "signed_up"
    assert start["spread"] is True
    assert [delivery["seq"] for _, delivery in temporal.signals] == [2, 3, 4, 5, 6]
    assert waiting(db, acme) == 0


async def test_a_workflow_that_exists_is_signalled_and_not_started_again(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    temporal.started[workflow_id(acme)] = {"first": []}
    await deliverer.deliver(acme)
    assert temporal.started[workflow_id(acme)] == {"first": []}
    assert [delivery["seq"] for _, delivery in temporal.signals] == [1]
    assert waiting(db, acme) == 0


async def test_rows_wait_while_temporal_is_away_and_arrive_once_when_it_is_back(
    intake: Intake, deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    temporal.away = True
    for number in range(3):
        happened(intake, number)
        with pytest.raises(TemporalAwayError):
            await deliverer.deliver(acme)
    with pytest.raises(TemporalAwayError):
        await deliverer.sweep()
    assert waiting(db, acme) == 4
    temporal.away = False
    assert await deliverer.sweep() == 1
    assert await deliverer.sweep() == 0
    assert [delivery["seq"] for _, delivery in temporal.signals] == [2, 3, 4]


async def test_a_workflow_that_is_gone_is_not_started_again_and_its_row_shows_why(
    intake: Intake, deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    await deliverer.deliver(acme)
    temporal.gone.add(workflow_id(acme))
    happened(intake, 1)
    await deliverer.deliver(acme)
    assert len(temporal.started) == 1
    assert temporal.signals == []
    with db.read() as c:
        error, attempts = c.execute(text("SELECT error, attempts FROM inbox WHERE seq = 2")).one()
    assert "closed" in error
    assert attempts == 1
    assert await deliverer.sweep() == 0, "a customer that fails rests"


async def test_two_deliverers_never_serve_one_customer_at_once(
    intake: Intake, db: Database, temporal: Temporal, acme: str
) -> None:
    for number in range(20):
        happened(intake, number)
    deliverers = [Deliverer(db, Connection(temporal.factory)) for _ in range(4)]
    await asyncio.gather(*(one.deliver(acme) for one in deliverers))
    assert [delivery["seq"] for _, delivery in temporal.signals] == list(range(2, 22))
    assert len(temporal.started) == 1


async def test_an_answer_is_an_update_and_its_reply_is_kept(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    temporal.reply = {"result": "done", "text": "Technical setup complete: reached, says mara, and by mara."}
    answers = Answers(db, Lifecycles(), deliverer)
    reply = await answers.give(milestone(db, acme))
    assert reply.text.endswith("by Mara Lindqvist.")
    again = await answers.give(milestone(db, acme))
    assert again == reply
    assert [(update, delivery["seq"]) for _, update, delivery in temporal.updates] == [("dashboard:p1", 2)]
    with db.read() as c:
        assert inbox.reply_to(c, "dashboard", "p1") == temporal.reply


async def test_an_answer_whose_outcome_was_lost_is_repeated_under_the_same_id(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    temporal.lose_answers = 1
    answers = Answers(db, Lifecycles(), deliverer)
    assert await answers.record(milestone(db, acme)) is None
    with pytest.raises(TemporalAwayError):
        await deliverer.deliver(acme)
    await deliverer.deliver(acme)
    assert [update for _, update, _ in temporal.updates] == ["dashboard:p1", "dashboard:p1"]
    assert waiting(db, acme) == 0


async def test_an_answer_while_temporal_is_away_is_recorded_and_said_so(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.deliver.ANSWER_WITHIN", ON_SHORT)
    temporal.away = True
    answers = Answers(db, Lifecycles(), deliverer)
    assert await answers.give(milestone(db, acme)) == ON_ITS_WAY
    temporal.away = False
    assert await deliverer.sweep() == 1
    assert (await answers.give(milestone(db, acme))).result == "approved"


async def test_an_answer_to_a_closed_workflow_is_told(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    await deliverer.deliver(acme)
    temporal.gone.add(workflow_id(acme))
    reply = await Answers(db, Lifecycles(), deliverer).give(milestone(db, acme))
    assert reply.result == "unknown"
    assert "closed" in reply.text


async def test_a_hold_counts_before_the_workflow_hears_of_it(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str
) -> None:
    temporal.away = True
    press = milestone(db, acme)
    held = Press("dashboard", "p2", acme, press.by, HoldPlaced("mara", "incident"))
    assert await Answers(db, Lifecycles(), deliverer).record(held) is None
    with db.read() as c:
        hold = ledger.hold_on(c, acme)
    assert hold is not None
    assert hold.reason == "on hold: incident"


async def test_a_task_is_ticked_when_the_core_says_so(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str, raise_task: Callable[[str], str]
) -> None:
    task = raise_task(acme)
    temporal.reply = {"result": "not_yours", "text": "Only a teammate of this customer can tick this task."}
    answers = Answers(db, Lifecycles(), deliverer)
    mara = milestone(db, acme).by
    await answers.give(Press("dashboard", "p1", acme, mara, TaskTicked(task, "mara")))
    with db.read() as c:
        assert projections.task(c, task).ticked_at is None  # type: ignore[union-attr] # it was just raised
    temporal.reply = {"result": "done", "text": "Ticked."}
    await answers.give(Press("dashboard", "p2", acme, mara, TaskTicked(task, "mara")))
    with db.read() as c:
        assert projections.task(c, task).ticked_by == "mara"  # type: ignore[union-attr] # see above


async def test_no_payload_holds_a_name_or_an_address(
    intake: Intake, deliverer: Deliverer, temporal: Temporal, acme: str
) -> None:
    person = {"email": "bo@acme.example.com", "name": "Bo Diddley", "roles": ["admin"]}
    intake.take(Inbound("api", "contact.added", "evt_2", {"customer": "acme", "contact": person}))
    await deliverer.deliver(acme)
    said = json.dumps([temporal.started, temporal.signals])
    personal = ("ada@", "Ada", "example.com", "bo@", "Bo", "Acme")  # not "ada", which ids in hex may spell
    assert not [word for word in personal if word in said]


BUSY = RPCError("too many updates", RPCStatusCode.RESOURCE_EXHAUSTED, b"")


@pytest.mark.parametrize("trouble", [BUSY, ValueError("unforeseen")], ids=["busy", "unforeseen"])
async def test_one_customers_trouble_keeps_no_other_waiting(
    deliverer: Deliverer, intake: Intake, temporal: Temporal, db: Database, acme: str, signup: Any, trouble: Exception
) -> None:
    globex = intake.take(Inbound("api", "customer.signed_up", "evt_2", signup(id="globex")["data"])).customer
    await deliverer.sweep()
    temporal.broken[workflow_id(acme)] = trouble
    happened(intake, 3)
    intake.take(Inbound("api", "api.connected", "evt_4", {"customer": "globex"}))
    assert await deliverer.sweep() == 2
    assert (waiting(db, acme), waiting(db, globex)) == (1, 0)
    assert await deliverer.sweep() == 0
    temporal.broken.clear()
    await deliverer.deliver(acme)
    assert waiting(db, acme) == 0


async def test_the_poller_outlives_an_absent_temporal(
    deliverer: Deliverer, temporal: Temporal, db: Database, acme: str, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.deliver.POLL_EVERY", 0.01)
    temporal.away = True
    poller = asyncio.create_task(deliverer.run())
    await until(lambda: temporal.connects >= 3)
    temporal.away = False
    await until(lambda: not waiting(db, acme))
    poller.cancel()
    await asyncio.gather(poller, return_exceptions=True)
    assert list(temporal.started) == [workflow_id(acme)]
