"""A customer's team changes: what is open goes to whoever has the roles now. Row A8 of the domain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lifecycle.actions import Length, Reschedule, When
from lifecycle.commands import AskApproval, CancelInvite, HandOver, SendInvite, SettleApproval
from lifecycle.engine import begin, step
from lifecycle.handing import Change
from lifecycle.messages import (
    ApprovalAnswered,
    ContactSuppressed,
    Effect,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    Merged,
    SignedUp,
    TaskTicked,
)
from lifecycle.model import Profile, Teammate
from lifecycle.playbook import Rung, Step
from lifecycle.staffing import Booked, TeamChanged

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

BERLIN = "Europe/Berlin"
DANA = Teammate("dana", "America/New_York")
MARA = Teammate("mara", BERLIN)


def to_dana(change: str = "1", **fields: Any) -> TeamChanged:
    return TeamChanged(change, {"csm": DANA}, "a holiday", **fields)


@pytest.fixture
def busy(given: Given) -> Story:
    """On Tuesday at 10:00: a question that Mara is asked, a meeting on Thursday, and her task."""
    rule = given.approval(Length(22, "hours"), remind=Length(1, "business_hours"))
    book = given.book(
        given.invite("kickoff", When(day=0, at="11:00")),
        given.email("offer", When(day=2), approval=rule),
        given.task("call", When(day=0, at="11:30")),
        given.slack("end", When(day=20)),
    )
    return given(book).when(at="2026-03-03 11:00")


def test_all_that_is_open_goes_to_whoever_has_the_role_now(busy: Story) -> None:
    busy.when(to_dana(), at="2026-03-03 11:30").then(
        "settle_approval offer superseded",
        "ask_approval offer dana",
        "hand_over team dana",
        "send_invite kickoff ada",
        "send_invite kickoff dana",
        "cancel_invite kickoff mara",
    )
    busy.decided("fired team team", "a holiday: csm mara to dana")
    settled, asked, handed, invite, _, leave = busy.commands
    assert isinstance(settled, SettleApproval)
    assert isinstance(asked, AskApproval)
    assert isinstance(handed, HandOver)
    assert isinstance(invite, SendInvite)
    assert isinstance(leave, CancelInvite)
    assert (settled.to, settled.touch) == ("mara", "c1/play/1/offer/1/settle-1/mara")
    assert (asked.touch, asked.nth) == ("c1/play/1/offer/1/ask-1/dana", 0)
    assert (handed.touch, handed.roles) == ("c1/standard/0/team/1/hand-1/dana", {"csm": "mara"})
    assert (invite.meeting, invite.moves, invite.change) == ("c1/play/1/kickoff/1/send", 1, "1")
    assert (invite.organizer, invite.guests) == ("dana", ("ada", "dana"))
    assert (leave.touch, leave.change) == ("c1/play/1/kickoff/1/leave-1/mara", "1")


def test_the_new_one_has_the_whole_time_to_answer_and_is_reminded(busy: Story) -> None:
    busy.when(to_dana(), at="2026-03-03 11:30")
    (asked,) = [one for one in busy.commands if isinstance(one, AskApproval)]
    assert asked.answer_by.isoformat() == "2026-03-03T18:00:00+00:00"  # four hours of New York from 09:00 there
    busy.when(at="2026-03-03 16:00").then("ask_approval offer dana 1")
    (reminded,) = [one for one in busy.commands if isinstance(one, AskApproval)]
    assert reminded.touch == "c1/play/1/offer/1/remind-1-1/dana"


def test_who_handed_over_is_not_entitled_any_more_and_the_other_is(busy: Story) -> None:
    busy.when(to_dana(), at="2026-03-03 11:30")
    busy.when(ApprovalAnswered("play/1/offer", "mara", "approve", "p1"), at="2026-03-03 12:00").answered("not_yours")
    busy.when(TaskTicked("c1/play/1/call/1/task/mara", "mara"), at="2026-03-03 12:01").answered("not_yours")
    busy.when(TaskTicked("c1/play/1/call/1/task/mara", "dana"), at="2026-03-03 12:02").answered("done")
    busy.when(ApprovalAnswered("play/1/offer", "dana", "approve", "p2"), at="2026-03-03 12:03").answered("approved")


def test_it_goes_back_the_same_way_and_nothing_is_done_twice(busy: Story) -> None:
    for number, mate in enumerate((DANA, MARA, DANA, MARA), 1):
        busy.when(TeamChanged(str(number), {"csm": mate}), at=f"2026-03-03 11:3{number}")
        asked = [one.to for one in busy.commands if isinstance(one, AskApproval)]
        hosts = {(one.organizer, one.moves) for one in busy.commands if isinstance(one, SendInvite)}
        assert (asked, hosts) == ([mate.id], {(mate.id, number)})
    touches = [one.touch for one in busy.issued]
    assert len(touches) == len(set(touches))


def test_a_change_to_whom_it_is_already_changes_nothing(busy: Story) -> None:
    busy.when(TeamChanged("1", {"csm": MARA}), at="2026-03-03 11:30").then()
    busy.decided("skipped team team", "everybody has these roles already")


def test_only_the_rung_that_is_another_person_now_is_asked_again(given: Given) -> None:
    rule = given.approval(Length(22, "hours"), escalate=(Rung(Length(1, "business_hours"), "cs_manager"),))
    story = given(given.book(given.email("offer", When(day=2), approval=rule))).when(at="2026-03-03 13:00")
    story.when(TeamChanged("5", {"cs_manager": DANA}), at="2026-03-03 13:01").then(
        "settle_approval offer superseded", "ask_approval offer dana 1", "hand_over team dana"
    )
    asked = next(one for one in story.commands if isinstance(one, AskApproval))
    assert asked.touch == "c1/play/1/offer/1/remind-1-5/dana"
    story.when(ApprovalAnswered("play/1/offer", "tom", "approve", "p1"), at="2026-03-03 13:02").answered("not_yours")


def test_a_rung_that_is_asked_already_keeps_its_card_when_the_first_one_changes(given: Given) -> None:
    rule = given.approval(Length(22, "hours"), escalate=(Rung(Length(1, "business_hours"), "cs_manager"),))
    story = given(given.book(given.email("offer", When(day=2), approval=rule))).when(at="2026-03-03 13:00")
    story.when(TeamChanged("5", {"csm": Teammate("tom", BERLIN)}), at="2026-03-03 13:01").then(
        "settle_approval offer superseded", "ask_approval offer tom", "hand_over team tom"
    )


def test_a_card_that_could_not_be_posted_yet_goes_to_nobody_who_handed_over(given: Given) -> None:
    rule = given.approval(Length(22, "hours"))
    story = given(given.book(given.email("offer", When(day=2), approval=rule)))
    later = given.instant("2026-03-03 12:00")
    story.provider["offer"] = [Effect("", "later", "busy", later)]
    story.when(at="2026-03-03 11:00")
    story.when(to_dana(), at="2026-03-03 11:30")
    story.when(at="2026-03-03 12:01").then()


def test_what_waits_for_a_provider_goes_to_the_successor(given: Given) -> None:
    book = given.book(
        given.task("call", When(day=1)), given.slack("tell", When(day=1)), given.slack("end", When(day=9))
    )
    story = given(book)
    later = given.instant("2026-03-03 12:00")
    for name in ("call", "tell"):
        story.provider[name] = [Effect("", "later", "busy", later)]
    story.when(at="2026-03-03 11:00")
    story.when(TeamChanged("2", {"cs_manager": DANA}), at="2026-03-03 11:15")
    story.when(to_dana(), at="2026-03-03 11:30").then("hand_over team dana")
    story.when(at="2026-03-03 12:01").then("raise_task call dana", "post_slack tell dana")
    assert [one.touch for one in story.commands] == ["c1/play/1/call/1/task/mara", "c1/play/1/tell/1/send/mara"]


def test_work_of_the_lifecycle_that_waits_for_a_provider_goes_to_the_successor_too(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=90))))
    story.provider["onboarding"] = [Effect("", "later", "busy", given.instant("2026-03-20 09:00"))]
    story.when(at="2026-03-18 09:00")
    story.when(TeamChanged("1", {"implementation_specialist": DANA}), at="2026-03-18 10:00")
    story.when(at="2026-03-20 09:00")
    assert [(one.kind, one.step, one.to) for one in story.commands] == [("raise_task", "onboarding", "dana")]


def test_outside_the_hours_the_guests_hear_of_it_in_the_morning(busy: Story) -> None:
    busy.when(to_dana(), at="2026-03-03 22:00")
    assert not [one for one in busy.commands if isinstance(one, SendInvite)]
    busy.when(at="2026-03-04 08:01").then("send_invite kickoff ada", "send_invite kickoff dana")


def test_changed_again_before_the_guests_heard_they_hear_of_the_last_only(busy: Story) -> None:
    busy.when(to_dana("1"), at="2026-03-03 22:00")
    busy.when(TeamChanged("2", {"csm": Teammate("omar", BERLIN)}), at="2026-03-03 23:00")
    busy.when(at="2026-03-04 08:01").then("send_invite kickoff ada", "send_invite kickoff omar")
    assert {(one.organizer, one.change) for one in busy.commands if isinstance(one, SendInvite)} == {("omar", "2")}


def test_on_hold_the_guests_hear_of_it_later(busy: Story) -> None:
    busy.when(HoldPlaced("tom", "an outage"), at="2026-03-03 11:10")
    busy.when(to_dana(), at="2026-03-03 11:30")
    assert not [one for one in busy.commands if isinstance(one, SendInvite)]


def test_who_may_not_be_written_to_is_told_nothing(busy: Story) -> None:
    busy.when(ContactSuppressed("ada", "bounced"), at="2026-03-03 11:10")
    busy.when(to_dana(), at="2026-03-03 11:30")
    assert [one.to for one in busy.commands if isinstance(one, SendInvite)] == ["dana"]


def test_a_meeting_that_is_over_stays_as_it_was(busy: Story) -> None:
    busy.when(at="2026-03-05 15:00")
    busy.when(to_dana(), at="2026-03-05 16:00").then("hand_over team dana")


def test_a_meeting_that_was_held_stays_as_it_was(busy: Story) -> None:
    busy.when(MeetingAnswered("play/1/kickoff", "held", "mara"), at="2026-03-05 11:00")
    busy.when(to_dana(), at="2026-03-05 11:30").then("hand_over team dana")


def test_a_meeting_of_others_stays_as_it_was(busy: Story) -> None:
    busy.when(TeamChanged("1", {"implementation_specialist": DANA}), at="2026-03-03 11:30").then("hand_over team dana")


def test_a_later_move_counts_on_from_there(given: Given) -> None:
    move = Step("move", Reschedule("kickoff", 5, "09:00", "12:00"), When(day=2))
    story = given(given.book(given.invite("kickoff"), move, given.slack("end", When(day=20)))).when(
        at="2026-03-03 10:00"
    )
    story.when(to_dana(), at="2026-03-03 11:30")
    story.when(at="2026-03-04 09:00").then("send_invite kickoff ada", "send_invite kickoff dana")
    assert {one.moves for one in story.commands if isinstance(one, SendInvite)} == {2}
    story.when(TeamChanged("2", {"csm": MARA}), at="2026-03-04 10:00")
    assert {one.moves for one in story.commands if isinstance(one, SendInvite)} == {3}


def test_an_invitation_that_has_not_gone_is_made_by_the_new_one(given: Given) -> None:
    story = given(given.book(given.invite("kickoff"), given.slack("end", When(day=20))))
    later = given.instant("2026-03-03 15:00")
    story.provider["kickoff"] = [Effect("", "later", "busy", later)] * 2
    story.when(at="2026-03-03 09:00")
    story.when(to_dana(), at="2026-03-03 11:30")
    story.then("hand_over team dana", "send_invite kickoff ada", "send_invite kickoff dana")
    story.when(at="2026-03-03 15:01").then()


def test_who_had_none_of_the_roles_hands_on_nothing() -> None:
    change = Change({"csm": MARA}, {"csm": DANA}, {}, ("csm",))
    assert (change.successor("mara", ("champion",)), change.successor("eve", ("csm",))) == ("dana", "eve")


# --- meetings whose play has ended ------------------------------------------------------------------------------------


def booked(given: Given, **fields: Any) -> Booked:
    starts, ends = given.instant("2026-03-05 10:00"), given.instant("2026-03-05 11:00")
    return Booked("c1/short/1/kickoff/1/send", "r1", starts, ends, "dana", ("ada", "dana"), ("mara",), **fields)


def test_a_meeting_whose_play_has_ended_is_handed_on_as_the_store_knows_it(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(at="2026-03-03 10:00")
    story.when(to_dana(meetings=(booked(given, moves=2),)), at="2026-03-03 11:30").then(
        "hand_over team dana", "send_invite kickoff ada", "send_invite kickoff dana", "cancel_invite kickoff mara"
    )
    invite = next(one for one in story.commands if isinstance(one, SendInvite))
    assert (invite.release, invite.moves, invite.organizer) == ("r1", 3, "dana")
    assert invite.touch == "c1/short/1/kickoff/1/host-1/ada"
    story.decided("fired meeting kickoff", "held by dana now")


def test_by_night_its_guests_hear_of_the_last_change_in_the_morning(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(at="2026-03-03 10:00")
    story.when(to_dana("1", meetings=(booked(given),)), at="2026-03-03 22:00")
    omar = Booked(*("c1/short/1/kickoff/1/send", "r1"), *booked_hours(given), "omar", ("ada", "omar"), ("dana",))
    story.when(TeamChanged("2", {"csm": Teammate("omar", BERLIN)}, "", (omar,)), at="2026-03-03 23:00")
    story.when(at="2026-03-04 08:01").then("send_invite kickoff ada", "send_invite kickoff omar")
    assert {one.moves for one in story.commands if isinstance(one, SendInvite)} == {2}


def booked_hours(given: Given) -> tuple[Any, Any]:
    return given.instant("2026-03-05 10:00"), given.instant("2026-03-05 11:00")


def test_its_news_wait_for_a_provider_and_for_the_end_of_a_hold(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(at="2026-03-03 10:00")
    story.provider["kickoff"] = [Effect("", "later", "busy", given.instant("2026-03-03 12:00"))] * 2
    story.when(to_dana(meetings=(booked(given),)), at="2026-03-03 11:30")
    story.when(HoldPlaced("tom", "an outage"), at="2026-03-03 11:40")
    story.when(at="2026-03-03 13:00").then()
    story.when(HoldLifted("tom"), at="2026-03-03 14:00")
    story.then("send_invite kickoff ada", "send_invite kickoff dana")


def test_its_news_are_dropped_once_it_is_over(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(at="2026-03-03 10:00")
    story.provider["kickoff"] = [Effect("", "later", "busy", given.instant("2026-03-05 11:01"))] * 2
    story.when(to_dana(meetings=(booked(given),)), at="2026-03-03 11:30")
    story.when(at="2026-03-05 12:00").then()
    assert story.state.retries == ()


def test_its_news_are_dropped_once_a_guest_may_not_be_written_to(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(at="2026-03-03 10:00")
    story.when(to_dana(meetings=(booked(given),)), at="2026-03-03 22:00")
    story.when(ContactSuppressed("ada", "bounced"), at="2026-03-03 23:00")
    story.when(at="2026-03-04 08:01").then("send_invite kickoff dana")


def test_its_news_are_dropped_once_the_customer_is_merged(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(at="2026-03-03 10:00")
    story.when(to_dana(meetings=(booked(given),)), at="2026-03-03 22:00")
    story.when(Merged("c2"), at="2026-03-03 23:00")
    assert [(one.verdict, one.to) for one in story.decisions if one.what == "outcome"] == [
        ("cancelled", "ada"),
        ("cancelled", "dana"),
    ]
    story.when(at="2026-03-04 08:01").then()
    assert story.state.retries == ()


def test_one_that_is_over_or_of_a_merged_customer_is_left_alone(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(at="2026-03-05 12:00")
    story.when(to_dana(meetings=(booked(given),)), at="2026-03-05 12:01").then("hand_over team dana")
    merged = given(given.book(given.slack("end", When(day=20)))).when(Merged("c2"), at="2026-03-03 10:00")
    merged.when(to_dana(meetings=(booked(given),)), at="2026-03-03 12:01").then("hand_over team dana")


def test_a_meeting_that_the_play_still_knows_is_handed_on_once(busy: Story, given: Given) -> None:
    known = Booked("c1/play/1/kickoff/1/send", "r1", *booked_hours(given), "dana", ("ada", "dana"), ("mara",))
    busy.when(to_dana(meetings=(known,)), at="2026-03-03 11:30")
    assert len([one for one in busy.commands if isinstance(one, SendInvite)]) == 2


# --- roles that nobody had, and the reasons ---------------------------------------------------------------------------


def test_a_role_that_nobody_had_lets_what_was_held_go(given: Given) -> None:
    team = {"cs_manager": Teammate("tom", BERLIN)}
    life = given.life(roles={"csm": (), "cs_manager": ()})
    story = given(given.book(given.task("call", When(day=0, at="11:00"))), team=team, life=life)
    story.when(at="2026-03-02 11:00").decided("held task call", "nobody is csm")
    story.when(TeamChanged("1", {"csm": DANA}), at="2026-03-02 12:00").then("raise_task call dana")
    story.decided("fired team team", "handed over: csm nobody to dana")


def test_why_a_team_was_chosen_stands_in_the_trace(given: Given) -> None:
    now = given.instant("2026-03-02 10:00")
    library = given.library()
    catalogue = library.add(given.book(given.slack("end")))
    event = SignedUp(Profile(BERLIN, now.date()), assigned="csm mara: has 3 of 20-50 accounts")
    outcome = step(library, begin("c9", catalogue, event, now=now, spread=False), event, now=now)
    said = [item.reason for item in outcome.decisions if item.what == "team"]
    assert said == ["csm mara: has 3 of 20-50 accounts"]


def test_a_play_that_has_lost_a_step_is_handed_on_without_it(given: Given) -> None:
    steps = (given.email("welcome", When(day=0, at="11:00")), given.slack("end", When(day=20)))
    story = given(given.book(*steps)).when(at="2026-03-02 12:00")
    assert "welcome" in story.state.plays[0].steps
    story.when(replace(story.apply(given.book(steps[1])), move=("play",)), at="2026-03-02 12:30")
    story.when(to_dana(), at="2026-03-02 13:00").decided("fired team team", "a holiday: csm mara to dana")
