"""Recorded histories replay, and replay into the same inputs and timers.

Temporal's own replay accepts a changed activity argument or timer length in silence, so each golden history is
replayed through a runner that looks at
every command the workflow issues, and those are compared, decoded, with what was recorded. Each golden file carries
its releases. Record one before a change to workflows or
core that touches running customers, with `python -m pytest tests/workflows/test_replay.py --record-histories`; never
record to make a red test green.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from lifecycle.jsonform import decode_union, encode
from lifecycle.messages import ApprovalAnswered, FactsReported, Happened
from lifecycle.playbook import Approval, Length, Lifecycle, Playbook, Release, Slack, Step, Trigger
from workflows import releases
from workflows.registry import RUNNER, WORKFLOWS

pytestmark = pytest.mark.anyio

HISTORIES = Path(__file__).parent / "histories"
Issued = list[tuple[str, Any]]


class Watched(WorkflowInstance):
    """A workflow instance whose commands are written down."""

    def __init__(self, inner: WorkflowInstance, issued: Issued) -> None:
        self.inner, self.issued = inner, issued

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self.inner.activate(act)
        for command in completion.successful.commands:
            if command.HasField("start_timer"):
                self.issued.append(("timer", command.start_timer.start_to_fire_timeout.ToTimedelta()))
            if command.HasField("schedule_activity"):
                arguments = [json.loads(item.data) for item in command.schedule_activity.arguments]
                self.issued.append(("activity", arguments))
            if command.HasField("continue_as_new_workflow_execution"):
                arguments = [json.loads(item.data) for item in command.continue_as_new_workflow_execution.arguments]
                self.issued.append(("next run", arguments))
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self.inner.get_serialization_context(command_info)

    def get_info(self) -> Any:
        return self.inner.get_info()

    def get_external_store_context(self, command_info: Any) -> Any:
        return self.inner.get_external_store_context(command_info)


class Watching(WorkflowRunner):
    """The production runner, seen through `Watched`."""

    def __init__(self) -> None:
        self.issued: Issued = []

    def prepare_workflow(self, defn: Any) -> None:
        RUNNER.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return Watched(RUNNER.create_instance(det), self.issued)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        RUNNER.set_worker_level_failure_exception_types(types)


def recorded(history: WorkflowHistory) -> Issued:
    """The timers, activity inputs and next-run inputs that stand in a history."""
    found: Issued = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            found.append(("timer", event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()))
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            payloads = event.activity_task_scheduled_event_attributes.input.payloads
            found.append(("activity", [json.loads(item.data) for item in payloads]))
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
            payloads = event.workflow_execution_continued_as_new_event_attributes.input.payloads
            found.append(("next run", [json.loads(item.data) for item in payloads]))
    return found


async def replay(history: WorkflowHistory, shelf: dict[str, Release]) -> Issued:
    releases.use(shelf.__getitem__)
    watching = Watching()
    await Replayer(workflows=WORKFLOWS, workflow_runner=watching).replay_workflow(history)
    return watching.issued


def load(path: Path) -> tuple[WorkflowHistory, dict[str, Release]]:
    data = json.loads(path.read_text())
    shelf = {name: decode_union(Release, release) for name, release in data["releases"].items()}
    return WorkflowHistory.from_json("customer/cus_1", data["history"]), shelf


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
async def test_a_recorded_history_replays_into_the_same_inputs_and_timers(path: Path) -> None:
    history, shelf = load(path)
    issued = await replay(history, shelf)
    assert issued == recorded(history)
    assert issued


async def test_a_core_that_decides_otherwise_is_noticed() -> None:
    """The proof that the comparison can fail: with a day more to answer, Temporal still replays the history; we do
    not.
    """
    history, shelf = load(HISTORIES / "first-run.json")
    digest, book = next(item for item in shelf.items() if isinstance(item[1], Playbook) and item[1].name == "story")
    assert isinstance(book, Playbook)
    patient = [replace(step, approval=approval(6) if step.approval else None) for step in book.steps]
    assert await replay(history, {**shelf, digest: replace(book, steps=tuple(patient))}) != recorded(history)


def approval(days: int) -> Approval:
    return Approval("csm", Length(days, "business_days"), remind=Length(1, "business_days"))


def story() -> Playbook:
    """A play with a bit of everything: a message, a question, a reminder."""
    steps = (
        Step("hello", Slack(("csm",), "note")),
        Step("question", Slack(("csm",), "note"), approval=approval(5), needs=("hello",)),
    )
    return Playbook("story", "", "csm", Trigger(event="ask"), steps, "story.yaml", reentry="again")


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Callable[[str, WorkflowHistory, dict[str, Release]], None]:
    """Writes a golden file, with `--record-histories` only."""
    wanted = request.config.getoption("--record-histories")

    def write(name: str, history: WorkflowHistory, shelf: dict[str, Release]) -> None:
        if wanted:
            data = {"releases": {key: encode(item) for key, item in shelf.items()}, "history": history.to_json_dict()}
            (HISTORIES / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")

    return write


async def test_a_history_made_now_replays_into_the_same_inputs_and_timers(
    skipping: Any, onboard_14: Playbook, life: Lifecycle, recording: Any
) -> None:
    async with skipping((onboard_14, story()), life) as rig, rig.worker():
        handle = await rig.sign_up()
        await rig.tell(Happened("ask"))
        await rig.env.sleep(timedelta(days=2))
        await rig.tell(FactsReported({"usage.logins": 3}))
        assert (await rig.ask(ApprovalAnswered("story/1/question", "mara", "approve", "p1")))["result"] == "approved"
        await rig.env.sleep(timedelta(days=25))
        first = rig.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        histories = {"first-run": await first.fetch_history(), "later-run": await handle.fetch_history()}
        for name, history in histories.items():
            recording(name, history, rig.shelf)
            assert await replay(history, rig.shelf) == recorded(history)
