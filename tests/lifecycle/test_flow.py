"""Where a play goes: one of several ways, and round after round until something holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Choose, Invite, Length, Repeat, When
from lifecycle.messages import ApprovalAnswered, BatchSettled, Churned, Effect, FactsReported, Happened, MeetingAnswered
from lifecycle.playbook import Step
from lifecycle.touches import name_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.conftest import Given, Story

WEEK = Length(1, "weeks")


@pytest.fixture
def ways(given: Given) -> Callable[..., Story]:
    """A choice on day 1: above 80, above 60, and otherwise."""

    def story(*, otherwise: bool = True) -> Story:
        action = Choose((given.compare("health.score", ">=", 80), given.compare("health.score", ">=", 60)), otherwise)
        last = [given.slack("low", under="path", branch="otherwise")] if otherwise else []
        return given(
            given.book(
                Step("path", action, When(day=1)),
                given.slack("high", under="path", branch="1"),
                given.slack("middle", under="path", branch="2"),
                *last,
                given.task("after", needs=("path",)),
            )
        )

    return story


@pytest.mark.parametrize(("score", "step"), [(90, "high"), (60, "middle"), (59, "low"), (None, "low")])
def test_the_first_way_that_holds_is_taken_and_no_other(
    ways: Callable[..., Story], score: int | None, step: str
) -> None:
    story = ways()
    if score is not None:
        story.when(FactsReported({"health.score": score}), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").then("raise_task after mara", f"post_slack {step} mara")
    assert story.state.plays == ()


def test_a_choice_is_judged_when_it_is_due_and_says_why(ways: Callable[..., Story]) -> None:
    story = ways().when(FactsReported({"health.score": 90}), at="2026-03-02 12:00").then()
    story.when(FactsReported({"health.score": 70}), at="2026-03-02 13:00").then()
    story.when(at="2026-03-03 09:00").decided("fired choose path", "way 2: health.score = 70 >= 60")


def test_a_choice_of_which_no_way_holds_is_skipped_with_its_reason(ways: Callable[..., Story]) -> None:
    story = ways(otherwise=False).when(at="2026-03-03 09:00").then("raise_task after mara")
    story.decided("skipped choose path", "no way holds: health.score")


@pytest.fixture
def weekly(given: Given) -> Callable[..., Story]:
    """From day 1 (Tuesday, 09:00) a mail a week until the band is green, three at most; the signup is on day 0."""

    def story(*steps: Step, at_most: int = 3) -> Story:
        repeat = Repeat(WEEK, given.compare("customer.band", "==", "green"), at_most)
        return given(
            given.book(
                Step("weekly", repeat, When(day=1)),
                *(steps or (given.email("mail", When(), under="weekly", branch="do"),)),
                given.slack("better", under="weekly", branch="then"),
                given.slack("worse", under="weekly", branch="otherwise"),
            )
        )

    return story


GREEN = FactsReported({"health.score": 90})


def test_each_round_does_its_steps_again_and_the_last_one_ends_it(weekly: Callable[..., Story]) -> None:
    story = weekly().when(at="2026-03-03 09:00").then("send_email mail ada")
    story.decided("waiting repeat weekly", "round 1 of at most 3, until customer.band == green")
    assert story.upcoming() == {"weekly": "2026-03-10 09:00"}
    story.when(at="2026-03-10 09:00").then("send_email mail ada")
    story.when(at="2026-03-17 08:59").when(at="2026-03-17 09:00").then("send_email mail ada")
    story.when(at="2026-03-24 09:00").then("post_slack worse mara")
    story.decided("skipped repeat weekly", "not met in 3 rounds: customer.band")
    touches = [command.touch for command in story.issued if command.kind == "send_email"]
    assert touches == [f"c1/play/1/mail/{nth}/send/ada" for nth in (1, 2, 3)]
    assert story.state.plays == ()


def test_no_other_round_begins_once_the_condition_holds(weekly: Callable[..., Story]) -> None:
    story = weekly().when(at="2026-03-10 09:00")
    story.when(GREEN, at="2026-03-12 12:00").then("post_slack better mara").decided("fired repeat weekly", "met:")
    assert story.state.plays == ()


def test_a_condition_that_holds_already_ends_it_before_the_first_round(weekly: Callable[..., Story]) -> None:
    story = weekly().when(GREEN, at="2026-03-02 12:00").when(at="2026-03-03 09:00").then("post_slack better mara")
    assert story.state.plays == ()


def test_the_days_of_a_round_count_from_its_first(given: Given, weekly: Callable[..., Story]) -> None:
    mail = given.email("mail", When(day=2, at="10:00"), under="weekly", branch="do")
    wait = given.wait("heard", When(day=3), event="odd", under="weekly", branch="do")
    told = given.slack("told", under="heard", branch="then")
    story = weekly(mail, wait, told).when(Happened("odd"), at="2026-03-04 12:00").then("post_slack told mara")
    story.when(at="2026-03-05 10:00").then("send_email mail ada")
    story.when(at="2026-03-10 09:00").then().decided("waiting wait heard", "for odd until 2026-03-13 09:00")
    story.when(at="2026-03-12 10:00").then("send_email mail ada")
    story.when(at="2026-03-13 09:00").then().decided("skipped wait heard", "not met in time")
    story.when(at="2026-03-17 12:00").when(Happened("odd"), at="2026-03-18 09:00").then("post_slack told mara")


def test_an_answer_counts_for_the_round_it_names(given: Given, weekly: Callable[..., Story]) -> None:
    rule = replace(given.approval(), within=Length(30, "days"))
    story = weekly(given.email("mail", When(), under="weekly", branch="do", approval=rule))
    story.when(at="2026-03-03 09:00").then("ask_approval mail mara")
    story.when(at="2026-03-10 09:00").then("settle_approval mail withdrawn", "ask_approval mail mara")
    story.decided("cancelled email mail", "the next round begins")
    assert [item.approval for item in story.issued if item.kind == "ask_approval"] == ["play/1/mail", "play/1/mail~2"]
    late = ApprovalAnswered("play/1/mail", "mara", "approve", "p1")
    story.when(late, at="2026-03-10 10:00").then().answered("too_late")
    story.when(replace(late, approval="play/1/mail~3"), at="2026-03-10 10:01").then().answered("unknown")
    story.when(replace(late, approval="play/1/mail~x"), at="2026-03-10 10:02").then().answered("unknown")
    now = replace(late, approval="play/1/mail~2", press="p2")
    story.when(now, at="2026-03-10 10:03").answered("approved")
    assert [command.touch for command in story.commands if command.kind == "send_email"] == [
        "c1/play/1/mail/2/send/ada"
    ]
    story.when(now, at="2026-03-10 10:04").then().answered("approved")


def test_a_question_says_what_the_days_of_its_round_count_from(given: Given, weekly: Callable[..., Story]) -> None:
    rule = replace(given.approval(), within=Length(1, "days"))
    story = weekly(given.email("mail", When(), under="weekly", branch="do", approval=rule))
    story.when(at="2026-03-10 09:00")
    zeros = [command.day_zero for command in story.issued if command.kind == "ask_approval"]
    assert zeros == [date(2026, 3, 3), date(2026, 3, 10)]


def test_a_question_that_expired_in_an_earlier_round_is_too_late(given: Given, weekly: Callable[..., Story]) -> None:
    story = weekly(given.email("mail", When(), under="weekly", branch="do", approval=given.approval()))
    story.when(at="2026-03-10 09:00")
    story.when(ApprovalAnswered("play/1/mail", "mara", "approve", "p"), at="2026-03-10 09:30").answered("too_late")


@pytest.mark.parametrize("nth", ["0", "3", "9" * 5000])
def test_a_question_of_a_round_that_never_was_is_not_known(
    given: Given, weekly: Callable[..., Story], nth: str
) -> None:
    story = weekly(given.email("mail", When(), under="weekly", branch="do", approval=given.approval()))
    story.when(at="2026-03-10 09:00")
    press = ApprovalAnswered(f"play/1/mail~{nth}", "mara", "approve", "p")
    story.when(press, at="2026-03-10 09:30").answered("unknown")


def test_what_is_open_is_withdrawn_when_the_condition_holds(given: Given, weekly: Callable[..., Story]) -> None:
    rule = replace(given.approval(), within=Length(30, "days"))
    mail = given.email("mail", When(), under="weekly", branch="do", approval=rule)
    wait = given.wait("heard", When(day=3), given.compare("health.score", ">", 80), under="weekly", branch="do")
    story = weekly(mail, wait).when(at="2026-03-10 09:00")
    story.when(GREEN, at="2026-03-11 09:00").then("settle_approval mail withdrawn", "post_slack better mara")
    story.decided("cancelled email mail", "met: customer.band").decided("cancelled wait heard", "met: customer.band")


def test_late_news_of_an_earlier_round_does_no_harm(weekly: Callable[..., Story]) -> None:
    story = weekly()
    story.provider["mail"] = [Effect("", "unknown", "cut off") for _ in range(9)]
    story.when(at="2026-03-10 09:00")
    assert story.state.plays[0].steps["mail"].left == ("ada",)
    failed = Effect("c1/play/1/mail/1/send/ada", "failed", "no such box")
    story.when(BatchSettled((failed,)), at="2026-03-10 10:00").then(
        "raise_task mail mara 'Could not deliver mail: no such box'"
    )
    assert story.commands[0].touch == "c1/play/1/mail/1/task-failed-send-ada/mara"
    assert story.state.plays[0].steps["mail"].left == ("ada",)


def test_a_send_put_off_is_given_up_when_the_next_round_begins(weekly: Callable[..., Story]) -> None:
    story = weekly()
    story.provider["mail"] = [Effect("", "later", "busy", story.state.as_of.replace(month=3, day=10, hour=12))]
    story.when(at="2026-03-03 09:00").then("send_email mail ada")
    story.when(at="2026-03-10 09:00").then("send_email mail ada").decided("cancelled outcome mail", "the next round")
    assert story.state.retries == ()


def test_a_meeting_is_of_the_round_its_name_says(given: Given, weekly: Callable[..., Story]) -> None:
    invite = given.invite("review", When(), under="weekly", branch="do")
    story = weekly(invite).when(at="2026-03-10 09:00")
    held = MeetingAnswered("play/1/review", "held", "mara")
    story.when(held, at="2026-03-10 10:00").answered("too_late")
    story.when(replace(held, meeting="play/1/review~2"), at="2026-03-10 10:01").answered("done")


def test_a_meeting_of_a_round_that_is_over_is_taken_back_if_it_has_not_begun(
    given: Given, weekly: Callable[..., Story]
) -> None:
    invite = given.invite("review", When(), under="weekly", branch="do")
    assert isinstance(invite.action, Invite)
    far = replace(invite, action=replace(invite.action, day=9))
    story = weekly(far).when(at="2026-03-10 08:59").when(at="2026-03-10 09:00")
    story.then(
        "cancel_invite review ada", "cancel_invite review mara", "send_invite review ada", "send_invite review mara"
    )
    meetings = [command.meeting for command in story.commands if command.kind in ("cancel_invite", "send_invite")]
    assert meetings == [*["c1/play/1/review/1/send"] * 2, *["c1/play/1/review/2/send"] * 2]


def test_caps_count_each_round_and_forget_only_what_did_not_happen(weekly: Callable[..., Story]) -> None:
    story = weekly().when(at="2026-03-03 09:00")
    story.provider["mail"] = [Effect("", "failed", "no such box")]
    story.when(at="2026-03-10 09:00")
    assert [item.step for item in story.state.touched] == ["play/1/mail"]
    story.when(at="2026-03-17 09:00")
    assert [item.step for item in story.state.touched] == ["play/1/mail~3"]


def test_a_customer_who_leaves_takes_the_rounds_along(weekly: Callable[..., Story]) -> None:
    story = weekly().when(at="2026-03-10 09:00").when(Churned("price"), at="2026-03-11 09:00").then()
    story.decided("cancelled repeat weekly", "the customer left")
    assert story.state.plays == ()


def test_rounds_do_not_drift(given: Given) -> None:
    repeat = Repeat(Length(1, "business_days"), given.get("odd"), 4)
    steps = (Step("often", repeat, When(day=3)), given.task("call", under="often", branch="do"))
    story = given(given.book(*steps))
    shown = []
    for day in ("05", "06", "09", "10"):
        story.when(at=f"2026-03-{day} 09:00").then("raise_task call mara")
        shown.append(story.commands[0].touch.split("/")[4])
    assert shown == ["1", "2", "3", "4"]


def test_answers_name_the_round_of_the_touch_that_they_answer() -> None:
    assert name_in("c1/play/1/mail/1/send/ada") == "play/1/mail"
    assert name_in("c1/play/1/mail/3/send") == "play/1/mail~3"
