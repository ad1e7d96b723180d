"""Waits and their branches: met, met before (look-back), timed out; deadlines do not shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Length, Wait, When
from lifecycle.messages import FactsReported, Happened, MilestoneTicked, SurveyAnswered
from lifecycle.model import Contact
from lifecycle.playbook import Playbook, Step, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given


def setup(given: Given) -> Playbook:
    return given.book(
        given.wait("setup", When(day=5, at="17:00"), given.get("milestones.technical_setup")),
        given.slack("well-done", under="setup", branch="then"),
        given.slack("blocked", under="setup", branch="otherwise"),
    )


def test_a_wait_that_opens_says_what_for_and_until_when(given: Given) -> None:
    story = given(setup(given))
    story.decided("waiting wait setup", "for milestones.technical_setup until 2026-03-07 17:00")
    assert story.upcoming() == {"setup": "2026-03-07 17:00"}


def test_a_condition_that_comes_true_opens_the_first_branch(given: Given) -> None:
    story = given(setup(given)).when(Happened("api.connected"), at="2026-03-04 12:00")
    story.then("post_slack well-done mara").decided("fired wait setup", "met: milestones.technical_setup = yes")
    story.decided("fired play", "ended")


def test_a_persons_word_is_enough(given: Given) -> None:
    story = given(setup(given)).when(MilestoneTicked("technical_setup", "mara"), at="2026-03-04 12:00")
    story.then("post_slack well-done mara")


def test_a_deadline_is_not_shifted_and_opens_the_other_branch(given: Given) -> None:
    story = given(setup(given)).when(at="2026-03-07 16:59").then()
    story.when(at="2026-03-07 17:00").then("post_slack blocked mara")
    story.decided("skipped wait setup", "not met in time: milestones.technical_setup unknown")


def test_the_branch_not_taken_never_comes(given: Given) -> None:
    story = given(setup(given)).when(at="2026-03-07 17:00")
    story.when(Happened("api.connected"), at="2026-03-08 12:00").then()


def test_met_at_the_deadline_itself_is_too_late_because_the_clock_comes_first(given: Given) -> None:
    story = given(setup(given)).when(Happened("api.connected"), at="2026-03-07 17:00")
    story.then("post_slack blocked mara")


def test_what_was_met_before_the_wait_opened_counts(given: Given) -> None:
    book = given.book(
        given.slack("first", When(day=2)),
        given.wait("setup", When(day=5), given.get("setup.api"), needs=("first",)),
        given.slack("well-done", under="setup", branch="then"),
    )
    story = given(book).when(Happened("api.connected"), at="2026-03-03 12:00").then()
    story.when(at="2026-03-04 09:00").then("post_slack first mara", "post_slack well-done mara")


def test_a_milestone_taken_back_before_anything_followed_is_waited_for_again(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=5), given.get("milestones.technical_setup")),
        given.slack("well-done", When(delay=Length(1, "days")), under="setup", branch="then"),
        given.slack("blocked", under="setup", branch="otherwise"),
    )
    story = given(book).when(MilestoneTicked("technical_setup", "mara"), at="2026-03-04 12:00")
    assert story.status("setup") == "met"
    story.when(MilestoneTicked("technical_setup", "mara", done=False), at="2026-03-04 13:00")
    story.decided("waiting wait setup", "taken back")
    story.when(at="2026-03-07 09:00").then("post_slack blocked mara")


def test_a_milestone_taken_back_after_its_branch_has_begun_changes_nothing(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=5), given.get("milestones.technical_setup")),
        given.slack("well-done", under="setup", branch="then"),
        given.slack("end", When(day=9)),
    )
    story = given(book).when(MilestoneTicked("technical_setup", "mara"), at="2026-03-04 12:00")
    story.when(MilestoneTicked("technical_setup", "mara", done=False), at="2026-03-04 13:00")
    assert story.status("setup") == "met"


def answered(given: Given, anchor: str = "signup") -> Playbook:
    return given.book(
        given.slack("first", When(day=1)),
        given.wait("answer", When(day=5), event="nps.answered", needs=("first",)),
        given.slack("thanks", under="answer", branch="then"),
        given.slack("nothing", under="answer", branch="otherwise"),
        trigger=Trigger(event="kickoff.held") if anchor == "entry" else None,
        anchor=anchor,
    )


def test_an_event_since_the_anchor_counts(given: Given) -> None:
    story = given(answered(given)).when(SurveyAnswered("nps", "ada", 9), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").then("post_slack first mara", "post_slack thanks mara")
    story.decided("fired wait answer", "met: nps.answered on 2026-03-02")


def test_an_event_before_the_anchor_does_not_count(given: Given) -> None:
    story = given(answered(given, "entry")).when(SurveyAnswered("nps", "ada", 9), at="2026-03-02 12:00")
    story.when(Happened("kickoff.held"), at="2026-03-03 12:00")
    story.when(at="2026-03-08 09:00").then("post_slack first mara", "post_slack nothing mara")
    story.decided("skipped wait answer", "no nps.answered")


def test_an_answer_sets_its_score(given: Given) -> None:
    story = given(answered(given)).when(SurveyAnswered("nps", "ada", 4), at="2026-03-03 12:00")
    assert story.state.facts["nps.score"].value == 4
    story.then("post_slack first mara", "post_slack thanks mara")


def test_a_wait_may_give_up_after_a_length_or_at_once(given: Given) -> None:
    book = given.book(
        given.wait("a", When(delay=Length(2, "days")), given.get("setup.api")),
        given.wait("b", When(), given.get("setup.api")),
        given.slack("now", under="b", branch="otherwise"),
    )
    story = given(book).then("post_slack now mara")
    assert story.upcoming() == {"a": "2026-03-04 10:00"}


def test_a_wait_whose_condition_says_no_closes_both_branches(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=5), given.get("setup.api"), condition=given.get("access.given")),
        given.slack("well-done", under="setup", branch="then"),
        given.wait("inner", When(day=6), given.get("setup.done"), under="setup", branch="otherwise"),
        given.slack("innermost", under="inner", branch="then"),
    )
    given(book).decided("skipped wait setup", "if not met: access.given unknown").decided("fired play", "ended")


def test_a_branch_may_wait_again(given: Given) -> None:
    book = given.book(
        given.wait("one", When(day=1), given.get("setup.api")),
        given.wait("two", When(day=2), given.get("setup.api"), under="one", branch="otherwise"),
        given.slack("lost", under="two", branch="otherwise"),
        given.slack("found", under="two", branch="then"),
    )
    story = given(book).when(at="2026-03-03 12:00").then()
    story.when(Happened("api.connected"), at="2026-03-03 13:00").then("post_slack found mara")


def test_a_day_in_a_branch_that_opens_later_goes_when_it_opens(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=5), given.get("setup.api")),
        given.slack("blocked", When(day=2), under="setup", branch="otherwise"),
    )
    given(book).when(at="2026-03-07 09:00").then("post_slack blocked mara")


def test_a_fact_of_no_catalogue_is_not_remembered(given: Given) -> None:
    story = given(setup(given)).when(FactsReported({"who.knows": 1}), at="2026-03-03 12:00")
    assert story.state.facts == {}


def test_a_wait_for_someone_missing_says_so_in_what_is_next(given: Given) -> None:
    from lifecycle.engine import upcoming

    book = given.book(
        given.wait("answer", When(day=5), event="nps.answered"),
        given.email("welcome"),
        given.email("offer", When(day=3), approval=given.approval(Length(1, "days"))),
        given.slack("much-later", When(day=9)),
    )
    story = given(book, contacts=(Contact("bob", ("admin",)),)).when(at="2026-03-04 10:00")
    said = {item.step: (item.reason, item.to) for item in upcoming(story.library, story.state)}
    assert said == {
        "answer": ("for nps.answered", ""),
        "welcome": ("held", "champion"),
        "offer": ("for the answer of csm", "champion"),
        "much-later": ("scheduled since 2026-03-02", "csm"),
    }


def heard_since(given: Given, since: str) -> Playbook:
    """A task at noon of day 1, and a wait for an event since something; the play starts on day 1."""
    since_then = Step("heard", Wait(When(day=8), event="kickoff.held", since=since))
    return given.book(
        given.task("first", When(day=1, at="12:00")),
        since_then,
        given.slack("told", under="heard", branch="then"),
        trigger=Trigger(stage="onboarding"),
    )


@pytest.mark.parametrize(
    ("since", "at", "counts"),
    [
        ("", "2026-03-02 12:00", True),
        ("entry", "2026-03-02 12:00", False),
        ("entry", "2026-03-03 00:30", True),
        ("first", "2026-03-03 11:59", False),
        ("first", "2026-03-03 12:00", False),
        ("first", "2026-03-03 12:01", True),
        ("odd", "2026-03-03 12:01", False),
    ],
)
def test_an_event_counts_from_where_the_wait_says(given: Given, since: str, at: str, *, counts: bool) -> None:
    story = given(heard_since(given, since)).when(Happened("kickoff.held"), at=at).when(at="2026-03-04 09:00")
    assert (story.status("told") == "fired" if story.state.plays else True) is counts
