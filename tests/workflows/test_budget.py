"""What a customer costs: exact counts of billable actions, events and bytes, from the histories themselves."""

import dataclasses
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import SandboxImportNotificationPolicy as Policy

from lifecycle.actions import Expr, Slack, Wait, When
from lifecycle.messages import FactsReported
from lifecycle.playbook import Lifecycle, Playbook, Step, Trigger
from workflows.registry import RUNNER

pytestmark = pytest.mark.anyio

BILLABLE = (
    "WORKFLOW_EXECUTION_STARTED",
    "TIMER_STARTED",
    "ACTIVITY_TASK_SCHEDULED",
    "WORKFLOW_EXECUTION_SIGNALED",
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
    "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
)


def kinds(history: WorkflowHistory) -> Counter[str]:
    return Counter(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events)


def actions(history: WorkflowHistory) -> int:
    """Billable actions of one run: the start (or the continue-as-new that began it), timers, activities, messages,
    upserts.
    """
    counted = kinds(history)
    return sum(counted[kind] for kind in BILLABLE)


async def first_run(rig: Any, handle: Any) -> WorkflowHistory:
    history: WorkflowHistory = await rig.client.get_workflow_handle(
        handle.id, run_id=handle.first_execution_run_id
    ).fetch_history()
    return history


async def test_onboard_14_costs_16_actions_and_at_most_90_events(
    skipping: Any, onboard_14: Playbook, life: Lifecycle
) -> None:
    async with skipping((onboard_14,), life) as rig, rig.worker():
        handle = await rig.sign_up()
        await rig.env.sleep(timedelta(days=25))
        history = await first_run(rig, handle)
    assert len([touch for touch in rig.world.touches if touch.startswith("cus_1/onboard-14/")]) == 14
    assert len(rig.world.batches) == 8
    assert actions(history) <= 16
    assert len(history.events) <= 90


async def test_24_facts_during_one_wait_cost_one_timer_and_no_activity(skipping: Any, life: Lifecycle) -> None:
    wait = Step(
        "wait", Wait(When(day=20), until=Expr("usage.logins > 99", (">", ("get", "usage.logins"), ("const", 99))))
    )
    last = Step("last", Slack(("csm",), "note"), under="wait", branch="then")
    book = Playbook("waits", "", "csm", (Trigger(event="customer.signed_up"),), (wait, last), "waits.yaml")
    async with skipping((book,), life) as rig, rig.worker():
        handle = await rig.sign_up()
        await rig.env.sleep(timedelta(days=2))
        before = kinds(await handle.fetch_history())
        for logins in range(24):
            await rig.tell(FactsReported({"usage.logins": logins}))
            await rig.env.sleep(timedelta(hours=1))
        after = kinds(await handle.fetch_history())
    assert after["WORKFLOW_EXECUTION_SIGNALED"] == 24
    assert after["TIMER_STARTED"] - before["TIMER_STARTED"] == 0
    assert after["ACTIVITY_TASK_SCHEDULED"] - before["ACTIVITY_TASK_SCHEDULED"] == 0
    assert before["TIMER_STARTED"] - before["TIMER_FIRED"] == 1


async def test_the_workflows_own_module_obeys_the_sandbox_and_imports_no_other_again(
    skipping: Any, onboard_14: Playbook, life: Lifecycle
) -> None:
    """Production passes the module through; here it is held to what the sandbox forbids."""
    shared = RUNNER.restrictions.passthrough_modules - {"workflows"} | {"workflows.interface", "workflows.releases"}
    strict = dataclasses.replace(
        RUNNER.restrictions,
        passthrough_modules=shared,
        import_notification_policy=Policy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH,
    )
    async with skipping((onboard_14,), life) as rig, rig.worker(workflow_runner=SandboxedWorkflowRunner(strict)):
        handle = await rig.sign_up()
        await rig.env.sleep(timedelta(days=2))
        assert (await handle.query("overview"))["plays"] == ["onboard-14/1"]
