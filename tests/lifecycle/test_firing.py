"""What stands in a step's way: missing people, suppression, holds, windows, quiet hours, caps; how long it waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Email, Invite, Length, Slack, Survey, When
from lifecycle.commands import RaiseTask, SendInvite
from lifecycle.courtesy import Politeness
from lifecycle.messages import (
    ContactChanged,
    ContactLeft,
    ContactRestored,
    ContactSuppressed,
    FactsReported,
    Happened,
    HoldLifted,
    HoldPlaced,
)
from lifecycle.model import Contact
from lifecycle.playbook import Step, Trigger

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given

ADMIN_ONLY = (Contact("bob", ("admin",)),)


def test_a_touch_carries_its_identity(given: Given) -> None:
    story = given(given.book(given.email("welcome"), given.task("plan", When(day=1)))).when(at="2026-03-03 09:00")
    assert [command.touch for command in story.commands] == [
        "c1/play/1/plan/1/task/mara",
        "c1/play/1/welcome/1/send/ada",
    ]


def test_each_kind_of_step_becomes_its_command(given: Given) -> None:
    when = When(day=1)
    book = given.book(
        given.survey("nps"), given.slack("tell", when), given.task("plan", when), given.invite("kickoff", when)
    )
    given(book).when(at="2026-03-03 09:00").then(
        "send_invite kickoff ada",
        "send_invite kickoff mara",
        "send_survey nps ada",
        "raise_task plan mara",
        "post_slack tell mara",
    )


def test_a_task_is_due_in_the_business_time_of_its_owner(given: Given) -> None:
    story = given(given.book(given.task("plan", When(day=4))), country="US").when(at="2026-03-06 09:00")
    assert [command.due_at for command in story.commands if isinstance(command, RaiseTask)] == [
        given.instant("2026-03-09 09:00")
    ]


def test_a_task_that_comes_by_night_is_due_a_business_day_after_its_owner_is_at_work(given: Given) -> None:
    """09:00 in Tokyo is 01:00 in Berlin: nobody is due at that hour a day later."""
    story = given(given.book(given.task("plan", When(day=1))), zone="Asia/Tokyo").when(at="2026-03-03 01:00")
    assert [command.due_at for command in story.commands if isinstance(command, RaiseTask)] == [
        given.instant("2026-03-04 09:00")
    ]


def test_a_person_with_two_roles_gets_a_step_once(given: Given) -> None:
    story = given(
        given.book(given.email("welcome", to=("champion", "admin"))), contacts=(Contact("ada", ("champion", "admin")),)
    )
    story.when(at="2026-03-03 09:00").then("send_email welcome ada")


def test_owner_means_the_playbooks_owner(given: Given) -> None:
    book = given.book(Step("tell", Slack(("owner",), "tell")))
    given(replace(book, owner="implementation_specialist")).then("post_slack tell ivo")


def test_a_role_nobody_has_falls_back_along_its_chain(given: Given) -> None:
    story = given(given.book(given.slack("tell")), team={"cs_manager": given(given.book()).state.team["cs_manager"]})
    story.then("post_slack tell tom")


def test_a_condition_is_judged_when_the_step_is_due(given: Given) -> None:
    book = given.book(given.email("tip", condition=given.get("setup.api")))
    given(book).when(at="2026-03-03 09:00").then().decided("skipped email tip", "if not met: setup.api unknown")
    story = given(book).when(Happened("api.connected"), at="2026-03-03 08:00")
    story.when(at="2026-03-03 09:00").then("send_email tip ada")


# --- nobody is there ------------------------------------------------------------------------------------------------


def test_a_step_for_a_missing_champion_is_held_and_raises_one_task(given: Given) -> None:
    story = given(given.book(given.email("welcome")), contacts=ADMIN_ONLY)
    story.when(at="2026-03-03 09:00").then("raise_task welcome mara 'Name a champion: welcome waits for one'")
    story.decided("held email welcome", "nobody is champion")
    story.when(at="2026-03-04 09:00").then().decided("held email welcome", "until 2026-03-05 09:00")


def test_the_held_step_goes_when_the_champion_appears(given: Given) -> None:
    story = given(given.book(given.email("welcome")), contacts=ADMIN_ONLY).when(at="2026-03-03 09:00")
    story.when(ContactChanged(Contact("ada", ("champion",))), at="2026-03-03 15:00").then("send_email welcome ada")


def test_a_step_held_for_three_business_days_is_dropped(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=4))), contacts=ADMIN_ONLY)
    story.when(at="2026-03-10 12:00").then("raise_task welcome mara 'Name a champion: welcome waits for one'")
    story.when(at="2026-03-11 09:00").then().decided("skipped email welcome", "stale: nobody is champion")
    assert story.state.plays == ()


def test_the_task_comes_even_when_something_else_held_the_step_first(given: Given) -> None:
    story = given(given.book(given.email("welcome")), contacts=ADMIN_ONLY)
    story.when(HoldPlaced("mara", "incident"), at="2026-03-02 12:00").when(at="2026-03-03 09:00").then()
    story.when(HoldLifted("mara"), at="2026-03-03 10:00")
    story.then("raise_task welcome mara 'Name a champion: welcome waits for one'")


def test_without_anybody_to_take_the_task_the_trace_says_so(given: Given) -> None:
    story = given(given.book(given.email("welcome")), contacts=ADMIN_ONLY, team={})
    story.when(at="2026-03-03 09:00").then().decided("failed task welcome", "nobody is csm")


def test_a_meeting_without_an_organizer_is_held(given: Given) -> None:
    step = Step("kickoff", Invite(("champion",), "kickoff", 3, "10:00", "16:00", 60, organizer="sales"), When(day=1))
    given(given.book(step)).when(at="2026-03-03 09:00").decided("held invite kickoff", "nobody is sales")


# --- suppression ----------------------------------------------------------------------------------------------------


def test_a_suppressed_contact_is_not_touched(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.when(ContactSuppressed("ada", "unsubscribed"), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").then().decided("skipped email welcome", "suppressed")


def test_the_others_of_a_step_are_still_touched(given: Given) -> None:
    story = given(given.book(given.email("welcome", to=("champion", "admin"))))
    story.when(ContactSuppressed("ada", "bounced"), at="2026-03-02 12:00").when(at="2026-03-03 09:00")
    story.then("send_email welcome bob").decided("skipped email welcome", "suppressed")


def test_no_meeting_is_held_without_the_customer(given: Given) -> None:
    story = given(given.book(given.invite("kickoff")))
    story.when(ContactSuppressed("ada", "unsubscribed"), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").then().decided("skipped invite kickoff", "suppressed")


def test_a_change_of_roles_does_not_lift_a_suppression(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.when(ContactSuppressed("ada", "unsubscribed"), at="2026-03-02 12:00")
    story.when(ContactChanged(Contact("ada", ("champion", "admin"))), at="2026-03-02 13:00")
    story.when(at="2026-03-03 09:00").then()


def test_a_restored_contact_is_touched_again(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.when(ContactSuppressed("ada", "unsubscribed"), at="2026-03-02 12:00")
    story.when(ContactRestored("ada"), at="2026-03-02 13:00").when(at="2026-03-03 09:00").then("send_email welcome ada")


def test_another_champion_is_written_to_when_the_first_is_suppressed(given: Given) -> None:
    both = (Contact("ada", ("champion",), suppressed=True), Contact("eve", ("champion",)))
    given(given.book(given.email("welcome")), contacts=both).when(at="2026-03-03 09:00").then("send_email welcome eve")


def test_a_contact_that_left_is_not_written_to(given: Given) -> None:
    story = given(given.book(given.email("welcome"))).when(ContactLeft("ada"), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00").decided("held email welcome", "nobody is champion")


# --- holds, windows, caps -------------------------------------------------------------------------------------------


def test_a_hold_stops_touches_but_not_work_for_the_team(given: Given) -> None:
    book = given.book(given.email("welcome"), given.task("plan", When(day=1)))
    story = given(book).when(HoldPlaced("mara", "incident 7"), at="2026-03-02 12:00").answered("done")
    story.when(at="2026-03-03 09:00").then("raise_task plan mara").decided("held email welcome", "on hold: incident 7")


def test_lifting_the_hold_sends_what_waited(given: Given) -> None:
    story = given(given.book(given.email("welcome"))).when(HoldPlaced("mara", ""), at="2026-03-02 12:00")
    story.when(at="2026-03-03 12:00").decided("held email welcome", "on hold: on hold")
    story.when(HoldLifted("mara"), at="2026-03-03 12:30").then("send_email welcome ada").answered("done")


def test_a_touch_outside_the_window_goes_when_it_opens(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=1, at="06:00"))))
    story.when(at="2026-03-03 06:00").then().decided("held email welcome", "Tue 06:00 is outside the send window")
    story.when(at="2026-03-03 08:00").then("send_email welcome ada")


def test_quiet_hours_win_over_a_wider_window(given: Given) -> None:
    book = given.book(given.email("welcome", When(day=1, at="21:00")), window=("00:00", "23:59"))
    given(book).when(at="2026-03-04 08:00").then("send_email welcome ada")


def test_a_shifted_touch_held_on_friday_evening_goes_on_monday(given: Given) -> None:
    story = given(given.book(given.email("welcome", When(day=4, at="19:00", shift="next"))))
    story.when(at="2026-03-06 19:00")
    assert story.upcoming() == {"welcome": "2026-03-09 08:00"}


def test_one_mail_a_day_to_one_person_the_other_waits_for_tomorrow(given: Given) -> None:
    book = given.book(given.email("a"), given.email("b"))
    story = given(book).when(at="2026-03-03 09:00").then("send_email a ada")
    story.decided("held email b", "until 2026-03-04 09:00: cap: 1 a day to one person")
    story.when(at="2026-03-04 09:00").then("send_email b ada")


def test_another_person_is_not_under_the_same_cap(given: Given) -> None:
    book = given.book(given.email("a"), given.email("b", to=("admin",)))
    given(book).when(at="2026-03-03 09:00").then("send_email a ada", "send_email b bob")


def test_on_a_collision_the_higher_priority_goes(given: Given) -> None:
    low = given.book(given.email("tip"), name="a-low", priority=10)
    high = given.book(given.email("welcome"), name="z-high", priority=90)
    given(low, high).when(at="2026-03-03 09:00").then("send_email welcome ada").decided("held email tip")


def test_of_equal_priority_the_one_that_has_waited_longer_goes(given: Given) -> None:
    book = given.book(given.email("m"), given.email("z"), given.email("a", When(day=2)))
    story = given(book).when(at="2026-03-03 09:00").then("send_email m ada")
    story.when(at="2026-03-04 09:00").then("send_email z ada").decided("held email a")


def test_four_a_week_then_the_next_free_day(given: Given) -> None:
    book = given.book(*(given.email(f"m{day}", When(day=day)) for day in range(1, 6)))
    story = given(book).when(at="2026-03-07 09:00")
    story.decided("held email m5", "until 2026-03-10 09:00: cap: 4 in 7 days")


def test_a_touch_that_comes_late_into_a_blackout_waits_for_its_end(given: Given) -> None:
    life = given.life(politeness=Politeness(blackouts=(("2026-03-04", "2026-03-04"),)))
    story = given(given.book(given.email("a", to=("executive_sponsor",))), life=life)
    story.when(at="2026-03-03 09:00").when(at="2026-03-04 09:00").decided("held email a", "nobody is executive_sponsor")
    story.when(ContactChanged(Contact("eve", ("executive_sponsor",))), at="2026-03-04 10:00")
    story.then().decided("held email a", "until 2026-03-05 09:00: 2026-03-04 is a blackout date")


@pytest.mark.parametrize(
    ("rules", "until"),
    [
        (Politeness(per_day=5, customer_per_day=2), "2026-03-04 09:00: cap: 2 a day to one customer"),
        (Politeness(per_day=5, per_week=9, customer_per_week=2), "2026-03-10 09:00: cap: 2 in 7 days to one customer"),
    ],
)
def test_a_customers_own_cap_counts_a_mail_to_two_people_once(given: Given, rules: Politeness, until: str) -> None:
    life = given.life(politeness=replace(rules, stale_after=Length(9, "days")))
    both = given.email("a", to=("champion", "admin"))
    book = given.book(both, given.email("b", to=("admin",)), given.email("c", to=("admin",)))
    story = given(book, life=life).when(at="2026-03-03 09:00")
    story.then("send_email a ada", "send_email a bob", "send_email b bob").decided("held email c", f"until {until}")


def test_a_touch_that_no_free_slot_takes_in_time_is_dropped(given: Given) -> None:
    life = given.life(politeness=Politeness(per_day=5, per_week=1))
    story = given(given.book(given.email("a"), given.email("b")), life=life).when(at="2026-03-03 09:00")
    story.then("send_email a ada").decided("skipped email b", "stale: cap: 1 in 7 days")


def test_a_cap_of_none_drops_with_its_reason(given: Given) -> None:
    life = given.life(politeness=Politeness(per_day=0))
    story = given(given.book(given.email("a")), life=life).when(at="2026-03-03 09:00")
    story.then().decided("skipped email a", "cap: 0 a day")


def test_a_suppressed_recipient_does_not_use_up_a_cap(given: Given) -> None:
    book = given.book(given.email("a"), given.email("b", to=("champion", "admin")))
    story = given(book).when(at="2026-03-03 08:59")
    story.when(ContactSuppressed("ada", "bounced"), at="2026-03-03 08:59")
    story.when(at="2026-03-03 09:00").then("send_email b bob")


def test_invites_count_towards_no_cap(given: Given) -> None:
    given(given.book(given.email("a"), given.invite("b"))).when(at="2026-03-03 09:00").then(
        "send_email a ada", "send_invite b ada", "send_invite b mara"
    )


def test_touches_older_than_any_cap_are_forgotten(given: Given) -> None:
    book = given.book(given.email("a"), given.email("b", When(day=20)))
    story = given(book).when(at="2026-03-23 09:00")
    assert [(item.contact, item.step) for item in story.state.touched] == [("ada", "play/1/b")]


def test_a_surveys_and_a_mail_share_the_cap(given: Given) -> None:
    step = Step("nps", Survey("nps", ("champion",), "nps"), When(day=1))
    given(given.book(given.email("a"), step)).when(at="2026-03-03 09:00").then("send_email a ada")


@pytest.mark.parametrize("kind", ["again", "skipped"])
def test_a_held_step_is_judged_by_its_condition_again(given: Given, kind: str) -> None:
    book = given.book(given.email("welcome", condition=given.compare("usage.share", "<", 0.5)))
    story = given(book, contacts=ADMIN_ONLY).when(FactsReported({"usage.share": 0.1}), at="2026-03-02 12:00")
    story.when(at="2026-03-03 09:00")
    if kind == "skipped":
        story.when(FactsReported({"usage.share": 0.9}), at="2026-03-03 10:00")
    story.when(ContactChanged(Contact("ada", ("champion",))), at="2026-03-03 11:00")
    story.then(*(["send_email welcome ada"] if kind == "again" else []))


def test_a_step_in_the_zone_of_its_playbook_follows_that_zone(given: Given) -> None:
    book = given.book(given.email("welcome"), zone="America/New_York")
    given(book).when(at="2026-03-03 15:00").then("send_email welcome ada")


def test_guests_of_a_meeting_are_those_who_may_be_written_to(given: Given) -> None:
    action = Invite(("champion", "admin", "csm"), "kickoff", 3, "10:00", "16:00", 60)
    story = given(given.book(Step("kickoff", action, When(day=1))))
    story.when(ContactSuppressed("bob", "bounced"), at="2026-03-02 12:00").when(at="2026-03-03 09:00")
    assert {command.guests for command in story.commands if isinstance(command, SendInvite)} == {("ada", "mara")}


def test_a_step_by_event_trigger_starts_no_touch_by_itself(given: Given) -> None:
    book = given.book(Step("tell", Email(("champion",), "tell")), trigger=Trigger(event="kickoff.held"))
    given(book).then().when(Happened("kickoff.held"), at="2026-03-02 12:00").then("send_email tell ada")
