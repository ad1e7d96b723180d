"""Journeys besides the standard one: other stages, windows and owners, and milestones that are wanted by a day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lifecycle.engine import next_due
from lifecycle.messages import Churned, FactsReported, MilestoneTicked, ProfileChanged, StageSet
from lifecycle.model import Profile
from lifecycle.playbook import STANDARD, Course, Lifecycle, Milestone, StageSpec, Target, Trigger
from lifecycle.trace import place

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

ROI = MilestoneTicked("roi", "mara")
SETUP = "Technical setup was wanted by day 7. Help them get there, or agree a new day."


@pytest.fixture
def life(given: Given) -> Lifecycle:
    """A lifecycle with a journey of two stages: 30 days of onboarding, ended by `roi`, then expansion."""
    short = Course(
        "Short",
        (
            StageSpec("onboarding", "csm", 1, 30, given.get("milestones.roi"), ("implementation_specialist",)),
            StageSpec("expansion", "csm", 31),
        ),
        (Target("technical_setup", 7, "implementation_specialist"), Target("roi", 30, "csm"), Target("kept", 3)),
        ("own",),
        "playbooks/journeys/short.yaml",
    )
    plain = given.life()
    return replace(
        plain,
        journeys={"short": short},
        milestones={**plain.milestones, "own": Milestone("Of its own", ticked_by=("csm",))},
        places={**plain.places, "short/": 1, "short/onboarding": 5, "short/own": 9},
    )


@pytest.fixture
def story(given: Given, life: Lifecycle) -> Story:
    return given(life=life, journey="short")


def test_a_customer_signs_up_into_the_first_stage_of_its_journey(given: Given, life: Lifecycle) -> None:
    book = given.book(given.slack("hello"), trigger=Trigger(stage="onboarding"))
    story = given(book, life=life, journey="short").then("post_slack hello mara")
    story.decided("fired stage onboarding", "signed up")
    assert given(life=life).state.stage == "new"


def test_a_journey_that_no_file_has_is_the_standard_one(given: Given, life: Lifecycle) -> None:
    story = given(life=life, journey="gone").when(at="2026-03-17 00:00")
    assert (story.state.stage, story.state.overdue) == ("onboarding", True)
    assert life.course("gone") == life.course(STANDARD)


def test_windows_and_owners_are_those_of_the_journey(story: Story) -> None:
    story.when(at="2026-04-01 23:59")
    assert not story.state.overdue
    story.when(at="2026-04-02 00:00")
    missing = "Onboarding is overdue since day 30. Still missing: ROI documented."
    story.then(f"raise_task onboarding mara {missing + ' Help them get there, or move the customer on.'!r}")


def test_a_stage_that_the_journey_does_not_have_is_passed_by(story: Story) -> None:
    story.when(ROI, at="2026-03-10 12:00").when(at="2026-04-01 23:59")
    assert story.state.stage == "onboarding"
    story.when(at="2026-04-02 00:00").decided("fired stage expansion", "onboarding is done")


def test_nobody_can_be_moved_into_a_stage_that_the_journey_does_not_have(story: Story) -> None:
    story.when(StageSet("value", "mara", "why not"), at="2026-03-03 12:00").answered("unknown")
    assert story.state.stage == "onboarding"
    story.when(StageSet("expansion", "mara", "bought more"), at="2026-03-03 13:00").answered("done")
    assert story.state.stage == "expansion"


def test_a_milestone_that_is_missed_is_asked_of_its_owner_once(story: Story, given: Given) -> None:
    story.when(at="2026-03-09 23:59").then()
    story.when(at="2026-03-10 00:00").then(f"raise_task technical_setup ivo {SETUP!r}")
    story.decided("waiting milestone technical_setup", "wanted by day 7: not reached")
    assert [item.touch for item in story.commands] == ["c1/standard/0/technical_setup-wanted/1/task/ivo"]
    story.when(FactsReported({"usage.share": 0.1}), at=given.instant("2026-03-10 00:00")).then()
    story.when(at="2026-03-30 12:00").then()


def test_a_milestone_that_is_reached_in_time_is_asked_of_nobody_and_neither_when_it_is_lost_again(story: Story) -> None:
    story.when(FactsReported({"setup.api": True}), at="2026-03-05 12:00").when(at="2026-03-10 00:00").then()
    story.when(FactsReported({"setup.api": False}), at="2026-03-12 12:00").when(at="2026-03-20 12:00").then()


def test_a_milestone_without_an_owner_only_shows(story: Story) -> None:
    story.when(at="2026-03-06 00:00").then().decided("waiting milestone kept", "wanted by day 3")


def test_the_task_of_the_stage_is_enough_for_what_its_owner_is_asked_for_anyway(story: Story) -> None:
    story.when(at="2026-04-02 00:00")
    assert [item.step for item in story.commands if item.kind == "raise_task"] == ["technical_setup", "onboarding"]
    story.decided("waiting milestone roi", "wanted by day 30")


def test_another_owner_is_asked_as_well(given: Given, life: Lifecycle) -> None:
    course = life.journeys["short"]
    other = replace(course, targets=(Target("roi", 30, "implementation_specialist"),))
    story = given(life=replace(life, journeys={"short": other}), journey="short").when(at="2026-04-02 00:00")
    assert [(item.step, item.to) for item in story.commands] == [("onboarding", "mara"), ("roi", "ivo")]


def test_a_milestone_of_a_stage_without_criterion_is_asked_for(given: Given, life: Lifecycle) -> None:
    course = replace(
        life.journeys["short"], stages=(StageSpec("onboarding", "csm", 1),), targets=(Target("roi", 2, "csm"),)
    )
    story = given(life=replace(life, journeys={"short": course}), journey="short").when(at="2026-03-05 00:00")
    assert [item.step for item in story.commands] == ["roi"]


def test_who_has_left_is_asked_for_nothing(story: Story) -> None:
    story.when(Churned("closed"), at="2026-03-03 12:00").when(at="2026-04-10 00:00").then()
    due = next_due(story.library, replace(story.state, records=()))
    assert due is None


def test_the_standard_journey_may_want_milestones_too(given: Given) -> None:
    life = given.life(targets=(Target("roi", 2, "csm"),))
    story = given(life=life).when(at="2026-03-05 00:00")
    assert [item.step for item in story.commands] == ["roi"]


def test_another_journey_goes_on_from_the_stage_that_both_have(given: Given, story: Story) -> None:
    day = story.state.profile.signed_up_on
    story.when(ProfileChanged(Profile("Europe/Berlin", day)), at="2026-03-20 12:00")
    assert (story.state.stage, story.state.overdue) == ("onboarding", True)
    other = given(life=story.library.life).when(at="2026-03-02 12:00")
    assert other.state.stage == "new"
    other.when(ProfileChanged(Profile("Europe/Berlin", day, journey="short")), at="2026-03-02 13:00")
    other.decided("fired stage onboarding", "the journey short has no stage new")


def test_a_stage_after_which_the_new_journey_has_none_is_kept(given: Given, life: Lifecycle) -> None:
    story = given(life=life).when(StageSet("expansion", "mara", "x"), at="2026-03-03 12:00")
    course = Course("Only onboarding", (StageSpec("onboarding", "csm", 1),))
    story = given(life=replace(life, journeys={"first": course}))
    story.when(StageSet("expansion", "mara", "x"), at="2026-03-03 12:00")
    story.when(ProfileChanged(replace(story.state.profile, journey="first")), at="2026-03-04 12:00")
    assert story.state.stage == "expansion"


def test_reasons_point_into_the_file_of_the_journey(story: Story, given: Given, life: Lifecycle) -> None:
    (found,) = [item for item in story.decisions if item.what == "stage"]
    assert found.playbook == "short"
    assert place(story.library, found) == "playbooks/journeys/short.yaml:5"
    assert life.place("own", "short") == "playbooks/journeys/short.yaml:9"
    assert life.place("roi", "short") == "playbooks/lifecycle.yaml:1"
    (plain,) = [item for item in given(life=life).decisions if item.what == "stage"]
    assert (plain.playbook, place(story.library, plain)) == ("standard", "playbooks/lifecycle.yaml:1")


def test_the_stages_of_a_journey_end_with_those_of_who_left(life: Lifecycle) -> None:
    assert life.stages_of("short") == ("onboarding", "expansion", "churned", "win_back")
    assert life.stages_of() == ("new", "onboarding", "adoption", "value", "expansion", "churned", "win_back")
