"""What was agreed until a day: plays that count from a date of their event, tasks that are due on a day and belong to
whom a fact names, and the event that a tick is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lifecycle.actions import Length, Slack, Task, Wait, When
from lifecycle.messages import Happened, TaskTicked
from lifecycle.model import Value
from lifecycle.playbook import EventSpec, FactSpec, Playbook, Step, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

DUE = When(day=0, at="17:00")
ABOUT: dict[str, Value] = {
    "action.id": "a1",
    "action.owner": "implementation_specialist",
    "action.due_on": "2026-03-10",
}


def promise(given: Given, *, per: str = "action.id") -> Playbook:
    task = Task(("action.owner",), "Do it", Length(1, "business_days"), by=DUE)
    steps = (
        Step("promise", task),
        Step("kept", Wait(DUE, event="promise.done", since="entry"), needs=("promise",)),
        Step("late", Slack(("action.owner",), "late"), under="kept", branch="otherwise"),
    )
    trigger = Trigger(event="action.agreed")
    return given.book(*steps, trigger=trigger, anchor="action.due_on", reentry="again", per=per)


def begin(given: Given, **fields: Any) -> Story:
    told: dict[str, Any] = {"action.id": "text", "action.owner": "text", "action.due_on": "date"}
    facts: Any = {name: FactSpec(kind) for name, kind in told.items()}
    events = {"action.agreed": EventSpec(), "promise.done": EventSpec()}
    life = given.life(facts={**given.life().facts, **facts}, events={**given.life().events, **events})
    return given(promise(given, **fields), life=life)


def test_it_is_due_on_the_day_that_its_event_named_and_for_the_role_that_it_named(given: Given) -> None:
    story = begin(given).when(Happened("action.agreed", ABOUT), at="2026-03-03 10:00").then("raise_task promise ivo")
    (task,) = [item for item in story.commands if item.kind == "raise_task"]
    assert task.due_at == given.instant("2026-03-10 17:00")
    assert story.upcoming() == {"kept": "2026-03-10 17:00"}
    story.when(at="2026-03-10 17:00").then("post_slack late ivo")


def test_a_tick_is_an_event_about_what_the_play_is_about(given: Given) -> None:
    story = begin(given).when(Happened("action.agreed", ABOUT), at="2026-03-03 10:00")
    story.when(Happened("action.agreed", {**ABOUT, "action.id": "a2"}), at="2026-03-03 11:00")
    story.when(TaskTicked("c1/play/1/promise/1/task/ivo", "ivo"), at="2026-03-04 10:00").answered("done")
    assert [play.number for play in story.state.plays] == [2]
    story.when(at="2026-03-10 17:00").then("post_slack late ivo")


def test_a_tick_that_is_taken_back_or_of_a_task_of_the_engine_is_no_event(given: Given) -> None:
    story = begin(given, per="").when(Happened("action.agreed", ABOUT), at="2026-03-03 10:00")
    story.when(TaskTicked("c1/play/1/promise/1/task/ivo", "ivo", done=False), at="2026-03-04 10:00")
    story.when(TaskTicked("c1/play/1/promise/1/task-late/ivo", "ivo"), at="2026-03-04 10:00")
    assert "promise.done" not in story.state.seen
    story.when(TaskTicked("c1/play/1/promise/1/task/ivo", "ivo"), at="2026-03-04 10:00")
    assert "promise.done" in story.state.seen
    assert story.state.plays == ()
    story.when(TaskTicked("c1/play/1/promise/1/task/ivo", "ivo"), at="2026-03-05 10:00").answered("done")


@pytest.mark.parametrize(
    ("about", "task", "late"),
    [
        ({"action.id": "a1"}, "raise_task promise mara", "post_slack late mara"),
        ({**ABOUT, "action.due_on": "2026-03-01"}, "raise_task promise ivo", "post_slack late ivo"),
    ],
    ids=["nobody-says", "the-day-is-over"],
)
def test_what_is_not_known_is_the_owners_and_due_today_and_what_is_past_is_overdue(
    given: Given, about: dict[str, Any], task: str, late: str
) -> None:
    story = begin(given).when(Happened("action.agreed", about), at="2026-03-03 18:00")
    story.then(task, late)
