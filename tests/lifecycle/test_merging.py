"""Two customers become one: what the merged one ends and never starts again, and what the survivor takes in."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Length, When
from lifecycle.courtesy import Politeness
from lifecycle.engine import next_due
from lifecycle.messages import (
    Absorbed,
    ApprovalAnswered,
    Churned,
    ContactSuppressed,
    Effect,
    Event,
    FactsReported,
    Happened,
    HoldPlaced,
    Merged,
    PlayRequested,
    Returned,
    StageSet,
    TaskTicked,
)
from lifecycle.model import Contact, Contract, Touched
from lifecycle.playbook import Every, PhaseSpec, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story

MERGED = Merged("c2")
LOOK = (
    "raise_task merge {} 'Another account was merged into this one. Look at what ended with it, and at its contracts'"
)


@pytest.fixture
def busy(given: Given) -> Story:
    """A customer with an open question, a meeting to come, a mail in doubt, and triggers of every kind waiting."""
    book = given.book(
        given.invite("kickoff", When(day=0, at="11:00")),
        given.email("offer", When(day=1), approval=given.approval(Length(22, "hours"))),
        given.email("late", When(day=0, at="12:00")),
        given.task("call", When(day=5)),
        name="onboarding",
    )
    often = given.book(given.task("look"), name="often", trigger=Trigger(every=(Every(3, "days"),)), reentry="again")
    left = given.book(given.email("why"), name="left", trigger=Trigger(stage="churned"), reentry="again")
    low = given.compare("usage.share", "<", 0.5)
    risk = given.book(given.email("sorry"), name="risk", trigger=Trigger(condition=low), reentry="again")
    story = given(book, often, left, risk)
    story.provider["late"] = [Effect("", "later", "busy", given.instant("2026-03-02 15:00"))]
    return story.when(at="2026-03-02 13:00")


def test_the_merged_customer_takes_back_what_it_began_and_ends_its_plays(busy: Story) -> None:
    busy.when(MERGED, at="2026-03-02 14:00")
    busy.then("cancel_invite kickoff ada", "cancel_invite kickoff mara", "settle_approval offer withdrawn").decided(
        "fired merge merge", "goes on as c2"
    ).decided("cancelled play", "merged into another one")
    assert busy.state.plays == ()
    assert busy.state.retries == ()
    assert busy.state.stage == "new"


def test_nothing_starts_for_a_merged_customer_whatever_comes(busy: Story, given: Given) -> None:
    busy.when(MERGED, at="2026-03-02 14:00")
    events: tuple[Event, ...] = (
        FactsReported({"usage.share": 0.1}),
        Happened("api.connected"),
        StageSet("adoption", "tom", "why not"),
        Churned(),
        Returned(),
        PlayRequested("left", "mara"),
        busy.apply(given.book(given.task("new"), name="new", trigger=Trigger(every=(Every(1, "days"),)))),
    )
    for day, event in enumerate(events, 3):
        busy.when(event, at=f"2026-03-{day:02} 09:00").then()
    busy.when(at="2026-09-01 09:00").then().undecided()
    assert next_due(busy.library, busy.state) is None


def test_a_merge_told_twice_ends_nothing_twice(busy: Story) -> None:
    busy.when(MERGED, at="2026-03-02 14:00")
    busy.when(Merged("c3"), at="2026-03-02 15:00").then().decided("skipped merge merge", "goes on as c2")
    assert busy.state.merged == "c2"


def test_answers_to_a_merged_customer_get_a_reply(busy: Story) -> None:
    busy.when(MERGED, at="2026-03-02 14:00")
    busy.when(ApprovalAnswered("onboarding/1/offer", "mara", "approve", "p1"), at="2026-03-02 15:00").then()
    busy.answered("too_late")
    busy.when(TaskTicked("c1/onboarding/1/call/1/task/mara", "mara"), at="2026-03-02 15:01").then().answered("done")


def test_a_hold_of_the_merged_customer_keeps_no_cancelling_back(busy: Story) -> None:
    busy.when(HoldPlaced("tom", "an outage"), at="2026-03-02 13:30")
    busy.provider["kickoff"] = [Effect("", "later", "busy", None)]
    busy.when(MERGED, at="2026-03-02 14:00")
    busy.when(at="2026-03-02 14:05").then("cancel_invite kickoff ada")
    assert busy.state.holds == {}


def test_a_send_that_is_out_when_its_customer_is_merged_settles_without_a_trace_of_work(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1))))
    story.provider["welcome"] = [Effect("", "unknown", "the answer was lost")]
    story.when(at="2026-03-03 09:00").then("send_email welcome ada")
    story.when(MERGED, at="2026-03-03 09:01").then()
    story.when(at="2026-03-06 09:00").then()


def absorbed(**fields: object) -> Absorbed:
    return Absorbed("c0", **fields)  # type: ignore[arg-type] # the fields by name


def test_the_survivor_keeps_its_plays_and_stage_and_asks_somebody_to_look(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1)))).when(absorbed(), at="2026-03-02 12:00")
    story.then(LOOK.format("mara")).decided("fired merge merge", "c0 was merged into this customer")
    assert story.state.stage == "new"
    story.when(at="2026-03-03 09:00").then("send_email welcome ada")


def test_of_one_who_left_a_manager_looks_and_without_any_the_trace_says_so(given: Given) -> None:
    story = given().when(Churned(), at="2026-03-02 11:00").when(absorbed(), at="2026-03-02 12:00")
    story.then(LOOK.format("tom"))
    story = given(team={}).when(absorbed(), at="2026-03-02 12:00").then()
    story.decided("failed task merge", "nobody is csm")


def test_new_people_join_and_one_that_both_know_keeps_the_stricter_consent(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1), to=("champion", "billing"))))
    story.when(ContactSuppressed("bob", "unsubscribed"), at="2026-03-02 11:00")
    people = (
        Contact("ada", ("champion", "admin"), suppressed=True),
        Contact("bob", ("admin",)),
        Contact("cyd", ("billing",)),
    )
    story.when(absorbed(contacts=people), at="2026-03-02 12:00")
    assert story.state.contacts == (people[0], Contact("bob", ("admin",), suppressed=True), people[2])
    story.when(at="2026-03-03 09:00").then("send_email welcome cyd")


def test_a_role_that_nobody_had_is_filled_at_once(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1))), contacts=())
    story.when(at="2026-03-03 09:30").decided("held email welcome", "nobody is champion")
    story.when(absorbed(contacts=(Contact("cyd", ("champion",)),)), at="2026-03-03 12:00")
    story.then(LOOK.format("ivo"), "send_email welcome cyd")


def test_what_the_merged_one_was_sent_counts_towards_the_caps(given: Given) -> None:
    life = given.life(politeness=Politeness(per_day=1))
    story = given(given.book(given.email("welcome", When(day=1))), life=life)
    had = (Touched("ada", given.instant("2026-03-03 08:30"), "c0/other/1/hello"),)
    story.when(absorbed(touched=had), at="2026-03-03 08:45").when(absorbed(touched=had), at="2026-03-03 08:46")
    assert story.state.touched == had
    story.when(at="2026-03-03 09:00").then().decided("held email welcome", "cap: 1 a day to one person")
    story.when(at="2026-03-04 09:00").then("send_email welcome ada")


def test_a_survey_that_the_merged_one_was_sent_keeps_the_same_one_back(given: Given) -> None:
    life = given.life(politeness=Politeness(surveys={"nps": Length(80, "days")}))
    story = given(given.book(given.survey("ask", When(day=1))), life=life)
    had = (Touched("ada", given.instant("2026-02-02 09:00"), "c0/play/1/ask"),)
    story.when(absorbed(touched=had), at="2026-03-02 12:00").when(at="2026-03-03 09:00").then()
    why = "survey: nps at most every 80 days, after play/ask"
    story.decided("skipped survey ask", f"stale: {why}")


def test_a_contract_that_both_have_is_one_and_another_comes_along_unless_it_is_over(given: Given) -> None:
    life = given.life(phases=(PhaseSpec("assessment", 120),))
    story = given(contracts=(Contract("main", date(2027, 3, 31)),), life=life)
    others = (
        Contract("main-c0", date(2027, 3, 31)),
        Contract("main", date(2027, 5, 31)),
        Contract("second-c0", date(2026, 5, 31)),
        Contract("over-c0", date(2026, 3, 1)),
    )
    story.when(absorbed(contracts=others), at="2026-03-02 12:00").decided("fired phase assessment", "2026-05-31")
    assert [(item.id, item.ends_on) for item in story.state.contracts] == [
        ("main", date(2027, 3, 31)),
        ("second-c0", date(2026, 5, 31)),
    ]
