"""Approvals: asked ahead, reminded, escalated, answered by those entitled, expired, withdrawn, judged again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Length, When
from lifecycle.commands import AskApproval, SendEmail
from lifecycle.messages import ApprovalAnswered, Churned, Effect, FactsReported
from lifecycle.playbook import Approval, Rung, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

APPROVE = ApprovalAnswered("play/1/offer", "mara", "approve", "press-1")
REJECT = replace(APPROVE, answer="reject")


def asked(given: Given, approval: Approval | None = None) -> Story:
    """A story in which the offer of Tuesday 11:00 is about to be asked for."""
    return given(given.book(given.email("offer", When(day=1, at="11:00"), approval=approval or given.approval())))


def test_an_approval_is_asked_at_the_due_of_its_step(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00").then("ask_approval offer mara")
    story.decided("waiting approval offer", "without an answer by 2026-03-03 15:00 it is skipped")


def test_an_approval_is_asked_ahead_in_the_approvers_business_time(given: Given) -> None:
    story = asked(given, given.approval(Length(4, "business_hours")))
    story.when(at="2026-03-02 14:59").then()
    story.when(at="2026-03-02 15:00").then("ask_approval offer mara")
    (card,) = [command for command in story.commands if isinstance(command, AskApproval)]
    assert card.approval == "play/1/offer"
    assert card.step_due == given.instant("2026-03-03 11:00")
    assert card.answer_by == given.instant("2026-03-03 11:00")
    assert card.recipients == ("ada",)


def test_a_lead_time_is_clipped_to_the_plays_start(given: Given) -> None:
    asked(given, given.approval(Length(3, "days"))).then("ask_approval offer mara")


def test_an_approved_step_waits_for_its_due(given: Given) -> None:
    story = asked(given, given.approval(Length(1, "days"))).when(at="2026-03-02 11:00")
    story.when(APPROVE, at="2026-03-02 11:30").then("settle_approval offer approved").answered("approved")
    assert story.upcoming() == {"offer": "2026-03-03 11:00"}
    story.when(at="2026-03-03 11:00").then("send_email offer ada")


def test_a_step_approved_after_its_due_goes_at_once(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00")
    story.when(APPROVE, at="2026-03-03 12:00").then("settle_approval offer approved", "send_email offer ada")
    story.decided("fired approval offer", "approved by mara")


def test_an_edited_text_is_marked_on_its_way(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00").when(replace(APPROVE, edited=True), at="2026-03-03 12:00")
    assert [command.edited for command in story.commands if isinstance(command, SendEmail)] == [True]
    story.decided("fired approval offer", "edited")


def test_a_rejected_step_is_not_sent(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00")
    story.when(REJECT, at="2026-03-03 12:00").then("settle_approval offer rejected").answered("rejected")
    story.decided("skipped email offer", "rejected by mara")
    story.when(at="2026-03-09 12:00").then()


def test_what_changed_since_the_question_is_judged_again(given: Given) -> None:
    step = given.email("offer", approval=given.approval(), condition=given.compare("usage.share", "<", 0.5))
    story = given(given.book(step)).when(FactsReported({"usage.share": 0.1}), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").then("ask_approval offer mara")
    story.when(FactsReported({"usage.share": 0.9}), at="2026-03-03 09:30")
    story.when(APPROVE, at="2026-03-03 10:00").then("settle_approval offer approved")
    story.decided("skipped email offer", "approved, but no longer wanted: usage.share = 0.9, not < 0.5")


def test_silence_skips_the_step_and_raises_a_task_once(given: Given) -> None:
    story = (
        asked(given)
        .when(at="2026-03-03 15:00")
        .then(
            "ask_approval offer mara",
            "settle_approval offer expired",
            "raise_task offer mara "
            "'Approval expired unanswered: the email offer was not sent. Do it by hand, or leave it'",
        )
    )
    story.decided("skipped email offer", "nobody answered the approval in time")
    story.when(at="2026-03-09 12:00").then()


def test_silence_that_means_proceed_sends_the_step(given: Given) -> None:
    story = asked(given, given.approval(expired="proceed")).when(at="2026-03-03 15:00")
    story.then("ask_approval offer mara", "settle_approval offer expired", "send_email offer ada")
    story.decided("fired approval offer", "the playbook says proceed")


def test_silence_before_the_due_proceeds_at_the_due(given: Given) -> None:
    story = asked(given, given.approval(Length(1, "days"), "proceed"))
    story.when(at="2026-03-02 16:00").then("ask_approval offer mara", "settle_approval offer expired")
    story.when(at="2026-03-03 11:00").then("send_email offer ada")


def test_business_hours_of_an_answer_stop_at_night_and_over_the_weekend(given: Given) -> None:
    book = given.book(given.email("offer", When(day=4, at="15:00"), approval=given.approval()))
    story = given(book).when(at="2026-03-06 15:00")
    assert story.upcoming() == {"offer": "2026-03-09 11:00"}


def test_an_unanswered_card_is_reminded_and_escalated(given: Given) -> None:
    rungs = (Rung(Length(3, "business_hours"), "cs_manager"),)
    approval = given.approval(remind=Length(1, "business_hours"), escalate=rungs)
    story = asked(given, approval).when(at="2026-03-03 11:00").then("ask_approval offer mara")
    story.when(at="2026-03-03 12:00").then("ask_approval offer mara 1").decided("waiting approval offer", "reminded")
    story.when(at="2026-03-03 14:00").then("ask_approval offer tom 2").decided("waiting approval offer", "escalated")
    story.when(replace(APPROVE, by="tom"), at="2026-03-03 14:30").answered("approved")


def test_nudges_after_the_deadline_never_come(given: Given) -> None:
    approval = given.approval(remind=Length(6, "business_hours"))
    story = asked(given, approval).when(at="2026-03-04 17:00")
    assert [command.nth for command in story.issued if isinstance(command, AskApproval)] == [0]


def test_a_rung_that_nobody_holds_asks_nobody(given: Given) -> None:
    approval = given.approval(escalate=(Rung(Length(1, "business_hours"), "sales"),))
    asked(given, approval).when(at="2026-03-03 12:00").then("ask_approval offer mara")


def test_without_an_approver_the_step_is_skipped_and_said_so(given: Given) -> None:
    book = given.book(given.email("offer", approval=Approval("sales", Length(4, "hours"), Length(1, "hours"))))
    given(book).when(at="2026-03-03 09:00").then().decided("skipped email offer", "nobody is sales")


def test_a_second_press_is_answered_and_not_acted_on(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00").when(APPROVE, at="2026-03-03 12:00")
    story.when(replace(REJECT, by="tom", press="press-2"), at="2026-03-03 12:01").then().answered("already")
    story.decided("skipped answer offer", "Already approved by mara")


def test_the_same_press_told_twice_gets_the_same_answer(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00").when(APPROVE, at="2026-03-03 12:00")
    story.when(APPROVE, at="2026-03-03 12:00").then().answered("approved").undecided()


def test_a_press_by_someone_not_entitled_leaves_the_question_open(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00")
    story.when(replace(APPROVE, by="ivo"), at="2026-03-03 12:00").then().answered("not_yours")
    story.decided("skipped answer offer", "ivo may not answer this; csm may")
    story.when(APPROVE, at="2026-03-03 12:30").answered("approved")


def test_a_manager_may_answer_any_approval(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00")
    story.when(replace(APPROVE, by="tom"), at="2026-03-03 12:00").answered("approved")


def test_a_press_after_the_deadline_is_too_late(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 15:00")
    story.when(APPROVE, at="2026-03-03 15:01").then().answered("too_late")


def test_at_the_deadline_itself_the_clock_comes_first(given: Given) -> None:
    asked(given).when(APPROVE, at="2026-03-03 15:00").answered("too_late")


@pytest.mark.parametrize("name", ["", "play", "play/1/other", "play/9/offer", "play/1/offer"])
def test_a_press_for_what_was_never_asked_is_unknown(given: Given, name: str) -> None:
    asked(given).when(replace(APPROVE, approval=name), at="2026-03-02 12:00").then().answered("unknown")


def test_an_open_approval_is_withdrawn_when_its_play_exits(given: Given) -> None:
    story = asked(given).when(at="2026-03-03 11:00")
    story.when(Churned(), at="2026-03-03 12:00").then("settle_approval offer withdrawn")
    story.when(APPROVE, at="2026-03-03 12:01").then().answered("too_late")


def test_a_card_asked_late_still_gives_the_whole_time_to_answer(given: Given) -> None:
    story = asked(given, given.approval(expired="proceed"))
    story.when(at="2026-03-04 09:30", asleep=True).then("ask_approval offer mara")
    story.when(at="2026-03-04 13:30").then("settle_approval offer expired", "send_email offer ada")


def test_a_card_that_slack_postponed_is_not_posted_once_the_question_is_settled(given: Given) -> None:
    story = asked(given)
    story.provider["offer"] = [Effect("", "later", at=given.instant("2026-03-03 13:00"))]
    story.when(at="2026-03-03 11:00").when(Churned(), at="2026-03-03 12:00")
    story.when(at="2026-03-03 13:00").then()
    assert story.state.retries == ()


def test_a_decided_approval_is_forgotten_30_days_after_its_play(given: Given) -> None:
    book = given.book(given.email("offer", approval=given.approval()), given.slack("last", When(day=10)))
    story = given(book).when(at="2026-03-03 09:00").when(APPROVE, at="2026-03-03 10:00")
    story.when(at="2026-03-12 09:00").decided("fired play", "ended")
    story.when(replace(APPROVE, press="2"), at="2026-04-11 09:59").answered("already")
    story.when(at="2026-04-11 10:00")  # the clocks went forward in between
    story.when(replace(APPROVE, press="3"), at="2026-04-11 10:01").answered("too_late")


def test_a_playbook_that_runs_again_and_again_does_not_keep_all_its_approvals(given: Given) -> None:
    from lifecycle.messages import Happened

    book = given.book(
        given.email("offer", When(), approval=given.approval()),
        trigger=Trigger(event="kickoff.held"),
        anchor="entry",
        reentry="again",
    )
    story = given(book)
    for week in ("2026-03-03", "2026-03-17", "2026-04-01", "2026-04-15", "2026-04-29"):
        story.when(Happened("kickoff.held"), at=f"{week} 10:00")
        story.when(replace(APPROVE, approval=f"play/{story.state.counters['play']}/offer"), at=f"{week} 11:00")
    assert [item.approval for item in story.state.decided] == ["play/3/offer", "play/4/offer", "play/5/offer"]
