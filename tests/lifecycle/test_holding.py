"""Holds of a customer and of a playbook: what they keep back, and what becomes of it when they are lifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lifecycle import holding
from lifecycle.actions import Length, Repeat, When
from lifecycle.messages import (
    ApprovalAnswered,
    Effect,
    EmailReplied,
    FactsReported,
    Happened,
    HoldLifted,
    HoldPlaced,
    SendsReleased,
)
from lifecycle.model import State
from lifecycle.playbook import Step

if TYPE_CHECKING:
    from typing import Literal

    from tests.lifecycle.conftest import Given, Story

STOP = HoldPlaced("tom", "wrong prices", "tips")
DAY_0 = "2026-03-02 12:00"


@pytest.fixture
def stopped(given: Given) -> Story:
    """Two playbooks with a mail and a task on days 1 to 3; `tips` is on hold from noon of day 0."""
    tips = given.book(
        given.email("tip", When(day=1)),
        given.task("look", When(day=2)),
        given.email("more", When(day=9)),
        given.slack("then", When(after="more", delay=Length(1, "days"))),
        name="tips",
    )
    other = given.book(given.email("other", When(day=3)), name="other")
    return given(tips, other).when(STOP, at=DAY_0).answered("done")


def waiting(story: Story, playbook: str = "") -> list[str]:
    found = holding.stale(story.library, story.state, playbook)
    assert all(item.due <= story.state.as_of for item in found)
    return [f"{item.play} {item.step} {item.what} {item.to}" for item in found]


def test_a_playbook_on_hold_does_nothing_and_the_others_go_on(stopped: Story) -> None:
    stopped.decided("held hold tips", "placed by tom: wrong prices")
    stopped.when(at="2026-03-03 09:00").then().decided("held email tip", "on hold: wrong prices")
    stopped.when(at="2026-03-04 09:00").then().decided("held task look", "on hold: wrong prices")
    stopped.when(at="2026-03-05 09:00").then("send_email other ada")
    assert waiting(stopped, "tips") == ["tips/1 tip email champion", "tips/1 look task csm"]
    assert waiting(stopped) == waiting(stopped, "other") == []


def test_what_is_on_hold_never_goes_stale_and_is_not_asked_about_again(stopped: Story) -> None:
    stopped.when(at="2026-03-04 12:00").when(at="2026-03-10 12:00").then("send_email other ada")
    stopped.when(HoldLifted("tom", "tips"), at="2026-03-10 12:30").then("raise_task look mara", "send_email tip ada")
    stopped.answered("done").decided("fired hold tips", "lifted by tom")


def test_what_became_due_meanwhile_may_be_skipped(stopped: Story) -> None:
    stopped.when(HoldLifted("tom", "tips", "skip"), at="2026-03-04 12:00").then()
    stopped.decided("skipped email tip", "became due while on hold (wrong prices), which tom lifted")
    assert stopped.status("look", play=1) == "skipped"
    assert stopped.upcoming()["more"] == "2026-03-11 09:00"


def test_the_remaining_days_may_move_by_the_length_of_the_hold(stopped: Story) -> None:
    stopped.when(at="2026-03-05 10:00")
    stopped.when(HoldLifted("tom", "tips", "retime"), at="2026-03-05 12:00").then()
    stopped.decided("waiting play", "its remaining days move by 3: it was on hold (wrong prices)")
    assert stopped.upcoming() == {
        "tip": "2026-03-06 09:00",
        "look": "2026-03-07 09:00",
        "more": "2026-03-14 09:00",
    }
    stopped.when(at="2026-03-06 09:00").then("send_email tip ada")


def test_a_hold_of_hours_moves_what_it_kept_to_its_end(given: Given) -> None:
    tips = given.book(given.task("look", When(delay=Length(3, "hours"))), name="tips")
    story = given(tips).when(STOP, at=DAY_0).when(HoldLifted("tom", "tips", "retime"), at="2026-03-02 18:00")
    story.then("raise_task look mara")


def test_approvals_waits_and_rounds_move_too(given: Given) -> None:
    tips = given.book(
        given.email("asked", When(day=5), approval=given.approval(ahead=Length(4, "business_days"))),
        given.email("open", When(day=5), approval=given.approval(ahead=Length(4, "business_days"))),
        given.wait("heard", When(delay=Length(4, "days")), given.get("odd")),
        Step("rounds", Repeat(Length(1, "weeks"), given.get("odd"), 3)),
        given.task("call", When(day=1), under="rounds", branch="do"),
        given.task("last", When(day=6)),
        name="tips",
    )
    story = given(tips).when(at="2026-03-03 09:30")
    story.when(ApprovalAnswered("tips/1/asked", "mara", "approve", "p"), at="2026-03-03 10:00").answered("approved")
    before = {"asked": "2026-03-07 09:00", "heard": "2026-03-06 10:00", "rounds": "2026-03-09 10:00"}
    assert before.items() <= story.upcoming().items()
    story.when(STOP, at="2026-03-03 11:00")
    story.when(HoldLifted("tom", "tips", "retime"), at="2026-03-05 12:00")
    after = {"asked": "2026-03-09 09:00", "heard": "2026-03-08 10:00", "rounds": "2026-03-11 10:00"}
    assert after.items() <= story.upcoming().items()
    assert story.upcoming()["last"] == "2026-03-10 09:00"


def test_events_are_recorded_and_waits_met_while_a_hold_is_on(given: Given) -> None:
    tips = given.book(
        given.wait("heard", When(day=5), event="odd"),
        given.slack("told", under="heard", branch="then"),
        name="tips",
    )
    story = given(tips).when(STOP, at=DAY_0).when(Happened("odd"), at="2026-03-02 15:00").then()
    story.decided("fired wait heard").decided("held slack told", "on hold")
    story.when(FactsReported({"odd": 1}), at="2026-03-02 16:00")
    story.when(HoldLifted("tom", "tips"), at="2026-03-02 17:00").then("post_slack told mara")


def test_a_question_is_put_and_answered_while_a_hold_is_on_and_acted_on_after_it(given: Given) -> None:
    tips = given.book(given.email("tip", When(day=1), approval=given.approval()), name="tips")
    story = given(tips).when(STOP, at=DAY_0).when(at="2026-03-03 09:00").then("ask_approval tip mara")
    story.when(ApprovalAnswered("tips/1/tip", "mara", "approve", "p"), at="2026-03-03 10:00").answered("approved")
    story.then("settle_approval tip approved").decided("held email tip", "on hold")
    story.when(HoldLifted("tom", "tips"), at="2026-03-03 11:00").then("send_email tip ada")


def test_what_two_holds_keep_waits_for_both(stopped: Story) -> None:
    stopped.when(HoldPlaced("mara", "invoice dispute"), at="2026-03-02 13:00").when(at="2026-03-05 12:00")
    assert waiting(stopped) == ["other/1 other email champion"]
    stopped.when(HoldLifted("mara"), at="2026-03-05 12:30").then("send_email other ada")
    stopped.when(HoldPlaced("mara", "invoice dispute"), at="2026-03-05 13:00")
    stopped.when(HoldLifted("tom", "tips"), at="2026-03-06 12:00").then("raise_task look mara")
    stopped.decided("held email tip", "on hold: invoice dispute")
    stopped.when(HoldLifted("mara"), at="2026-03-06 13:00").then("send_email tip ada")


def test_lifting_a_hold_that_is_not_on_changes_nothing(stopped: Story) -> None:
    before = stopped.state
    stopped.when(HoldLifted("mara"), at="2026-03-02 13:00").then().answered("already")
    stopped.decided("skipped hold hold", "There is no such hold.")
    stopped.when(HoldLifted("mara", "odd"), at="2026-03-02 13:00").then().answered("already")
    assert stopped.state.holds == before.holds


def test_a_second_hold_changes_the_reason_and_not_the_beginning(stopped: Story) -> None:
    since = stopped.state.holds["tips"].since
    stopped.when(HoldPlaced("tom", "", "tips"), at="2026-03-02 15:00")
    assert (stopped.state.holds["tips"].reason, stopped.state.holds["tips"].since) == ("on hold", since)
    assert stopped.state.held == ""


def test_a_customers_hold_is_told_from_a_playbooks(given: Given) -> None:
    story = given().when(HoldPlaced("mara", "dispute"), at=DAY_0)
    assert isinstance(story.state, State)
    assert story.state.held == "dispute"


def test_a_send_put_off_waits_for_the_hold_of_its_playbook(given: Given) -> None:
    story = given(given.book(given.email("tip", When(day=1)), name="tips"))
    story.provider["tip"] = [Effect("", "later", "429", given.instant("2026-03-03 12:00"))]
    story.when(at="2026-03-03 09:00").when(STOP, at="2026-03-03 10:00").when(at="2026-03-03 15:00").then()
    story.when(HoldLifted("tom", "tips"), at="2026-03-03 16:00").then("send_email tip ada")


def put_off(given: Given, *more: Step) -> Story:
    """A mail of Tuesday 09:00 that the provider put off, when a hold on its playbook began at 10:00."""
    story = given(given.book(given.email("tip", When(day=1)), *more, name="tips"))
    story.provider["tip"] = [Effect("", "later", "429", given.instant("2026-03-03 12:00"))]
    return story.when(at="2026-03-03 09:00").when(STOP, at="2026-03-03 10:00")


def test_what_a_provider_put_off_before_a_hold_is_listed_while_it_is_on(given: Given) -> None:
    story = put_off(given, given.task("look", When(day=2)))
    assert waiting(story, "tips") == ["tips/1 tip email champion"]
    story.when(at="2026-03-05 12:00").then()
    assert waiting(story, "tips") == ["tips/1 tip email champion", "tips/1 look task csm"]
    assert waiting(story) == []


def test_what_a_provider_put_off_never_goes_stale_during_a_hold(given: Given) -> None:
    story = put_off(given, given.task("end", When(day=30)))
    story.when(at="2026-03-16 08:30").then()
    assert len(story.state.retries) == 1
    story.when(HoldLifted("tom", "tips", "send"), at="2026-03-16 10:00").then("send_email tip ada")


@pytest.mark.parametrize("more", [True, False], ids=["its play goes on", "its play is over"])
def test_what_a_provider_put_off_is_skipped_with_the_rest(given: Given, more: bool) -> None:
    story = put_off(given, *([given.task("end", When(day=30))] if more else []))
    story.when(HoldLifted("tom", "tips", "skip"), at="2026-03-04 10:00").then()
    story.decided("cancelled outcome tip", "became due while on hold (wrong prices), which tom lifted")
    assert story.state.retries == ()
    assert story.state.touched == ()
    story.when(at="2026-03-10 10:00").then()


@pytest.mark.parametrize("more", [True, False], ids=["its play goes on", "its play is over"])
def test_what_a_provider_put_off_moves_with_the_rest(given: Given, more: bool) -> None:
    story = put_off(given, *([given.task("end", When(day=4))] if more else []))
    story.when(HoldLifted("tom", "tips", "retime"), at="2026-03-05 08:30").then()
    story.when(at="2026-03-05 09:00").then("send_email tip ada")
    story.when(at="2026-03-06 09:00").then()
    story.when(at="2026-03-08 12:00").then(*(["raise_task end mara"] if more else []))


def test_what_a_provider_put_off_does_not_move_to_a_weekend(given: Given) -> None:
    story = given(given.book(given.email("tip", When(day=1, shift="next")), name="tips", window=("08:00", "18:00")))
    story.provider["tip"] = [Effect("", "later", "429", given.instant("2026-03-03 12:00"))]
    story.when(at="2026-03-03 09:00").when(STOP, at="2026-03-03 10:00")
    story.when(HoldLifted("tom", "tips", "retime"), at="2026-03-07 08:30").then()
    story.when(at="2026-03-08 10:00").then()
    story.when(at="2026-03-09 08:00").then("send_email tip ada")


def test_a_play_that_ends_while_on_hold_drops_what_it_kept(given: Given) -> None:
    tips = given.book(given.email("tip", When(day=1)), name="tips", goal=given.get("setup.api"))
    story = given(tips).when(STOP, at=DAY_0).when(at="2026-03-03 12:00")
    story.when(FactsReported({"setup.api": True}), at="2026-03-03 13:00").decided("cancelled email tip", "goal")
    assert waiting(story, "tips") == []


# --- everything -------------------------------------------------------------------------------------------------------


def kept_back(given: Given, *more: Step) -> Story:
    """Everything is on hold since Tuesday 08:00: the welcome of 09:00 to two people was kept back."""
    book = given.book(
        given.email("welcome", to=("champion", "admin")), *more, given.slack("end", When(day=4)), name="tips"
    )
    story = given(book)
    later = Effect("", "held", "on hold", given.instant("2026-03-06 20:00"))
    story.provider["welcome"] = [later, later]
    return story.when(at="2026-03-03 09:00").then("send_email welcome ada", "send_email welcome bob")


def released(given: Given, stale: Literal["send", "skip", "retime"]) -> SendsReleased:
    return SendsReleased("tom", stale, given.instant("2026-03-03 08:00"))


def test_what_a_hold_on_everything_keeps_back_is_listed(given: Given) -> None:
    found = holding.unsent(kept_back(given).state)
    assert [(item.play, item.step, item.what, item.to) for item in found] == [
        ("tips/1", "welcome", "email", "champion"),
        ("tips/1", "welcome", "email", "admin"),
    ]
    assert {item.due for item in found} == {given.instant("2026-03-03 09:00")}


def test_what_a_hold_on_everything_kept_back_is_skipped(given: Given) -> None:
    story = kept_back(given).when(released(given, "skip"), at="2026-03-03 12:00").then()
    assert {item.reason for item in story.decisions if item.step == "welcome"} == {
        "became due while everything was on hold, which tom lifted"
    }
    assert story.state.retries == ()
    assert story.state.touched == ()
    story.when(at="2026-03-06 09:00").then("post_slack end mara")


def test_what_a_hold_on_everything_kept_back_moves_with_the_rest_of_its_play(given: Given) -> None:
    story = kept_back(given).when(released(given, "retime"), at="2026-03-05 08:30").then()
    story.decided("waiting play", "its remaining days move by 2: it was on hold (everything was on hold)")
    assert [item.due for item in holding.unsent(story.state)] == [given.instant("2026-03-05 09:00")] * 2
    story.when(at="2026-03-05 09:00").then("send_email welcome ada", "send_email welcome bob")
    story.when(at="2026-03-06 09:00").then()
    story.when(at="2026-03-08 09:00").then("post_slack end mara")


def test_what_a_hold_on_everything_keeps_back_does_not_go_stale(given: Given) -> None:
    story = kept_back(given)
    story.provider["welcome"] = [Effect("", "held", "on hold", given.instant("2026-03-16 20:00"))] * 2
    story.when(at="2026-03-09 09:00").then("post_slack end mara", "send_email welcome ada", "send_email welcome bob")
    patience = Effect("", "later", "429", given.instant("2026-03-13 12:00"))
    story.provider["welcome"] = [patience, patience]
    story.when(released(given, "send"), at="2026-03-13 10:00").then("send_email welcome ada", "send_email welcome bob")
    story.when(at="2026-03-13 12:00").then("send_email welcome ada", "send_email welcome bob")
    assert story.state.retries == ()


def test_what_a_hold_let_go_unsaid_does_not_go_stale_when_its_provider_asks_for_patience(given: Given) -> None:
    story = given(given.book(given.email("welcome"), given.slack("end", When(day=4)), name="tips"))
    patience = Effect("", "later", "429", given.instant("2026-03-09 12:00"))
    story.provider["welcome"] = [Effect("", "held", "on hold", given.instant("2026-03-09 10:00")), patience]
    story.when(at="2026-03-03 09:00").when(at="2026-03-09 10:00").then("post_slack end mara", "send_email welcome ada")
    story.when(at="2026-03-09 12:00").then("send_email welcome ada")
    assert story.state.retries == ()


def test_what_was_kept_back_goes_stale_like_all_else_once_the_hold_is_over(given: Given) -> None:
    story = kept_back(given).when(EmailReplied("ada"), at="2026-03-05 12:00")
    story.when(released(given, "send"), at="2026-03-05 16:00").then("send_email welcome bob")
    story.when(at="2026-03-12 10:00").decided("failed outcome welcome", "until it was stale")
    assert story.state.retries == ()


def test_of_a_meeting_that_is_over_before_a_hold_ends_somebody_hears(given: Given) -> None:
    story = given(given.book(given.invite("kickoff", When(day=1)), name="tips"))
    story.provider["kickoff"] = [Effect("", "sent"), Effect("", "held", "on hold", given.instant("2026-03-16 09:00"))]
    story.when(at="2026-03-03 09:00").when(at="2026-03-16 09:00")
    story.decided("failed outcome kickoff", "a hold kept it back until the meeting was over")


def test_nor_is_the_provider_blamed_where_a_hold_of_its_playbook_lasted_longer(given: Given) -> None:
    story = given(given.book(given.invite("kickoff", When(day=1)), given.task("end", When(day=30)), name="tips"))
    story.provider["kickoff"] = [Effect("", "sent"), Effect("", "later", "429", given.instant("2026-03-03 12:00"))]
    story.when(at="2026-03-03 09:00").when(STOP, at="2026-03-03 10:00").when(at="2026-03-16 08:00")
    story.when(HoldLifted("tom", "tips", "send"), at="2026-03-16 09:00")
    story.decided("failed outcome kickoff", "a hold kept it back until the meeting was over")


def test_what_was_put_off_is_not_hurried_by_the_end_of_another_hold(given: Given) -> None:
    story = kept_back(given).when(released(given, "retime"), at="2026-03-05 08:30")
    story.when(SendsReleased("tom"), at="2026-03-05 08:40").then()


def test_of_a_play_that_is_over_only_what_was_kept_back_moves(given: Given) -> None:
    story = given(given.book(given.email("welcome"), name="tips"))
    story.provider["welcome"] = [Effect("", "held", "on hold", given.instant("2026-03-06 20:00"))]
    story.when(at="2026-03-03 09:00").when(released(given, "retime"), at="2026-03-05 08:30")
    assert [item.what for item in story.decisions] == ["hold"]
    story.when(at="2026-03-05 09:00").then("send_email welcome ada")


def test_a_hold_of_the_customers_own_keeps_what_it_keeps(given: Given) -> None:
    for playbook in ("", "tips"):
        for stale in ("skip", "retime"):
            story = kept_back(given).when(HoldPlaced("tom", "wrong", playbook), at="2026-03-03 10:00")
            event = SendsReleased("tom", "skip" if stale == "skip" else "retime", given.instant("2026-03-03 08:00"))
            story.when(event, at="2026-03-04 12:00").then()
            assert len(story.state.retries) == 2


def test_what_may_have_arrived_is_neither_skipped_nor_moved(given: Given) -> None:
    story = given(given.book(given.email("welcome"), given.slack("end", When(day=4)), name="tips"))
    story.provider["welcome"] = [Effect("", "unknown", "time-out")]
    story.when(at="2026-03-03 09:00").when(released(given, "skip"), at="2026-03-03 12:00")
    assert [item.why for item in story.state.retries] == ["unknown"]
    assert holding.unsent(story.state) == ()
