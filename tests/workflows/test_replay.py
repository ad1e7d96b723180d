"""Recorded histories replay, and replay into the same inputs and timers.

workflows/replay.py compares. Each golden file carries its releases. Record one before a change to workflows or core
that touches running customers, with `python -m pytest tests/workflows/test_replay.py --record-histories`; never record
to make a red test green.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory

from lifecycle.actions import Length, Slack
from lifecycle.jsonform import decode_union, encode
from lifecycle.messages import ApprovalAnswered, FactsReported, Happened
from lifecycle.playbook import Approval, Lifecycle, Playbook, Release, Step, Trigger
from workflows import releases
from workflows.replay import Issued, difference, issued_by, recorded

pytestmark = pytest.mark.anyio

HISTORIES = Path(__file__).parent / "histories"


async def replay(history: WorkflowHistory, shelf: dict[str, Release]) -> Issued:
    releases.use(shelf.__getitem__)
    return await issued_by(history)


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
    assert await difference(history) == ""


async def test_a_core_that_decides_otherwise_is_noticed() -> None:
    """The proof that the comparison can fail: with a day more to answer, Temporal still replays the history; we do
    not.
    """
    history, shelf = load(HISTORIES / "first-run.json")
    digest, book = next(item for item in shelf.items() if isinstance(item[1], Playbook) and item[1].name == "story")
    assert isinstance(book, Playbook)
    patient = [replace(step, approval=approval(6) if step.approval else None) for step in book.steps]
    assert await replay(history, {**shelf, digest: replace(book, steps=tuple(patient))}) != recorded(history)
    assert re.match(r"command \d+: a timer of .* would be |command \d+: the input of", await difference(history))


async def test_a_run_that_is_still_open_shows_no_difference_however_much_of_it_is_done() -> None:
    history, shelf = load(HISTORIES / "first-run.json")
    releases.use(shelf.__getitem__)
    started = [
        at for at, event in enumerate(history.events, 1) if event.HasField("workflow_task_started_event_attributes")
    ]
    for end in started[1:40:6]:
        assert await difference(WorkflowHistory(history.workflow_id, history.events[:end])) == ""


def approval(days: int) -> Approval:
    return Approval("csm", Length(days, "business_days"), remind=Length(1, "business_days"))


def story() -> Playbook:
    """A play with a bit of everything: a message, a question, a reminder."""
    steps = (
        Step("hello", Slack(("csm",), "note")),
        Step("question", Slack(("csm",), "note"), approval=approval(5), needs=("hello",)),
    )
    return Playbook("story", "", "csm", (Trigger(event="ask"),), steps, "story.yaml", reentry="again")


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
