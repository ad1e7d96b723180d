"""When steps are due: days, wall times, clock changes, business days, delays, what is already past."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Length, When
from lifecycle.commands import SendEmail, SendInvite
from lifecycle.courtesy import Politeness
from lifecycle.messages import DueReached, FactsReported, Happened
from lifecycle.model import Profile
from lifecycle.playbook import Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given


def test_a_day_counts_from_the_signup_date_at_the_playbooks_wall_time(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.when(at="2026-03-03 08:59").then()
    story.when(at="2026-03-03 09:00").then("send_email welcome ada").decided("fired email welcome")


def test_a_step_may_name_its_own_wall_time(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1, at="14:30"))))
    story.when(at="2026-03-03 14:29").then()
    story.when(at="2026-03-03 14:30").then("send_email welcome ada")


@pytest.mark.parametrize(
    ("signup", "zone", "due"),
    [
        pytest.param("2026-03-28 10:00", "Europe/Berlin", "2026-03-29 09:00", id="the-clocks-go-forward"),
        pytest.param("2026-10-24 10:00", "Europe/Berlin", "2026-10-25 09:00", id="the-clocks-go-back"),
        pytest.param("2026-03-07 18:00", "America/New_York", "2026-03-08 14:00", id="new-york-is-five-hours-behind"),
        pytest.param("2028-02-28 10:00", "Europe/Berlin", "2028-02-29 09:00", id="leap-day"),
        pytest.param("2026-12-31 10:00", "Europe/Berlin", "2027-01-01 09:00", id="the-year-ends"),
        pytest.param("2026-03-02 23:30", "Asia/Tokyo", "2026-03-04 01:00", id="tokyo-has-another-date"),
    ],
)
def test_a_wall_time_stays_what_it_says_across_clock_changes(given: Given, signup: str, zone: str, due: str) -> None:
    story = given(given.book(given.email("welcome")), at=signup, zone=zone, country="")
    assert story.upcoming() == {"welcome": due}


@pytest.mark.parametrize(
    ("start", "country", "due"),
    [
        pytest.param("2026-03-06 10:00", "DE", "2026-03-09 09:00", id="saturday-becomes-monday"),
        pytest.param("2026-04-02 10:00", "DE", "2026-04-07 09:00", id="easter-becomes-tuesday"),
        pytest.param("2026-04-02 10:00", "US", "2026-04-03 09:00", id="a-holiday-elsewhere-does-not-count"),
        pytest.param("2026-03-02 10:00", "DE", "2026-03-03 09:00", id="a-business-day-stays"),
    ],
)
def test_a_shifted_touch_waits_for_the_next_business_day(given: Given, start: str, country: str, due: str) -> None:
    book = given.book(given.email("welcome", When(day=1, shift="next")))
    assert given(book, at=start, country=country).upcoming() == {"welcome": due}


@pytest.mark.parametrize(
    ("start", "when", "due"),
    [
        pytest.param("2026-03-06 10:00", When(day=2, shift="previous"), "2026-03-09 09:00", id="not-before-the-start"),
        pytest.param("2026-03-05 10:00", When(day=2, shift="previous"), "2026-03-06 09:00", id="saturday-is-friday"),
        pytest.param("2026-04-01 10:00", When(day=4, shift="previous"), "2026-04-02 09:00", id="easter-is-thursday"),
        pytest.param(
            "2026-03-05 10:00",
            When(delay=Length(2, "days"), shift="previous"),
            "2026-03-06 09:00",
            id="a-delay-moves-back-too",
        ),
        pytest.param(
            "2026-03-06 10:00",
            When(delay=Length(1, "days"), shift="previous"),
            "2026-03-09 09:00",
            id="and-not-before-it-began",
        ),
    ],
)
def test_a_touch_may_move_to_the_business_day_before(given: Given, start: str, when: When, due: str) -> None:
    assert given(given.book(given.email("welcome", when)), at=start).upcoming() == {"welcome": due}


BREAK = Politeness(blackouts=(("2026-03-04", "2026-03-09"),))


@pytest.mark.parametrize(
    ("when", "due"),
    [
        pytest.param(When(day=2), "2026-03-10 09:00", id="the-same-day-is-the-first-after-it"),
        pytest.param(When(day=6), "2026-03-10 09:00", id="a-sunday-in-it-too"),
        pytest.param(When(day=2, shift="next"), "2026-03-10 09:00", id="next-business-day"),
        pytest.param(When(day=4, shift="previous"), "2026-03-03 09:00", id="previous-business-day"),
        pytest.param(When(delay=Length(2, "days")), "2026-03-10 09:00", id="a-delay"),
        pytest.param(When(delay=Length(1, "days")), "2026-03-03 10:00", id="a-delay-that-ends-before-it"),
    ],
)
def test_no_touch_is_due_in_a_blackout(given: Given, when: When, due: str) -> None:
    assert given(given.book(given.email("mail", when)), life=given.life(politeness=BREAK)).upcoming() == {"mail": due}


def test_a_blackout_stops_no_task(given: Given) -> None:
    life = given.life(politeness=BREAK)
    given(given.book(given.task("call", When(day=2))), life=life).when(at="2026-03-04 09:00").then(
        "raise_task call mara"
    )


def test_a_meeting_lies_outside_a_blackout(given: Given) -> None:
    story = given(given.book(given.invite("kickoff", When(day=1))), life=given.life(politeness=BREAK))
    story.when(at="2026-03-03 09:00")
    assert isinstance(story.commands[0], SendInvite)
    assert story.commands[0].opens == given.instant("2026-03-10 10:00")


def test_a_step_without_a_day_goes_when_the_play_starts(given: Given) -> None:
    given(given.book(given.task("plan"))).then("raise_task plan mara")


def test_a_delay_without_a_step_counts_from_the_plays_start(given: Given) -> None:
    story = given(given.book(given.task("plan", When(delay=Length(3, "hours")))))
    story.then().when(at="2026-03-02 13:00").then("raise_task plan mara")


def test_a_step_after_another_counts_from_when_that_was_settled(given: Given) -> None:
    book = given.book(given.email("first"), given.email("second", When(after="first", delay=Length(2, "days"))))
    story = given(book)
    assert "second" not in story.upcoming()
    story.when(at="2026-03-03 09:00")
    assert story.upcoming()["second"] == "2026-03-05 09:00"


def test_a_step_right_after_another_goes_in_the_same_moment(given: Given) -> None:
    book = given.book(given.slack("first", When(day=1)), given.slack("second", When(after="first")))
    given(book).when(at="2026-03-03 09:00").then("post_slack first mara", "post_slack second mara")


def test_a_delay_that_ends_on_a_weekend_is_shifted_to_the_business_days_wall_time(given: Given) -> None:
    late = When(after="first", delay=Length(4, "days"), shift="next")
    story = given(given.book(given.slack("first", When(day=1)), given.slack("second", late)))
    story.when(at="2026-03-03 09:00")
    assert story.upcoming()["second"] == "2026-03-09 09:00"


def test_a_failed_send_does_not_move_what_comes_after_it(given: Given) -> None:
    from lifecycle.messages import Effect

    book = given.book(given.email("first"), given.email("second", When(after="first", delay=Length(1, "days"))))
    story = given(book)
    story.provider["first"] = [Effect("", "failed", "no such mailbox")]
    story.when(at="2026-03-03 09:00")
    assert story.upcoming()["second"] == "2026-03-04 09:00"


def test_a_step_after_one_that_can_no_longer_come_lets_the_play_end(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=5), given.get("setup.api")),
        given.slack("blocked", under="setup", branch="otherwise"),
        given.slack("follow", When(after="blocked")),
    )
    story = given(book).when(FactsReported({"setup.api": True}), at="2026-03-03 12:00")
    story.decided("fired play", "ended")
    assert story.state.plays == ()


def test_what_was_due_before_the_play_started_is_skipped_and_said_so(given: Given) -> None:
    book = given.book(
        given.email("early"), given.email("later", When(day=12)), trigger=Trigger(stage="onboarding"), anchor="signup"
    )
    story = given(book, signed_up_on=date(2026, 2, 25))
    story.decided("skipped email early", "was due on 2026-02-26, before the play started")
    assert story.upcoming() == {"later": "2026-03-09 09:00"}


def test_a_step_that_catches_up_goes_at_once(given: Given) -> None:
    book = given.book(given.email("early", When(day=1, catch_up=True)), trigger=Trigger(stage="onboarding"))
    given(book, signed_up_on=date(2026, 2, 25)).then("send_email early ada")


def test_a_negative_day_lies_before_the_anchor(given: Given) -> None:
    book = given.book(given.slack("before", When(day=-2)), given.slack("zero", When(day=0, at="23:00")))
    story = given(book)
    story.decided("skipped slack before")
    assert story.upcoming() == {"zero": "2026-03-02 23:00"}


def test_needs_hold_a_step_until_they_are_settled(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=5), given.get("setup.api")), given.slack("training", When(day=2), needs=("setup",))
    )
    story = given(book).when(at="2026-03-04 12:00").then()
    story.when(Happened("api.connected"), at="2026-03-05 11:00").then("post_slack training mara")


def test_needs_of_a_branch_never_taken_are_no_obstacle(given: Given) -> None:
    book = given.book(
        given.wait("setup", When(day=5), given.get("setup.api")),
        given.slack("blocked", under="setup", branch="otherwise"),
        given.slack("training", When(day=2), needs=("blocked",)),
    )
    story = given(book).when(Happened("api.connected"), at="2026-03-03 11:00").then()
    story.when(at="2026-03-04 09:00").then("post_slack training mara")


def test_the_anchor_may_be_the_day_of_entry_in_the_plays_zone(given: Given) -> None:
    book = given.book(
        given.slack("hello", When(day=1)), trigger=Trigger(event="kickoff.held"), anchor="entry", zone="Asia/Tokyo"
    )
    story = given(book).when(Happened("kickoff.held"), at="2026-03-10 18:00")
    assert story.upcoming() == {"hello": "2026-03-12 01:00"}


def test_the_anchor_stays_when_the_customer_moves(given: Given) -> None:
    from lifecycle.messages import ProfileChanged

    story = given(given.book(given.email("welcome")))
    story.when(ProfileChanged(Profile("Asia/Tokyo", date(2020, 1, 1), tier="team")), at="2026-03-02 12:00")
    assert story.upcoming() == {"welcome": "2026-03-03 09:00"}
    assert story.state.profile.signed_up_on == date(2026, 3, 2)
    assert story.state.profile.tier == "team"


def test_a_zone_that_does_not_exist_is_left_alone_and_said_so(given: Given) -> None:
    from lifecycle.messages import ProfileChanged

    story = given(given.book(given.email("welcome")))
    story.when(ProfileChanged(Profile("Mars/Olympus", date(2026, 3, 2))), at="2026-03-02 12:00")
    story.decided("skipped profile profile", "'Mars/Olympus'")
    assert story.state.profile.zone == "Europe/Berlin"


def test_a_customers_touches_are_spread_by_a_stable_share_inside_the_window(given: Given) -> None:
    dues = {
        customer: given(given.book(given.email("welcome")), spread=True, customer=customer).upcoming()["welcome"]
        for customer in ("c1", "c2", "c3", "c4")
    }
    assert len(set(dues.values())) > 1
    assert all("2026-03-03 09:00" <= due < "2026-03-03 09:30" for due in dues.values())


def test_a_touch_at_the_end_of_the_window_is_not_spread_out_of_it(given: Given) -> None:
    book = given.book(given.email("welcome", When(day=1, at="17:59")))
    for customer in ("c1", "c2", "c3", "c4"):
        due = given(book, spread=True, customer=customer).upcoming()["welcome"]
        assert due == "2026-03-03 17:59"


def test_spread_does_not_turn_priorities_around(given: Given) -> None:
    """One share a customer: with one a step, the mail of low priority could fall due first and take the day's cap."""
    low = given.book(given.email("tip"), name="low", priority=10)
    high = given.book(given.email("welcome"), name="high", priority=90)
    for customer in ("c1", "c2", "c3", "c4", "c5"):
        story = given(low, high, spread=True, customer=customer).when(at="2026-03-03 12:00")
        story.then("send_email welcome ada").decided("held email tip", "cap: 1 a day")


def test_five_minutes_late_is_judged_at_the_real_instant(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1, at="17:58"))))
    story.when(at="2026-03-03 18:04", asleep=True).then().decided("held email welcome", "outside the send window")
    story.when(at="2026-03-04 17:57").then()
    story.when(at="2026-03-04 17:58").then("send_email welcome ada")


def test_less_than_five_minutes_late_is_on_time(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1, at="17:58"))))
    story.when(at="2026-03-03 18:02", asleep=True).then("send_email welcome ada")


def test_what_is_late_says_so_and_keeps_its_nominal_instant(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.when(at="2026-03-03 11:00", asleep=True).then("send_email welcome ada")
    story.decided("fired email welcome", "late by 2:00:00")
    assert [item.at for item in story.decisions if item.what == "email"] == [given.instant("2026-03-03 09:00")]


def test_a_touch_later_than_stale_after_is_dropped_but_a_task_still_comes(given: Given) -> None:
    book = given.book(given.email("welcome"), given.task("plan", When(day=1)))
    story = given(book).when(at="2026-03-09 10:00", asleep=True)
    story.then("raise_task plan mara").decided("skipped email welcome", "stale: late by 6 days")


def test_late_mails_keep_the_cap_of_the_day_they_really_go(given: Given) -> None:
    book = given.book(given.email("one", When(day=1)), given.email("two", When(day=2)))
    story = given(book).when(at="2026-03-04 12:00", asleep=True)
    story.then("send_email one ada").decided("held email two", "cap: 1 a day")


def test_instants_reached_at_once_by_a_later_event_are_decided_at_their_own(given: Given) -> None:
    book = given.book(given.email("one", When(day=1)), given.email("two", When(day=2)))
    story = given(book)
    outcome = story.take(DueReached(), given.instant("2026-03-05 12:00"))
    sent = [command for command in outcome.commands if isinstance(command, SendEmail)]
    assert [command.due for command in sent] == [
        given.instant("2026-03-03 09:00"),
        given.instant("2026-03-04 09:00"),
    ]


@pytest.mark.parametrize(
    ("offered", "opens", "closes"),
    [
        pytest.param(When(day=1), "2026-03-05 10:00", "2026-03-05 16:00", id="the-whole-window"),
        pytest.param(When(day=3, at="08:00"), "2026-03-06 10:00", "2026-03-06 16:00", id="never-on-the-day-of-asking"),
        pytest.param(When(day=4, at="15:00"), "2026-03-09 10:00", "2026-03-09 16:00", id="over-the-weekend"),
    ],
)
def test_a_meeting_lies_in_its_window_or_on_the_next_business_day(
    given: Given, offered: When, opens: str, closes: str
) -> None:
    story = given(given.book(given.invite("kickoff", offered))).when(at="2026-03-06 17:00")
    (invite, *_) = [command for command in story.commands if isinstance(command, SendInvite)]
    assert (invite.opens, invite.closes) == (given.instant(opens), given.instant(closes))
    assert invite.guests == ("ada", "mara")
    assert invite.organizer == "mara"


def test_a_flush_of_records_is_owed_a_day_after_the_oldest(given: Given) -> None:
    from lifecycle.engine import next_due

    story = given(given.book(), life=given.life(stages=()))
    assert next_due(story.library, story.state) == given.instant("2026-03-02 10:00") + timedelta(days=1)
