"""How plays start and end: triggers, entry, re-entry, exits, goals, churn, releases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Length, When
from lifecycle.commands import CancelInvite
from lifecycle.engine import next_due
from lifecycle.messages import (
    ApprovalAnswered,
    CatalogueApplied,
    Churned,
    ContactChanged,
    FactsReported,
    Happened,
    Returned,
    SignedUp,
    StageSet,
)
from lifecycle.model import Contact
from lifecycle.playbook import Trigger
from lifecycle.releases import ReleaseMissingError
from lifecycle.trace import place, public

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given


def test_an_entry_that_is_not_met_says_why(given: Given) -> None:
    story = given(given.book(given.email("welcome"), entry=given.compare("customer.tier", "==", "team")))
    story.decided("skipped play", "entry not met: customer.tier = 'pro', not 'team'")
    assert story.state.plays == ()


def test_a_trigger_with_a_condition_starts_only_what_it_names(given: Given) -> None:
    trigger = Trigger(event="kickoff.held", where=given.compare("nps.score", "<=", 6))
    story = given(given.book(given.slack("call"), trigger=trigger, anchor="entry"))
    story.when(Happened("kickoff.held", {"nps.score": 9}), at="2026-03-02 12:00").undecided()
    story.when(Happened("kickoff.held", {"nps.score": 3}), at="2026-03-02 13:00").then("post_slack call mara")


def test_a_band_starts_a_play(given: Given) -> None:
    story = given(given.book(given.slack("assess"), trigger=Trigger(band="red"), anchor="entry"))
    story.when(FactsReported({"health.score": 90}), at="2026-03-03 12:00").then()
    story.when(FactsReported({"health.score": 55}), at="2026-03-04 12:00").then("post_slack assess mara")


def test_a_play_does_not_start_beside_itself(given: Given) -> None:
    trigger = Trigger(event="kickoff.held")
    story = given(given.book(given.slack("call", When(day=3)), trigger=trigger, anchor="entry", reentry="again"))
    story.when(Happened("kickoff.held"), at="2026-03-02 12:00")
    story.when(Happened("kickoff.held"), at="2026-03-02 13:00").decided("skipped play", "already running")


def test_what_runs_once_runs_once(given: Given) -> None:
    story = given(given.book(given.slack("call"), trigger=Trigger(event="kickoff.held"), anchor="entry"))
    story.when(Happened("kickoff.held"), at="2026-03-02 12:00").then("post_slack call mara")
    story.when(Happened("kickoff.held"), at="2026-03-03 12:00").then().decided("skipped play", "runs once")


def test_what_may_run_again_cools_down_first_and_counts_its_plays(given: Given) -> None:
    trigger = Trigger(event="kickoff.held")
    book = given.book(
        given.slack("call"), trigger=trigger, anchor="entry", reentry="again", cooldown=Length(30, "days")
    )
    story = given(book).when(Happened("kickoff.held"), at="2026-03-02 12:00")
    story.when(Happened("kickoff.held"), at="2026-04-01 11:59")
    story.decided("skipped play", "cooling down until 2026-04-01")
    story.when(Happened("kickoff.held"), at="2026-04-01 12:00").then("post_slack call mara")
    assert [command.touch for command in story.commands] == ["c1/play/2/call/1/send/mara"]


def test_an_exit_ends_a_play_with_a_reason_for_each_open_step(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=9), given.get("setup.done")),
        given.email("welcome"),
        exit=given.get("setup.api"),
    )
    story = given(book, contacts=()).when(at="2026-03-03 09:00").when(Happened("api.connected"), at="2026-03-03 12:00")
    story.decided("cancelled wait setup", "exit: setup.api = yes").decided("cancelled email welcome")
    story.decided("cancelled play", "ended: exit: setup.api = yes")
    story.when(ContactChanged(Contact("ada", ("champion",))), at="2026-03-03 13:00").then()


def test_a_goal_ends_a_play_as_a_success(given: Given) -> None:
    story = given(given.book(given.email("welcome"), goal=given.get("setup.api")))
    story.when(Happened("api.connected"), at="2026-03-02 12:00").decided("cancelled play", "goal reached: setup.api")


def test_an_exit_is_checked_before_anything_fires_in_the_same_moment(given: Given) -> None:
    story = given(given.book(given.task("plan", When(delay=Length(0, "minutes"))), exit=given.get("access.given")))
    story.then("raise_task plan mara")
    late = given(
        given.book(given.task("plan"), exit=given.get("setup.api"), trigger=Trigger(event="api.connected")),
    )
    late.when(Happened("api.connected"), at="2026-03-02 12:00").then()


def test_a_meeting_is_cancelled_for_everybody_it_reached(given: Given) -> None:
    book = given.book(given.invite("kickoff"), given.slack("end", When(day=9)))
    story = given(book).when(at="2026-03-03 09:00").when(Churned("too expensive"), at="2026-03-04 12:00")
    story.then("cancel_invite kickoff ada", "cancel_invite kickoff mara")
    story.decided("cancelled invite kickoff", "the customer left")
    assert {item.meeting for item in story.commands if isinstance(item, CancelInvite)} == {"c1/play/1/kickoff/1/send"}


def test_a_meeting_that_is_over_is_not_cancelled(given: Given) -> None:
    book = given.book(given.invite("kickoff"), given.slack("end", When(day=9)))
    given(book).when(at="2026-03-03 09:00").when(Churned(), at="2026-03-05 16:00").then()


def test_churn_ends_every_play_and_starts_only_those_for_who_left(given: Given) -> None:
    onboarding = given.book(given.email("welcome"), name="onboarding")
    survey = given.book(given.slack("why"), name="exit-survey", trigger=Trigger(stage="churned"), anchor="entry")
    by_event = given.book(given.slack("hi"), name="by-event", trigger=Trigger(event="kickoff.held"), anchor="entry")
    story = given(onboarding, survey, by_event).when(Churned("gone"), at="2026-03-02 12:00")
    story.then("post_slack why mara").decided("fired stage churned", "the customer left: gone")
    story.when(Happened("kickoff.held"), at="2026-03-02 13:00").then().decided("skipped play", "the customer left")
    assert story.state.counters == {"onboarding": 1, "exit-survey": 1}
    story.when(Churned(), at="2026-03-02 14:00").decided("skipped stage churned", "has left already")


def test_a_customer_that_returns_is_in_onboarding_again(given: Given) -> None:
    story = given(given.book(given.email("welcome"))).when(Churned(), at="2026-03-02 12:00")
    assert story.state.stage == "churned"
    story.when(Returned(), at="2026-03-04 12:00").decided("fired stage onboarding", "came back")
    story.when(Returned(), at="2026-03-05 12:00").decided("skipped stage onboarding", "has not left")


def test_a_stage_set_to_churned_ends_plays_too(given: Given) -> None:
    story = given(given.book(given.email("welcome"))).when(StageSet("churned", "mara", "closed"), at="2026-03-02 12:00")
    story.decided("cancelled play", "the customer left")


def test_a_play_keeps_the_release_it_started_with(given: Given) -> None:
    trigger = Trigger(event="kickoff.held")
    old = given.book(given.slack("old", When(day=1)), trigger=trigger, anchor="entry", reentry="again")
    new = replace(old, steps=(given.slack("new", When(day=1)),))
    story = given(old).when(Happened("kickoff.held"), at="2026-03-02 12:00")
    story.when(story.apply(new), at="2026-03-02 13:00")
    story.when(at="2026-03-03 09:00").then("post_slack old mara")
    story.when(Happened("kickoff.held"), at="2026-03-03 12:00").when(at="2026-03-04 09:00").then("post_slack new mara")


def test_the_same_catalogue_again_changes_nothing(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    before = story.state
    story.when(CatalogueApplied(before.catalogue), at="2026-03-02 10:00").undecided()
    assert story.state == replace(before, records=story.state.records)


def test_a_release_that_is_not_at_hand_fails_the_step_and_names_itself(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    with pytest.raises(ReleaseMissingError, match="0123456789abcdef"):
        story.when(CatalogueApplied("0123456789abcdef"), at="2026-03-02 12:00")


def test_a_play_without_steps_ends_at_once(given: Given) -> None:
    story = given(given.book())
    assert story.state.plays == ()
    assert [item.reason for item in story.decisions if item.what == "play"] == [
        "started; day 0 is 2026-03-02",
        "ended: every step is settled",
    ]


def test_a_second_signup_changes_the_profile_and_starts_nothing_again(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    profile = replace(story.state.profile, tier="enterprise")
    story.when(SignedUp(profile), at="2026-03-02 12:00").decided("skipped stage new", "signed up already")
    assert story.state.profile.tier == "enterprise"
    assert [contact.id for contact in story.state.contacts] == ["ada", "bob"]
    assert len(story.state.plays) == 1


def test_before_the_signup_nothing_is_owed(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    begun = replace(story.state, seen={}, plays=(), records=())
    assert next_due(story.library, begun) is None


def test_playing_names_the_plays_in_flight(given: Given) -> None:
    tips = given.book(given.email("tip", condition=given.get("playing.main_one")), name="tips")
    main = given.book(given.slack("end", When(day=9)), name="main-one")
    given(tips, main).when(at="2026-03-03 09:00").then("send_email tip ada")
    given(tips).when(at="2026-03-03 09:00").then().decided("skipped email tip", "playing.main_one = no")


def test_a_decision_is_shown_in_the_customers_time_with_its_place(given: Given) -> None:
    story = given(given.book(given.email("welcome"))).when(at="2026-03-03 09:00")
    (decision,) = [item for item in story.decisions if item.what == "email"]
    where = place(story.library, decision)
    shown = public(decision, customer="c1", zone="America/New_York", place=where)
    assert shown["at"] == "2026-03-03T03:00:00-05:00"
    assert (shown["place"], shown["verdict"], shown["to"]) == ("playbooks/play.yaml:10", "fired", "champion")
    (moved,) = [item for item in story.decisions if item.what == "stage"]
    assert place(story.library, moved) == "playbooks/lifecycle.yaml:12"


def test_an_approved_step_is_cancelled_by_an_exit(given: Given) -> None:
    step = given.email("offer", When(day=2), approval=given.approval(Length(1, "days")))
    story = given(given.book(step, exit=given.get("setup.api"))).when(at="2026-03-03 09:00")
    story.when(ApprovalAnswered("play/1/offer", "mara", "approve", "p"), at="2026-03-03 10:00")
    story.when(Happened("api.connected"), at="2026-03-03 11:00").then().decided("cancelled email offer", "exit")
