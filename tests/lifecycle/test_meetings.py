"""Meetings that move and meetings that are called off: who is told, of which time, and when nothing can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifecycle.actions import CancelMeeting, Reschedule, When
from lifecycle.commands import CancelInvite, SendInvite
from lifecycle.messages import (
    ApprovalAnswered,
    Churned,
    ContactChanged,
    ContactLeft,
    ContactSuppressed,
    Effect,
    HoldPlaced,
    MeetingAnswered,
)
from lifecycle.model import Contact
from lifecycle.playbook import Playbook, Step

if TYPE_CHECKING:
    from typing import Any

    from tests.lifecycle.conftest import Given, Story

MOVE = Reschedule("kickoff", 5, "09:00", "12:00")
MOVED = ("send_invite kickoff ada", "send_invite kickoff mara")


def moving(given: Given, when: When, action: Reschedule | CancelMeeting = MOVE, **fields: Any) -> Playbook:
    """A meeting on Thursday 5 March, its invitation on Tuesday, and what becomes of it; a play that goes on."""
    return given.book(given.invite("kickoff"), Step("change", action, when, **fields), given.slack("end", When(day=20)))


def invited(story: Story) -> list[SendInvite]:
    return [item for item in story.commands if isinstance(item, SendInvite)]


def test_a_meeting_moves_with_its_uid_and_the_next_sequence(given: Given) -> None:
    story = given(moving(given, When(day=2))).when(at="2026-03-03 09:00").then(*MOVED)
    first = invited(story)
    story.when(at="2026-03-04 09:00").then(*MOVED).decided("fired reschedule change", "kickoff moves to 2026-03-09")
    assert [item.moves for item in (*first, *invited(story))] == [0, 0, 1, 1]
    assert {item.meeting for item in (*first, *invited(story))} == {"c1/play/1/kickoff/1/send"}
    assert [item.touch for item in invited(story)] == ["c1/play/1/change/1/send/ada", "c1/play/1/change/1/send/mara"]
    assert {(item.opens, item.closes) for item in invited(story)} == {
        (given.instant("2026-03-09 09:00"), given.instant("2026-03-09 12:00"))
    }


def test_a_meeting_that_moved_is_taken_back_until_its_new_hours_are_over(given: Given) -> None:
    story = given(moving(given, When(day=2))).when(at="2026-03-04 09:00")
    story.when(Churned(), at="2026-03-06 09:00").then("cancel_invite kickoff ada", "cancel_invite kickoff mara")
    story = given(moving(given, When(day=2))).when(at="2026-03-04 09:00")
    story.when(Churned(), at="2026-03-09 12:00").then()


def test_each_move_has_a_number_of_its_own(given: Given) -> None:
    again = Step("again", Reschedule("kickoff", 9, "09:00", "12:00"), When(day=3))
    book = given.book(given.invite("kickoff"), Step("change", MOVE, When(day=2)), again)
    story = given(book).when(at="2026-03-05 09:00")
    numbers = [item.moves for item in story.issued if isinstance(item, SendInvite)]
    assert numbers == [0, 0, 1, 1, 2, 2]


def test_a_meeting_that_is_called_off_is_taken_back_once(given: Given) -> None:
    story = given(moving(given, When(day=2), CancelMeeting("kickoff", "no need"))).when(at="2026-03-03 09:00")
    story.when(at="2026-03-04 09:00")
    story.then("cancel_invite kickoff ada", "cancel_invite kickoff mara").decided("fired cancel change")
    story.decided("cancelled invite kickoff", "no need")
    assert {item.reason for item in story.commands if isinstance(item, CancelInvite)} == {"no need"}
    story.when(Churned(), at="2026-03-04 10:00").then()


def test_the_answer_to_a_meeting_that_was_called_off_comes_too_late(given: Given) -> None:
    story = given(moving(given, When(day=2), CancelMeeting("kickoff"))).when(at="2026-03-04 09:00")
    story.decided("cancelled invite kickoff", "called off")
    story.when(MeetingAnswered("play/1/kickoff", "declined"), at="2026-03-04 10:00").answered("too_late")


def test_what_has_not_gone_out_is_neither_moved_nor_called_off(given: Given) -> None:
    for action, kind in ((MOVE, "reschedule"), (CancelMeeting("kickoff"), "cancel")):
        book = given.book(given.invite("kickoff", When(day=2)), Step("change", action, When(day=1)))
        given(book).when(at="2026-03-03 09:00").decided(f"skipped {kind} change", "kickoff has not gone out")
        unsent = given.book(
            given.invite("kickoff", condition=given.get("setup.done")), Step("change", action, When(day=2))
        )
        given(unsent).when(at="2026-03-04 09:00").decided(f"skipped {kind} change", "kickoff has not gone out")
        story = given(moving(given, When(day=2), action))
        story.provider["kickoff"] = [Effect("", "failed", "no"), Effect("", "failed", "no")]
        story.when(at="2026-03-04 09:00").decided(f"skipped {kind} change", "its invitation reached no one")


def test_a_meeting_that_is_over_stays(given: Given) -> None:
    for action, kind in ((MOVE, "reschedule"), (CancelMeeting("kickoff"), "cancel")):
        story = given(moving(given, When(day=4), action)).when(at="2026-03-06 09:00")
        story.decided(f"skipped {kind} change", "the meeting of kickoff is over")
    story = given(moving(given, When(day=2, at="17:00"))).when(at="2026-03-03 10:00")
    story.when(MeetingAnswered("play/1/kickoff", "held", "mara"), at="2026-03-04 12:00")
    story.when(at="2026-03-04 17:00").decided("skipped reschedule change", "is over")


def test_a_meeting_that_is_cancelled_is_moved_no_more(given: Given) -> None:
    off = Step("off", CancelMeeting("kickoff"), When(day=2))
    book = given.book(given.invite("kickoff"), off, Step("change", MOVE, When(day=3)))
    given(book).when(at="2026-03-05 09:00").decided("skipped reschedule change", "kickoff was cancelled")


def test_a_meeting_to_which_nobody_came_may_be_moved_and_answered_again(given: Given) -> None:
    story = given(moving(given, When(day=4))).when(at="2026-03-03 09:00")
    story.when(MeetingAnswered("play/1/kickoff", "no_show", "mara"), at="2026-03-05 17:00").answered("done")
    story.when(at="2026-03-06 09:00").then(*MOVED)
    story.when(MeetingAnswered("play/1/kickoff", "no_show", "mara"), at="2026-03-09 13:00").answered("done")


def test_a_move_tells_those_who_know_and_are_still_there(given: Given) -> None:
    story = given(moving(given, When(day=2))).when(at="2026-03-03 09:00")
    story.when(ContactChanged(Contact("eve", ("champion",))), at="2026-03-03 10:00")
    story.when(ContactLeft("ada"), at="2026-03-03 11:00")
    story.when(at="2026-03-04 09:00").then("send_invite kickoff mara")


def test_a_move_leaves_out_who_asked_not_to_be_written_to(given: Given) -> None:
    story = given(moving(given, When(day=2))).when(at="2026-03-03 09:00")
    story.when(ContactSuppressed("ada", "unsubscribed"), at="2026-03-03 10:00")
    story.when(at="2026-03-04 09:00").decided("skipped reschedule change", "suppressed").then()


def test_a_contact_without_a_role_is_told_all_the_same(given: Given) -> None:
    story = given(moving(given, When(day=2))).when(at="2026-03-03 09:00")
    story.when(ContactChanged(Contact("ada", ())), at="2026-03-03 10:00")
    story.when(at="2026-03-04 09:00").then(*MOVED)


def test_a_teammate_who_has_no_role_any_more_is_not_told(given: Given) -> None:
    story = given(moving(given, When(day=2))).when(at="2026-03-03 09:00")
    story.state.team.clear()
    story.when(at="2026-03-04 09:00").then("send_invite kickoff ada")
    assert {item.organizer for item in invited(story)} == {""}


def test_a_move_takes_the_place_of_an_invitation_that_has_not_gone_yet(given: Given) -> None:
    story = given(moving(given, When(day=2)))
    story.provider["kickoff"] = [Effect("", "later", "429", given.instant("2026-03-04 12:00"))]
    story.when(at="2026-03-03 09:00").when(at="2026-03-04 09:00").then(
        "send_invite kickoff mara", "send_invite kickoff ada"
    )
    assert [item.moves for item in invited(story)] == [1, 1]
    assert story.state.retries == ()
    story.when(at="2026-03-04 13:00").then()
    story.when(Churned(), at="2026-03-04 14:00").then("cancel_invite kickoff mara", "cancel_invite kickoff ada")


def test_what_is_called_off_before_it_went_is_not_sent(given: Given) -> None:
    story = given(moving(given, When(day=2), CancelMeeting("kickoff")))
    later = Effect("", "later", "429", given.instant("2026-03-04 12:00"))
    story.provider["kickoff"] = [later, Effect("", "sent")]
    story.when(at="2026-03-03 09:00").when(at="2026-03-04 09:00").then("cancel_invite kickoff mara")
    story.when(at="2026-03-05 13:00").then()
    assert not any(progress.left for play in story.state.plays for progress in play.steps.values())


def test_a_move_keeps_windows_and_holds_as_an_invitation_does(given: Given) -> None:
    story = given(moving(given, When(day=2, at="07:00"))).when(at="2026-03-03 09:00").when(at="2026-03-04 07:00").then()
    story.decided("held reschedule change", "outside the send window").when(at="2026-03-04 09:00").then(*MOVED)
    story = given(moving(given, When(day=2))).when(at="2026-03-03 09:00")
    story.when(HoldPlaced("mara", "legal"), at="2026-03-03 10:00")
    story.when(at="2026-03-04 09:00").then().decided("held reschedule change", "on hold: legal")


def test_a_move_may_need_a_yes(given: Given) -> None:
    story = given(moving(given, When(day=2), approval=given.approval())).when(at="2026-03-03 09:00")
    story.when(at="2026-03-04 09:00")
    story.then("ask_approval change mara")
    (asked,) = story.commands
    assert getattr(asked, "recipients", ()) == ("ada", "mara")
    story.when(ApprovalAnswered("play/1/change", "mara", "approve", "p1"), at="2026-03-04 10:00")
    assert [item.moves for item in invited(story)] == [1, 1]


def test_a_moved_invitation_that_the_provider_put_off_is_the_same_again(given: Given) -> None:
    story = given(moving(given, When(day=2))).when(at="2026-03-03 09:00")
    story.provider["kickoff"] = [Effect("", "later", "429", given.instant("2026-03-04 12:00"))]
    story.when(at="2026-03-04 12:00").then(*MOVED, "send_invite kickoff ada")
    assert invited(story)[-1] == invited(story)[0]
