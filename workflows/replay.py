"""Does today's code decide what a recorded run decided: the same commands, with the same inputs and timers?

Temporal's own replay accepts a changed activity argument or timer length in silence, so a history is replayed through a
runner that looks at every command the workflow issues, and those are compared, decoded, with what was recorded. `up`
asks this of every open run before it starts, the tests of every golden history. Not imported by workflow code.
"""

import json
from collections.abc import Iterable
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from workflows.registry import RUNNER, WORKFLOWS

Issued = list[tuple[str, Any]]
"""Commands in order: "timer" with its length, "activity" or "next run" with its inputs."""


async def difference(history: WorkflowHistory) -> str:
    """What today's code would decide otherwise than this history, in one line without personal data; empty: nothing.

    `releases.use` must have been called.
    """
    issued, failure = await _replayed(history)
    if failure:
        return str(failure)[:200]
    written = recorded(history)
    for number, (then, now) in enumerate(zip(written, issued, strict=False), 1):
        if then != now:
            return f"command {number}: {_differing(then, now)}"
    # An open run may end in a task that nobody has done yet: what it decides now stands in no history, so more is fine.
    return f"{len(written) - len(issued)} recorded commands are missing" if len(issued) < len(written) else ""


async def issued_by(history: WorkflowHistory) -> Issued:
    """The commands that today's code issues on this history.

    Raises:
        Exception: whatever Temporal's replay has against it.
    """
    issued, failure = await _replayed(history)
    if failure:
        raise failure
    return issued


def recorded(history: WorkflowHistory) -> Issued:
    """The timers, activity inputs and next-run inputs that stand in a history."""
    found: Issued = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            found.append(("timer", event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()))
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            found.append(("activity", _inputs(event.activity_task_scheduled_event_attributes.input.payloads)))
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
            next_run = event.workflow_execution_continued_as_new_event_attributes
            found.append(("next run", _inputs(next_run.input.payloads)))
    return found


class _Watched(WorkflowInstance):
    """A workflow instance whose commands are written down."""

    def __init__(self, inner: WorkflowInstance, issued: Issued) -> None:
        self.inner, self.issued = inner, issued

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self.inner.activate(act)
        for command in completion.successful.commands:
            if command.HasField("start_timer"):
                self.issued.append(("timer", command.start_timer.start_to_fire_timeout.ToTimedelta()))
            if command.HasField("schedule_activity"):
                self.issued.append(("activity", _inputs(command.schedule_activity.arguments)))
            if command.HasField("continue_as_new_workflow_execution"):
                self.issued.append(("next run", _inputs(command.continue_as_new_workflow_execution.arguments)))
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self.inner.get_serialization_context(command_info)

    def get_info(self) -> Any:
        return self.inner.get_info()

    def get_external_store_context(self, command_info: Any) -> Any:
        return self.inner.get_external_store_context(command_info)


class _Watching(WorkflowRunner):
    """The production runner, seen through `_Watched`."""

    def __init__(self) -> None:
        self.issued: Issued = []

    def prepare_workflow(self, defn: Any) -> None:
        RUNNER.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Watched(RUNNER.create_instance(det), self.issued)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        RUNNER.set_worker_level_failure_exception_types(types)


async def _replayed(history: WorkflowHistory) -> tuple[Issued, Exception | None]:
    watching = _Watching()
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=watching)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return watching.issued, result.replay_failure


def _inputs(payloads: Iterable[Payload]) -> list[Any]:
    return [json.loads(item.data) if item.data else None for item in payloads]


def _differing(then: tuple[str, Any], now: tuple[str, Any]) -> str:
    if then[0] != now[0]:
        return f"was {then[0]}, would be {now[0]}"
    return f"a timer of {then[1]} would be {now[1]}" if then[0] == "timer" else f"the input of the {then[0]} differs"
