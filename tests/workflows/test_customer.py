"""The customer workflow on real servers: nothing lost, nothing twice, whatever happens to runs, workers, providers and
releases.
"""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.service import RPCError

from lifecycle.actions import Email, Length, Slack, When
from lifecycle.messages import ApprovalAnswered, Churned, Event, FactsReported, Happened, HoldPlaced
from lifecycle.playbook import Approval, Lifecycle, Playbook, Step, Trigger
from workflows import interface

pytestmark = pytest.mark.anyio


def question() -> Playbook:
    """A play per event `ask`: one message that a CSM approves."""
    step = Step("message", Slack(("csm",), "note"), approval=Approval("csm", Length(5, "business_days")))
    return Playbook("question", "", "csm", (Trigger(event="ask"),), (step,), "question.yaml", reentry="again")


def press(number: int, name: str = "") -> ApprovalAnswered:
    return ApprovalAnswered(f"question/{number}/message", "mara", "approve", name or f"press-{number}")


async def runs(rig: Any, customer: str = "cus_1") -> list[Any]:
    query = f"WorkflowId = '{interface.workflow_id(customer)}'"
    for _ in range(200):
        found = [run async for run in rig.client.list_workflows(query)]
        if sum(run.status.name == "RUNNING" for run in found) == 1:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("visibility did not catch up")


async def insist(rig: Any, event: Event) -> dict[str, Any]:
    """An answer as the gateway delivers it: sent again with the same id when a run ends under it."""
    handle = rig.client.get_workflow_handle(interface.workflow_id("cus_1"))
    delivery = rig.delivery(event)
    for _ in range(20):
        with contextlib.suppress(RPCError):
            reply: dict[str, Any] = await handle.execute_update(interface.ANSWER, delivery, id=f"a-{delivery['seq']}")
            return reply
    raise AssertionError("the answer was refused 20 times")


@pytest.mark.parametrize("many", [pytest.param(30, id="30"), pytest.param(150, id="150", marks=pytest.mark.nightly)])
async def test_many_events_and_answers_across_many_runs_are_each_accounted_for(
    local: Any, life: Lifecycle, many: int
) -> None:
    async with local((question(),), life) as rig, rig.worker():
        handle = await rig.sign_up()
        replies = []
        for number in range(1, many + 1):
            await rig.tell(Happened("ask"))
            replies.append(await rig.ask(press(number)))
        told = [rig.tell(FactsReported({"usage.logins": number})) for number in range(10)]
        asked = [insist(rig, HoldPlaced("mara", f"reason {number}")) for number in range(10)]
        burst = await asyncio.gather(*told, *asked)
        state = await rig.state()
        found = await runs(rig)
        for run in found:
            history = await rig.client.get_workflow_handle(handle.id, run_id=run.run_id).fetch_history()
            assert len(history.events) <= 200
            assert sum(event.ByteSize() for event in history.events) <= 24 * 1024
    assert [reply["result"] for reply in replies] == ["approved"] * many
    assert state["counters"] == {"question": many}
    assert [reply["result"] for reply in burst if reply] == ["done"] * 10
    assert state["seq"] == 2 * many + 21
    assert len(found) >= many // 5
    sends = [touch for touch in rig.world.touches if "/send/" in touch]
    assert sorted(sends) == sorted(f"cus_1/question/{number}/message/1/send/mara" for number in range(1, many + 1))
    approvals = [item for item in rig.world.decisions if item.what == "approval" and item.verdict == "fired"]
    assert len(approvals) == many


async def test_a_press_retried_in_the_next_run_is_answered_and_acts_once(local: Any, life: Lifecycle) -> None:
    async with local((question(),), life) as rig, rig.worker():
        handle = await rig.sign_up()
        await rig.tell(Happened("ask"))
        delivery = rig.delivery(press(1))
        first = await handle.execute_update(interface.ANSWER, delivery, id="press-1")
        for _ in range(200):
            if len(found := await runs(rig)) > 1:
                break
        assert len(found) > 1, "the press is retried in a second run"
        again = await handle.execute_update(interface.ANSWER, delivery, id="press-1")
        other = await rig.ask(press(1, "press-by-another"))
    assert (first["result"], again["result"], other["result"]) == ("approved", "approved", "already")
    assert len([touch for touch in rig.world.touches if "/send/" in touch]) == 1


async def test_an_event_told_twice_counts_once(skipping: Any, life: Lifecycle) -> None:
    async with skipping((question(),), life) as rig, rig.worker():
        handle = await rig.sign_up()
        delivery = rig.delivery(Happened("ask"))
        for _ in range(3):
            await handle.signal(interface.EVENT, delivery)
        state = await handle.query(interface.STATE)
    assert state["counters"] == {"question": 1}


async def test_a_missing_release_holds_the_customer_up_and_loses_nothing(skipping: Any, life: Lifecycle) -> None:
    async with skipping((question(),), life) as rig:
        kept = dict(rig.shelf)
        rig.shelf.clear()
        async with rig.worker():
            handle = await rig.sign_up()
            await rig.tell(Happened("ask"))
            for _ in range(200):
                description = (await handle.describe()).raw_description
                if description.pending_workflow_task.attempt > 1:
                    break
                await asyncio.sleep(0.02)
            assert description.workflow_execution_info.status == 1, "running: the task failed, not the workflow"
            rig.shelf.update(kept)
            state = None
            for _ in range(10):
                await rig.env.sleep(timedelta(seconds=30))
                state = await handle.query(interface.STATE)
                if state["counters"]:
                    break
    assert state is not None
    assert state["counters"] == {"question": 1}


async def test_a_provider_that_asks_for_patience_gets_the_same_touch_later(
    skipping: Any, onboard_14: Playbook, life: Lifecycle
) -> None:
    touch = "cus_1/onboard-14/1/step-3/1/send/mara"
    async with skipping((onboard_14,), life) as rig, rig.worker():
        rig.world.says(touch, "later", retry_in=3600)
        rig.world.says(touch, "later", retry_in=7200)
        await rig.sign_up()
        await rig.env.sleep(timedelta(days=30))
    assert rig.world.touches.count(touch) == 3
    assert len(set(rig.world.touches)) == 14


async def test_an_unknown_outcome_is_asked_about_after_24_hours_and_then_reaches_a_person(
    skipping: Any, onboard_14: Playbook, life: Lifecycle
) -> None:
    touch = "cus_1/onboard-14/1/step-3/1/send/mara"
    async with skipping((onboard_14,), life) as rig, rig.worker():
        rig.world.says(touch, "unknown")
        rig.world.says(touch, "failed")
        await rig.sign_up()
        await rig.env.sleep(timedelta(days=30))
    assert rig.world.touches.count(touch) == 2
    assert "cus_1/onboard-14/1/step-3/1/task-failed-send-mara/mara" in rig.world.touches


async def test_the_loop_goes_on_while_a_batch_is_out(skipping: Any, onboard_14: Playbook, life: Lifecycle) -> None:
    async with skipping((onboard_14, question()), life) as rig, rig.worker():
        await rig.sign_up()
        await rig.tell(Happened("ask"))
        await rig.tell(FactsReported({"usage.logins": 3}))
        await rig.state()  # nobody presses what was not asked yet
        reply = await rig.ask(press(1))
    assert reply["result"] == "approved"


async def test_an_answer_of_the_wrong_shape_is_refused_before_it_costs_an_event(
    skipping: Any, onboard_14: Playbook, life: Lifecycle
) -> None:
    async with skipping((onboard_14,), life) as rig, rig.worker():
        handle = await rig.sign_up()
        short: dict[str, Any] = {"kind": "task_ticked", "task": "cus_1/a/1/b/1/task/mara"}
        events: list[Any] = [{}, {"kind": "x" * 10_000}, {"kind": "odd"}, "task_ticked", None, short]
        for wrong in (
            {"seq": "two", "event": {**short, "by": "mara"}},
            *({"seq": 2, "event": item} for item in events),
        ):
            with pytest.raises(Exception, match="Workflow update failed"):
                await handle.execute_update(interface.ANSWER, wrong)
        assert (await handle.query(interface.STATE))["seq"] == 1


async def test_a_step_with_a_day_is_due_at_that_instant_of_the_customers_time(skipping: Any, life: Lifecycle) -> None:
    step = Step("note", Slack(("csm",), "note"), When(day=27))
    book = Playbook("notes", "", "csm", (Trigger(event="customer.signed_up"),), (step,), "notes.yaml", anchor="signup")
    async with skipping((book,), life) as rig, rig.worker():
        await rig.sign_up()
        await rig.env.sleep(timedelta(days=40))
    decided = [item for item in rig.world.decisions if item.step == "note"]
    assert [item.at for item in decided] == [datetime(2026, 3, 29, 7, tzinfo=UTC)], "09:00 in Berlin, summer time"


async def test_a_mail_that_waits_for_a_batch_is_not_sent_once_its_play_was_left(skipping: Any, life: Lifecycle) -> None:
    mail = Step("mail", Email(("champion",), "note"), When(at="10:00"))
    book = Playbook(
        "mails", "", "csm", (Trigger(event="ask"),), (mail, Step("end", Slack(("csm",), "note"), When(day=9))), "m"
    )
    hello = Step("hello", Slack(("csm",), "note"))
    first = Playbook("first", "", "csm", (Trigger(event="customer.signed_up"),), (hello,), "first.yaml")
    async with skipping((book, first), life) as rig, rig.worker():
        rig.world.free = asyncio.Event()
        await rig.sign_up()
        await rig.state()  # else the mail may go out with what the signup sends
        await rig.tell(Happened("ask"))
        assert (await rig.state())["touched"], "the mail waits for the batch that is out"
        await rig.tell(Churned())
        for _ in range(100):  # what was left is settled in a step of its own, after the one that was told
            if "touched" not in (state := await rig.state()):
                break
        assert "touched" not in state, "and counts for no cap any more"
        rig.world.free.set()
        await rig.env.sleep(timedelta(days=3))
    assert rig.world.touches == ["cus_1/first/1/hello/1/send/mara"]
    said = [item.reason for item in rig.world.decisions if (item.step, item.verdict) == ("mail", "cancelled")]
    assert said == ["its play was left before it went"]
