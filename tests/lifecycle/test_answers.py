"""Ticks, holds and what people may say about tasks and milestones; approvals have a file of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import When
from lifecycle.messages import HoldLifted, HoldPlaced, MilestoneTicked, TaskTicked

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given


def test_a_ticked_task_is_recorded_with_its_play(given: Given) -> None:
    story = given(given.book(given.task("plan"), given.slack("end", When(day=9))))
    story.when(TaskTicked("c1/play/1/plan/1/task/mara", "ivo"), at="2026-03-02 12:00").answered("done")
    story.decided("fired task plan", "done by ivo")
    story.when(TaskTicked("c1/play/1/plan/1/task/mara", "ivo", done=False), at="2026-03-02 13:00")
    story.decided("fired task plan", "reopened by ivo")


def test_a_task_of_a_play_that_ended_can_still_be_ticked(given: Given) -> None:
    story = given(given.book(given.task("plan")))
    story.when(TaskTicked("c1/play/1/plan/1/task/mara", "mara"), at="2026-03-02 12:00").answered("done")
    story.decided("fired task plan", "done by mara")


@pytest.mark.parametrize(
    ("task", "by", "result"),
    [
        pytest.param("c2/play/1/plan/1/task/mara", "mara", "unknown", id="another-customers"),
        pytest.param("c1/play", "mara", "unknown", id="no-task-at-all"),
        pytest.param("", "mara", "unknown", id="empty"),
        pytest.param("c1/play/1/plan/1/task/mara", "eve", "not_yours", id="a-stranger"),
    ],
)
def test_a_tick_that_does_not_count_is_answered(given: Given, task: str, by: str, result: str) -> None:
    story = given(given.book(given.task("plan"))).when(TaskTicked(task, by), at="2026-03-02 12:00").answered(result)
    assert [item.verdict for item in story.decisions] == ["skipped"]


def test_a_ticked_milestone_is_reached_until_the_tick_is_undone(given: Given) -> None:
    story = given().when(MilestoneTicked("roi", "mara"), at="2026-03-02 12:00").answered("done")
    story.decided("fired milestone roi", "reached, says mara")
    assert set(story.state.ticked) == {"roi"}
    story.when(MilestoneTicked("roi", "tom", done=False), at="2026-03-02 13:00")
    story.decided("fired milestone roi", "not reached, says tom")
    assert story.state.ticked == {}


@pytest.mark.parametrize(
    ("milestone", "by", "result"),
    [
        pytest.param("moon_landing", "mara", "unknown", id="no-such-milestone"),
        pytest.param("roi", "ivo", "not_yours", id="not-of-the-role"),
        pytest.param("kept", "mara", "not_yours", id="managers-only"),
        pytest.param("kept", "tom", "done", id="a-manager"),
    ],
)
def test_only_those_named_tick_a_milestone(given: Given, milestone: str, by: str, result: str) -> None:
    given().when(MilestoneTicked(milestone, by), at="2026-03-02 12:00").answered(result)


def test_a_hold_and_its_end_are_recorded(given: Given) -> None:
    story = given().when(HoldPlaced("mara", "invoice dispute"), at="2026-03-02 12:00").answered("done")
    story.decided("held hold hold", "placed by mara: invoice dispute")
    story.when(HoldLifted("tom"), at="2026-03-02 13:00").decided("fired hold hold", "lifted by tom")
    assert story.state.held == ""
