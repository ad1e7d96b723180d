"""A reply to a mail pauses what goes to that contact; what became of a meeting is an event and, where need be, work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from lifecycle.actions import When
from lifecycle.commands import RaiseTask
from lifecycle.messages import (
    Churned,
    ContactSuppressed,
    Effect,
    EmailReplied,
    Happened,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Value
from lifecycle.playbook import EventSpec, FactSpec, Trigger
from lifecycle.surveys import FORMS

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

ASKED = "raise_task reply mara 'Answer the reply of the champion; their mails wait until this is ticked'"
TASK = "c1/play/1/reply/1/task-replied-ada/mara"


def replied(given: Given) -> Story:
    """Ada answers on Monday; mails to her on Tuesday, one to Bob, a survey on Wednesday."""
    story = given(
        given.book(
            given.email("tips"), given.email("keys", to=("admin",)), given.survey("nps", When(day=2)), given.slack("hi")
        )
    )
    return story.when(EmailReplied("ada"), at="2026-03-02 12:00")


def test_a_reply_gives_each_owner_of_running_plays_one_task(given: Given) -> None:
    books = (
        given.book(given.email("tips")),
        given.book(given.email("more"), name="second"),
        replace(given.book(given.email("even more"), name="third"), owner="cs_manager"),
        given.book(name="other", trigger=Trigger(event="x")),
    )
    story = given(*books).when(EmailReplied("ada"), at="2026-03-02 12:00").then(ASKED, ASKED.replace("mara", "tom"))
    assert story.commands[0].touch == TASK
    story.when(EmailReplied("ada"), at="2026-03-02 13:00").then()
    assert "email.replied" in story.state.seen


def test_one_answer_lifts_the_pause_of_all_that_its_owner_has_running(given: Given) -> None:
    over = replace(given.book(given.slack("hi"), given.email("soon", When(day=4))), exit=given.get("setup.api"))
    books = (over, given.book(given.email("tips", When(day=3)), name="second"))
    story = given(*books, replace(books[1], name="third", owner="cs_manager"))
    story.when(EmailReplied("ada"), at="2026-03-02 12:00")
    story.when(Happened("api.connected"), at="2026-03-02 13:00")  # the play that raised the task has ended
    story.when(TaskTicked(TASK, "mara"), at="2026-03-02 14:00")
    assert {play.playbook: play.paused for play in story.state.plays} == {"second": (), "third": ("ada",)}


def test_the_tick_of_a_task_whose_playbook_is_gone_lifts_that_of_its_own_play(given: Given) -> None:
    story = replied(given)
    story.when(story.apply(given.book(name="other")), at="2026-03-02 13:00")
    story.when(TaskTicked(TASK, "mara"), at="2026-03-02 14:00")
    assert story.state.plays[0].paused == ()


def test_after_a_reply_mails_and_surveys_to_that_contact_wait(given: Given) -> None:
    story = replied(given).when(at="2026-03-03 09:00").then("send_email keys bob")
    story.decided("held email tips", "champion replied; answer first")
    story.when(at="2026-03-04 09:00").then().decided("held survey nps", "answer first")


def test_ticking_the_task_of_a_reply_sends_at_once_what_it_held(given: Given) -> None:
    story = replied(given).when(at="2026-03-03 09:00")
    story.when(TaskTicked(TASK, "mara", done=False), at="2026-03-03 10:00").then()
    story.when(TaskTicked(TASK, "mara"), at="2026-03-03 11:00").then("send_email tips ada")
    assert story.state.plays[0].paused == ()


def test_a_second_reply_after_the_first_was_answered_is_a_task_of_its_own(given: Given) -> None:
    story = replied(given).when(TaskTicked(TASK, "mara"), at="2026-03-02 13:00")
    story.when(EmailReplied("ada"), at="2026-03-02 14:00").then(ASKED)
    assert story.commands[0].touch == "c1/play/1/reply/2/task-replied-ada/mara"


def test_what_a_reply_holds_for_too_long_is_dropped(given: Given) -> None:
    story = replied(given).when(at="2026-03-06 12:00").then("send_email keys bob")
    story.decided("skipped email tips", "stale: champion replied; answer first")


def test_a_mail_that_the_provider_put_off_waits_for_the_answer_too(given: Given) -> None:
    story = given(given.book(given.email("tips"), given.slack("end", When(day=20))))
    story.provider["tips"] = [Effect("", "later", "429", given.instant("2026-03-03 10:00"))]
    story.when(at="2026-03-03 09:00").when(EmailReplied("ada"), at="2026-03-03 09:30")
    story.when(at="2026-03-03 15:00").then()
    story.when(TaskTicked(TASK, "mara"), at="2026-03-03 16:00").then("send_email tips ada")


def put_off_and_replied(given: Given, *until: str) -> Story:
    """The provider asks for patience, once for each instant, and Ada answers another mail meanwhile."""
    story = given(given.book(given.email("tips"), given.slack("end", When(day=20))))
    story.provider["tips"] = [Effect("", "later", "429", given.instant(at)) for at in until]
    return story.when(at="2026-03-03 09:00").when(EmailReplied("ada"), at="2026-03-03 09:30")


NOT_ANSWERED = "their reply was not answered until it was stale"


def test_a_mail_that_waited_for_our_answer_does_not_blame_the_provider(given: Given) -> None:
    story = put_off_and_replied(given, "2026-03-03 10:00").when(at="2026-03-06 12:00")
    story.decided("failed outcome tips", NOT_ANSWERED)
    (task,) = [item for item in story.issued if isinstance(item, RaiseTask) and "failed" in item.touch]
    assert task.title == f"Could not deliver tips: {NOT_ANSWERED}"


def test_a_hold_that_ends_while_we_owe_an_answer_blames_nobody_else_either(given: Given) -> None:
    story = put_off_and_replied(given, "2026-03-03 10:00")
    story.when(HoldPlaced("mara", "incident"), at="2026-03-03 09:45")
    story.when(HoldLifted("mara"), at="2026-03-10 12:00").then().when(at="2026-03-13 15:00")
    story.decided("failed outcome tips", NOT_ANSWERED)


def test_a_provider_that_asks_for_patience_until_it_is_stale_is_told_though_we_owe_an_answer(given: Given) -> None:
    story = put_off_and_replied(given, "2026-03-06 12:00").when(at="2026-03-06 12:00")
    story.decided("failed outcome tips", "the provider kept asking for patience until it was stale")


def test_who_was_answered_in_time_is_not_told_of_when_the_provider_asks_again(given: Given) -> None:
    story = put_off_and_replied(given, "2026-03-03 10:00", "2026-03-06 12:00")
    story.when(TaskTicked(TASK, "mara"), at="2026-03-04 12:00").when(at="2026-03-06 12:00")
    story.decided("failed outcome tips", "the provider kept asking for patience until it was stale")


def test_who_asked_for_no_more_mail_is_the_reason_though_the_provider_put_it_off(given: Given) -> None:
    story = put_off_and_replied(given, "2026-03-03 10:00")
    story.when(HoldPlaced("mara", "incident"), at="2026-03-03 09:45")
    story.when(ContactSuppressed("ada", "unsubscribed"), at="2026-03-04 10:00")
    story.when(HoldLifted("mara"), at="2026-03-10 12:00").when(at="2026-03-13 15:00")
    told = [item for item in story.issued if isinstance(item, RaiseTask) and "failed" in item.touch]
    assert told == []


def test_a_reply_is_an_event_that_starts_plays_and_meets_waits(given: Given) -> None:
    waiting = given.book(given.wait("answer", When(day=5), event="email.replied"), given.slack("end", When(day=9)))
    started = given.book(given.email("thanks", When(day=1)), name="thanks", trigger=Trigger(event="email.replied"))
    story = given(waiting, started).when(EmailReplied("ada"), at="2026-03-02 12:00")
    story.decided("fired wait answer", "email.replied").decided("fired play", "started")
    story.when(at="2026-03-03 09:00").then("send_email thanks ada")


def test_a_reply_of_somebody_unknown_pauses_nobody(given: Given) -> None:
    story = given(given.book(given.email("tips"))).when(EmailReplied("eve"), at="2026-03-02 12:00").then()
    story.decided("skipped reply reply", "no contact of this customer")


def test_a_late_answer_sets_the_score_and_is_an_event_of_its_own(given: Given) -> None:
    asking = given.book(given.wait("answer", When(day=5), event="nps.answered"), given.slack("end", When(day=9)))
    unhappy = given.compare("nps.score", "<=", 6)
    thanks = given.book(given.email("sorry"), name="sorry", trigger=Trigger(event="nps.answered", where=unhappy))
    call = given.book(given.task("call"), name="call", trigger=Trigger(event="nps.answered_late", where=unhappy))
    story = given(asking, thanks, call).when(SurveyAnswered("nps", "ada", 4, late=True), at="2026-03-02 12:00")
    story.then("raise_task call mara").decided("fired answer nps", "answered late")
    assert story.state.facts["nps.score"].value == 4
    assert story.status("answer") == "waiting"


def test_what_was_chosen_in_a_survey_is_known_as_facts(given: Given) -> None:
    life = given.life(facts={"exit.reason": FactSpec("text"), "exit.would_return": FactSpec("text")})
    price = given.compare("exit.reason", "==", "too_expensive")
    book = given.book(given.task("call"), name="call", trigger=Trigger(event="exit.answered", where=price))
    answers: dict[str, Value] = {"reason": "too_expensive", "would_return": "maybe"}
    story = given(book, life=life).when(SurveyAnswered("exit", "ada", None, answers=answers), at="2026-03-02 12:00")
    story.then("raise_task call mara")
    assert {name: fact.value for name, fact in story.state.facts.items()} == {
        "exit.reason": "too_expensive",
        "exit.would_return": "maybe",
    }


@pytest.mark.parametrize(
    ("survey", "score", "fits"),
    [
        ("nps", 0, True),
        ("nps", 11, False),
        ("csat", 0, False),
        ("ces", 7, True),
        ("nps", None, False),
        ("exit", 3, False),
        ("exit", None, True),
    ],
)
def test_a_form_says_which_scores_it_has(survey: str, score: int | None, fits: bool) -> None:
    assert FORMS[survey].fits(score) is fits


def met(given: Given) -> Story:
    """A kickoff offered on Tuesday for Thursday, in a play that goes on."""
    book = given.book(given.invite("kickoff"), given.email("tips"), given.slack("end", When(day=9)))
    return given(book).when(at="2026-03-03 09:00")


def test_a_meeting_that_was_held_is_an_event_with_its_facts(given: Given) -> None:
    story = met(given).when(MeetingAnswered("play/1/kickoff", "held", "mara"), at="2026-03-05 12:00").answered("done")
    story.then().decided("fired meeting kickoff", "it was held, says mara")
    assert "kickoff.held" in story.state.seen
    connected = given.book(given.invite("api"), given.slack("end", When(day=9)))
    spec = given(connected, life=given.life(events={"api.held": EventSpec(sets={"setup.api": True})})).when(
        at="2026-03-03 09:00"
    )
    spec.when(MeetingAnswered("play/1/api", "held"), at="2026-03-05 12:00").decided("fired meeting api", "the calendar")
    assert spec.state.facts["setup.api"].value is True


@pytest.mark.parametrize(
    ("outcome", "why"), [("declined", "kickoff was declined"), ("no_show", "nobody came to kickoff")]
)
def test_a_meeting_that_did_not_take_place_is_offered_again_by_a_person(
    given: Given, outcome: Literal["declined", "no_show"], why: str
) -> None:
    event = MeetingAnswered("play/1/kickoff", outcome)
    story = met(given).when(event, at="2026-03-05 12:00").answered("done")
    story.then(f"raise_task kickoff mara 'Offer another time: {why}'")
    assert f"kickoff.{outcome}" in story.state.seen


def test_a_meeting_is_answered_once_but_one_declined_may_be_held_after_all(given: Given) -> None:
    story = met(given)
    said: list[str] = []
    for outcome in ("declined", "declined", "no_show", "declined", "held", "no_show", "held"):
        event = MeetingAnswered("play/1/kickoff", outcome)
        story.when(event, at="2026-03-05 12:00")
        said += [story.reply.result] if story.reply else []
    assert said == ["done", "already", "done", "already", "done", "already", "already"]


@pytest.mark.parametrize(
    ("meeting", "by", "result"),
    [
        pytest.param("odd", "", "unknown", id="no-meeting-at-all"),
        pytest.param("play/1/gone", "", "unknown", id="no-such-step"),
        pytest.param("play/1/tips", "", "unknown", id="no-invite"),
        pytest.param("play/2/kickoff", "", "unknown", id="a-play-that-never-was"),
        pytest.param("play/1/kickoff", "eve", "not_yours", id="a-stranger"),
    ],
)
def test_an_answer_about_a_meeting_that_does_not_count_is_answered(
    given: Given, meeting: str, by: str, result: str
) -> None:
    story = met(given).when(MeetingAnswered(meeting, "held", by), at="2026-03-05 12:00").answered(result)
    assert [item.verdict for item in story.decisions if item.what == "meeting"] == ["skipped"]


def over(given: Given) -> Story:
    """A kickoff offered on Tuesday for Thursday, in a play that ends with that."""
    story = given(given.book(given.invite("kickoff"))).when(at="2026-03-03 09:00")
    assert story.state.plays == ()
    return story


def test_a_meeting_not_offered_yet_is_unknown(given: Given) -> None:
    story = given(given.book(given.invite("kickoff")))
    story.when(MeetingAnswered("play/1/kickoff", "held"), at="2026-03-02 12:00").answered("unknown")


def test_a_meeting_of_a_play_that_has_ended_is_offered_again_too(given: Given) -> None:
    story = over(given).when(MeetingAnswered("play/1/kickoff", "no_show", "mara"), at="2026-03-05 12:00")
    story.answered("done").then("raise_task kickoff mara 'Offer another time: nobody came to kickoff'")
    story.decided("fired meeting kickoff", "nobody came, says mara")
    assert "kickoff.no_show" in story.state.seen
    assert story.commands[0].touch == "c1/play/1/kickoff/1/task-no_show/mara"


def test_a_meeting_of_a_play_that_has_ended_is_answered_once_as_well(given: Given) -> None:
    story = over(given)
    said: list[str] = []
    for outcome in ("declined", "declined", "no_show", "declined", "held", "no_show", "held"):
        story.when(MeetingAnswered("play/1/kickoff", outcome), at="2026-03-05 12:00")
        said += [story.reply.result] if story.reply else []
    assert said == ["done", "already", "done", "already", "done", "already", "already"]


def test_what_became_of_a_meeting_of_an_earlier_play_says_nothing_of_a_later_one(given: Given) -> None:
    again = given.book(
        given.invite("kickoff", When(day=0)), trigger=Trigger(event="api.connected"), reentry="again", anchor="entry"
    )
    story = given(again)
    for number, day in enumerate(("2026-03-03", "2026-03-10"), start=1):
        story.when(Happened("api.connected"), at=f"{day} 09:00").when(at=f"{day} 20:00")
        event = MeetingAnswered(f"play/{number}/kickoff", "declined")
        story.when(event, at=f"{day} 21:00").answered("done")
        assert [command.kind for command in story.commands] == ["raise_task"]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(Churned(), id="the-customer-left"),
        pytest.param(None, id="the-playbook-is-gone"),
    ],
)
def test_a_meeting_that_nobody_would_offer_again_is_answered_too_late(given: Given, event: Churned | None) -> None:
    story = over(given)
    story.when(event or story.apply(), at="2026-03-04 12:00")
    story.when(MeetingAnswered("play/1/kickoff", "declined"), at="2026-03-05 12:00").answered("too_late").then()


def test_a_step_that_the_release_of_today_no_longer_has_is_answered_too_late(given: Given) -> None:
    story = over(given)
    story.when(story.apply(given.book(given.email("tips"))), at="2026-03-04 12:00")
    story.when(MeetingAnswered("play/1/kickoff", "declined"), at="2026-03-05 12:00").answered("too_late").then()
    story.when(MeetingAnswered("play/1/tips", "declined"), at="2026-03-05 13:00").answered("unknown").then()
