"""Plays in flight whose steps come into a branch, a choice or a repeat with another release, or leave one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lifecycle.actions import Choose, Length, Repeat, When
from lifecycle.messages import (
    ApprovalAnswered,
    Happened,
)
from lifecycle.moving import preview
from lifecycle.playbook import Step
from tests.lifecycle.conftest import moved

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given

DAY = Length(1, "days")


def test_a_step_that_comes_into_a_branch_is_said_to_wait_for_it(given: Given) -> None:
    seen = given.wait("seen", When(day=9), given.get("setup.api"))
    first, tip, end = (given.task(name, When(day=day)) for name, day in (("first", 4), ("tip", 5), ("end", 9)))
    story = given(given.book(seen, first, tip, end)).when(at="2026-03-03 10:00")
    new = given.book(
        seen,
        replace(first, needs=("seen",)),
        replace(tip, under="seen", branch="then"),
        replace(end, when=When(after="tip")),
    )
    event = replace(story.apply(new), move=("play",))
    found = preview(story.library, story.state, event.digest, ("play",), "skip", now=story.state.as_of)
    said = {change.step: change.reason for change in found if change.what == "waits"}
    assert said == {
        "first": "it comes after seen",
        "tip": "it stands in a branch of seen, which is not open",
        "end": "it comes after tip",
    }
    moved(story, new, at="2026-03-03 11:00")
    story.when(at="2026-03-08 10:00").then()
    story.when(Happened("api.connected"), at="2026-03-08 11:00")
    story.then("raise_task first mara", "raise_task tip mara", "raise_task end mara")


def test_what_is_open_of_a_step_that_comes_into_a_branch_is_called_off_until_that_opens(given: Given) -> None:
    seen = given.wait("seen", When(day=9), given.get("setup.api"))
    rule = given.approval(Length(2, "days"))
    offer, end = given.email("offer", When(day=3), approval=rule), given.email("end", When(day=20))
    story = given(given.book(seen, offer, end)).when(at="2026-03-03 10:00")
    story.when(ApprovalAnswered("play/1/offer", "mara", "approve", "p1"), at="2026-03-03 10:30")
    assert story.status("offer") == "approved"
    changes = moved(story, given.book(seen, replace(offer, under="seen", branch="then"), end), at="2026-03-03 11:00")
    assert changes == [("", "moves"), ("offer", "waits")]
    story.decided("cancelled email offer", "the new release has it otherwise")
    story.when(at="2026-03-06 10:00").then()
    story.when(Happened("api.connected"), at="2026-03-06 11:00").then("ask_approval offer mara")
    press = ApprovalAnswered("play/1/offer.2", "mara", "approve", "p2")
    story.when(press, at="2026-03-06 12:00").then("settle_approval offer approved", "send_email offer ada")


def test_a_step_whose_branch_can_no_longer_open_is_said_to_be_gone(given: Given) -> None:
    seen = given.wait("seen", When(day=2), given.get("setup.api"))
    tip, end = given.email("tip", When(day=6)), given.email("end", When(day=20))
    story = given(given.book(seen, tip, end)).when(at="2026-03-05 10:00")
    changes = moved(story, given.book(seen, replace(tip, under="seen", branch="then"), end), at="2026-03-05 11:00")
    assert changes == [("", "moves"), ("tip", "removed")]
    story.when(at="2026-03-10 10:00").then()


def test_a_wait_that_the_new_release_ends_is_not_said_to_wait(given: Given) -> None:
    end = given.email("end", When(day=20))
    old, new = (
        given.book(given.wait("seen", When(day=9), given.get(name)), end) for name in ("setup.done", "setup.api")
    )
    story = given(old).when(Happened("api.connected"), at="2026-03-03 10:00")
    assert moved(story, new, at="2026-03-03 11:00") == [("", "moves")]
    assert story.status("seen") == "met"


def test_a_step_that_comes_out_of_a_branch_is_said_to_have_a_time(given: Given) -> None:
    seen = given.wait("seen", When(day=9), given.get("setup.api"))
    tip, end = given.email("tip", When(day=6)), given.email("end", When(day=20))
    other = given.wait("other", When(day=15), given.get("setup.done"))
    below = given.task("below", under="seen", branch="then")
    story = given(given.book(seen, replace(tip, under="seen", branch="then"), below, other, end))
    story.when(at="2026-03-05 10:00")
    new = given.book(seen, tip, replace(below, under="other"), other, end)
    assert moved(story, new, at="2026-03-05 11:00") == [("", "moves"), ("tip", "retimed"), ("below", "waits")]


def test_a_choice_keeps_the_way_it_took_wherever_that_stands_now(given: Given) -> None:
    ways = Choose((given.get("setup.done"), given.get("setup.api")))
    one = given.task("one", When(delay=DAY), under="path", branch="1")
    two = given.task("two", When(delay=DAY), under="path", branch="2")
    end = given.email("end", When(day=20))
    story = given(given.book(Step("path", ways, When(day=1)), one, two, end))
    story.when(Happened("api.connected"), at="2026-03-02 11:00").when(at="2026-03-03 10:00")
    turned = Choose(ways.ways[::-1])
    swapped = (replace(one, branch="2"), replace(two, branch="1"))
    moved(story, given.book(Step("path", turned, When(day=1)), *swapped, end), at="2026-03-03 11:00")
    story.when(at="2026-03-04 09:00").then("raise_task two mara")
    story = given(given.book(Step("path", ways, When(day=1)), one, two, end))
    story.when(Happened("api.connected"), at="2026-03-02 11:00").when(at="2026-03-03 10:00")
    moved(story, given.book(Step("path", turned, When(day=1)), swapped[0], end), at="2026-03-03 11:00")
    story.when(at="2026-03-05 09:00").then()


def test_a_step_that_leaves_a_repeat_is_not_taken_for_one_of_its_rounds(given: Given) -> None:
    repeat = Step("until", Repeat(DAY, given.get("setup.done"), 5), When(day=1))
    mail = given.slack("note", When(delay=Length(2, "hours")), under="until", branch="do")
    end = given.email("end", When(day=20))
    story = given(given.book(repeat, mail, end)).when(at="2026-03-04 10:00")
    out = given.slack("note", When(day=3))
    moved(story, given.book(repeat, out, end), at="2026-03-04 10:30")
    story.when(at="2026-03-05 09:00")
    assert len({command.touch for command in story.issued}) == len(story.issued)
    assert story.issued[-1].touch == "c1/play/1/note.2/1/send/mara"
