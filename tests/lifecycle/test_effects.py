"""What became of the commands: delivered, refused, postponed, unknown, withdrawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lifecycle.actions import When
from lifecycle.commands import CancelInvite, SendInvite
from lifecycle.effects import left_behind
from lifecycle.messages import (
    BatchSettled,
    Churned,
    ContactLeft,
    ContactSuppressed,
    DueReached,
    Effect,
    Happened,
    HoldLifted,
    HoldPlaced,
    SendsReleased,
)
from lifecycle.playbook import Playbook

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Story


def told_later(given: Given, until: str, *, book: Playbook | None = None) -> Story:
    """A story in which the provider took the welcome of Tuesday 09:00 for later."""
    story = given(book or given.book(given.email("welcome"), given.slack("end", When(day=20))))
    story.provider["welcome"] = [Effect("", "later", "429", given.instant(until))]
    return story.when(at="2026-03-03 09:00").then("send_email welcome ada")


def test_a_play_is_let_go_once_every_outcome_is_in(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    (command,) = story.take(DueReached(), given.instant("2026-03-03 09:00")).commands
    assert story.state.plays == ()
    assert command.touch == "c1/play/1/welcome/1/send/ada"


def test_an_ended_play_stays_while_an_outcome_is_out(given: Given) -> None:
    story = told_later(given, "2026-03-03 09:10", book=given.book(given.email("welcome")))
    assert [play.over for play in story.state.plays] == [True]
    story.when(at="2026-03-03 09:10").then("send_email welcome ada")
    assert story.state.plays == ()


def test_later_is_the_same_touch_again_when_the_provider_said(given: Given) -> None:
    story = told_later(given, "2026-03-03 09:10").when(at="2026-03-03 09:09").then()
    story.when(at="2026-03-03 09:10").then("send_email welcome ada")
    assert len({command.touch for command in story.issued}) == 1
    story.when(at="2026-03-04 12:00").then()


@pytest.mark.parametrize(("shift", "sent_at"), [("next", "2026-03-09 08:00"), ("", "2026-03-07 12:00")])
def test_a_send_put_off_keeps_to_business_days_where_its_step_does(given: Given, shift: Any, sent_at: str) -> None:
    friday = given.email("welcome", When(day=4, shift=shift))
    story = given(given.book(friday, given.slack("end", When(day=20)), window=("08:00", "18:00")))
    story.provider["welcome"] = [Effect("", "later", "429", given.instant("2026-03-07 12:00"))]
    story.when(at="2026-03-06 09:00").then("send_email welcome ada")
    story.when(at="2026-03-07 11:59").then().when(at=sent_at).then("send_email welcome ada")


def test_later_without_an_instant_means_in_a_minute(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.provider["welcome"] = [Effect("", "later")]
    story.when(at="2026-03-03 09:00")
    assert [item.at for item in story.state.retries] == [given.instant("2026-03-03 09:01")]


def test_a_retry_that_comes_up_in_quiet_hours_waits_for_the_window(given: Given) -> None:
    story = told_later(given, "2026-03-03 22:00").when(at="2026-03-04 07:59").then()
    story.when(at="2026-03-04 08:00").then("send_email welcome ada")


def test_a_retry_to_someone_who_unsubscribed_meanwhile_is_dropped(given: Given) -> None:
    story = told_later(given, "2026-03-03 12:00").when(ContactSuppressed("ada", "unsubscribed"), at="2026-03-03 10:00")
    story.when(at="2026-03-03 12:00").then().decided("cancelled outcome welcome", "may no longer be written to")
    assert story.state.touched == ()


def test_a_retry_to_someone_who_left_meanwhile_is_dropped(given: Given) -> None:
    story = told_later(given, "2026-03-03 12:00").when(ContactLeft("ada"), at="2026-03-03 10:00")
    story.when(at="2026-03-03 12:00").then().decided("cancelled outcome welcome")


def test_a_retry_waits_for_a_hold_and_goes_when_it_is_lifted(given: Given) -> None:
    story = told_later(given, "2026-03-03 12:00").when(HoldPlaced("mara", "incident"), at="2026-03-03 10:00")
    story.when(at="2026-03-03 15:00").then()
    story.when(HoldLifted("mara"), at="2026-03-03 16:00").then("send_email welcome ada")


def test_what_a_hold_on_everything_kept_back_goes_when_it_is_released(given: Given) -> None:
    story = told_later(given, "2026-03-03 12:00").when(SendsReleased("tom"), at="2026-03-03 09:30")
    story.then("send_email welcome ada").decided("fired hold hold", "everything is released by tom")


def test_releasing_everything_leaves_the_customers_own_hold_alone(given: Given) -> None:
    story = told_later(given, "2026-03-03 12:00").when(HoldPlaced("mara", "incident"), at="2026-03-03 10:00")
    story.when(SendsReleased("tom"), at="2026-03-03 11:00").when(at="2026-03-03 15:00").then()
    story.when(HoldLifted("mara"), at="2026-03-03 16:00").then("send_email welcome ada")


def test_a_provider_that_keeps_asking_for_patience_ends_in_a_task(given: Given) -> None:
    story = told_later(given, "2026-03-06 08:59")
    story.provider["welcome"] = [Effect("", "later", "429", given.instant("2026-03-06 12:00"))]
    story.when(at="2026-03-06 12:00").decided("failed outcome welcome", "until it was stale")
    assert story.commands[-1].touch == "c1/play/1/welcome/1/task-failed-send-ada/mara"


def test_a_retried_invite_reaches_teammates_too(given: Given) -> None:
    story = given(given.book(given.invite("kickoff")))
    later = Effect("", "later", "429", given.instant("2026-03-03 09:10"))
    story.provider["kickoff"] = [later, later]
    story.when(at="2026-03-03 09:10")
    assert [command.touch.rpartition("/")[2] for command in story.issued] == ["ada", "mara", "ada", "mara"]


def test_an_exit_drops_what_the_provider_has_not_taken_and_says_so(given: Given) -> None:
    story = told_later(given, "2026-03-03 12:00").when(Churned(), at="2026-03-03 10:00")
    story.decided("cancelled outcome welcome", "the customer left")
    assert story.state.retries == ()
    assert story.state.touched == ()
    story.when(at="2026-03-03 12:00").then()


def test_churn_also_stops_a_play_that_only_waits_for_outcomes(given: Given) -> None:
    story = told_later(given, "2026-03-03 12:00", book=given.book(given.email("welcome")))
    story.when(Churned(), at="2026-03-03 10:00").when(at="2026-03-03 12:00").then()
    assert story.state.plays == ()


def test_an_exit_leaves_a_play_that_only_waits_for_outcomes_alone(given: Given) -> None:
    book = given.book(given.email("welcome"), exit=given.get("setup.api"))
    story = told_later(given, "2026-03-03 12:00", book=book).when(Happened("api.connected"), at="2026-03-03 10:00")
    story.when(at="2026-03-03 12:00").then("send_email welcome ada")


def test_nobody_gets_a_cancel_for_an_invite_that_never_went(given: Given) -> None:
    story = given(given.book(given.invite("kickoff"), given.slack("end", When(day=20))))
    story.provider["kickoff"] = [
        Effect("", "sent"),
        Effect("", "later", "429", given.instant("2026-03-03 12:00")),
    ]
    story.when(at="2026-03-03 09:00").when(Churned(), at="2026-03-03 10:00").then("cancel_invite kickoff ada")


def test_what_may_have_arrived_is_asked_about_a_day_later(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.provider["welcome"] = [Effect("", "unknown", "time-out")]
    story.when(at="2026-03-03 09:00").decided("waiting outcome welcome", "asked again in 24 hours: time-out")
    story.when(at="2026-03-04 09:00").then("send_email welcome ada")


def test_what_is_being_sent_is_asked_about_when_somebody_can_say(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.provider["welcome"] = [Effect("", "unknown", "under way", given.instant("2026-03-03 09:01"))]
    story.when(at="2026-03-03 09:00")
    assert not [item for item in story.decisions if item.what == "outcome"]
    story.when(at="2026-03-03 09:01").then("send_email welcome ada")


def test_what_is_being_sent_while_its_play_is_left_is_still_asked_about(given: Given) -> None:
    story = given(given.book(given.email("welcome"), given.slack("end", When(day=20)))).when(at="2026-03-03 09:00")
    (welcome,) = story.issued
    story.when(Churned(), at="2026-03-03 10:00")
    soon = Effect(welcome.touch, "unknown", "under way", given.instant("2026-03-03 10:01"))
    story.take(BatchSettled((soon,)), given.instant("2026-03-03 10:00"), (welcome,))
    story.when(at="2026-03-03 10:01").then("send_email welcome ada")
    assert left_behind(replace(story.state, doubtful=(welcome.touch,)), story.commands) == ()
    assert story.state.retries == ()


def test_what_may_have_arrived_still_counts_when_its_play_exits(given: Given) -> None:
    story = given(given.book(given.email("welcome"), given.slack("end", When(day=20))))
    story.provider["welcome"] = [Effect("", "unknown", "time-out")]
    story.when(at="2026-03-03 09:00").when(Churned(), at="2026-03-03 10:00")
    story.decided("cancelled outcome welcome", "it may have arrived")
    assert len(story.state.touched) == 1


def test_a_refused_mail_becomes_work_for_the_owner_and_counts_for_no_cap(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.provider["welcome"] = [Effect("", "failed", "no such mailbox")]
    story.when(at="2026-03-03 09:00").decided("failed send welcome", "no such mailbox")
    story.then("send_email welcome ada", "raise_task welcome mara 'Could not deliver welcome: no such mailbox'")
    assert story.state.touched == ()


def test_two_failures_of_one_step_are_two_tasks(given: Given) -> None:
    story = given(given.book(given.invite("kickoff")))
    story.provider["kickoff"] = [Effect("", "failed", "refused"), Effect("", "failed", "refused")]
    story.when(at="2026-03-03 09:00")
    assert len({command.touch for command in story.issued}) == len(story.issued) == 4


def test_a_task_that_cannot_be_raised_raises_no_other(given: Given) -> None:
    story = given(given.book(given.task("plan", When(day=1))))
    story.provider["plan"] = [Effect("", "failed", "no row")]
    story.when(at="2026-03-03 09:00").then("raise_task plan mara").decided("failed task plan", "no row")


def test_a_withdrawn_touch_counts_for_no_cap(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    story.provider["welcome"] = [Effect("", "withdrawn", "suppressed at the last moment")]
    story.when(at="2026-03-03 09:00").decided("cancelled send welcome", "at the last moment")
    assert story.state.touched == ()


def late(given: Given) -> Story:
    """A story whose play was left while its batch was out."""
    story = given(given.book(given.email("welcome"), given.slack("end", When(day=20))))
    story.provider["welcome"] = [Effect("", "sent")]
    return story.when(at="2026-03-03 09:00").when(Churned(), at="2026-03-03 10:00")


def test_outcomes_that_come_after_the_play_are_still_told(given: Given) -> None:
    story = late(given)
    issued = tuple(story.issued)
    for result, verdict in (
        ("failed", "failed send"),
        ("later", "cancelled outcome"),
        ("unknown", "cancelled outcome"),
    ):
        effect = Effect(issued[0].touch, result, "why")  # type: ignore[arg-type] # literals in a loop
        story.decisions = []
        story.take(BatchSettled((effect,)), given.instant("2026-03-03 11:00"), issued)
        story.decided(f"{verdict} welcome", "why")
        assert story.state.retries == ()
    withdrawn = BatchSettled((Effect(issued[0].touch, "withdrawn", "why"),))
    story.decisions = []
    story.take(withdrawn, given.instant("2026-03-03 11:00"), issued)
    story.decided("cancelled send welcome", "why")
    for event, carried in ((withdrawn, ()), (BatchSettled((Effect(issued[0].touch, "sent"),)), issued)):
        assert story.take(event, given.instant("2026-03-03 11:00"), carried).decisions == ()


def test_a_message_to_a_teammate_is_retried_whatever_became_of_its_play(given: Given) -> None:
    story = given(given.book(given.slack("tell", When(day=1)), given.slack("end", When(day=20))))
    story.provider["tell"] = [Effect("", "later", "429", given.instant("2026-03-03 12:00"))]
    story.when(at="2026-03-03 09:00").when(Churned(), at="2026-03-03 10:00").then()
    story.when(at="2026-03-03 12:00").then("post_slack tell mara")


def test_an_outcome_that_fits_nothing_changes_nothing(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20))))
    strange = (
        Effect("c1/odd", "sent"),
        Effect("c1/play/1/other/1/send/ada", "sent"),
        Effect("c1/p/1/s/1/ask/x", "later"),
    )
    before = story.state
    story.when(BatchSettled(strange), at="2026-03-02 10:00").undecided()
    assert story.state == before


def test_stored_records_leave_the_state(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20))))
    kept = [[item.what for item in story.state.records]]
    for _ in range(2):
        story.when(BatchSettled(stored=1), at="2026-03-02 10:00")
        kept.append([item.what for item in story.state.records])
    assert kept == [["stage", "play"], ["play"], []]


def test_decisions_wait_in_the_state_until_they_are_stored(given: Given) -> None:
    story = given(given.book(given.slack("end", When(day=20)))).when(HoldPlaced("mara", "x"), at="2026-03-02 12:00")
    assert [item.what for item in story.state.records] == ["stage", "play", "hold"]


def test_what_waits_for_a_batch_is_left_behind_with_its_play(given: Given) -> None:
    end = given.slack("end", When(day=20))
    steps = (given.email("welcome"), given.invite("kickoff"), given.slack("tell", When(day=1)), end)
    left = given.book(*steps, exit=given.get("setup.api"))
    story = given(left, given.book(given.email("keys", to=("admin",)), end, name="stays"))
    story.when(at="2026-03-03 09:00")
    waiting = list(story.issued)
    assert left_behind(story.state, waiting) == ()
    story.when(Happened("api.connected"), at="2026-03-03 10:00")
    waiting += story.commands
    gone = left_behind(story.state, waiting)
    assert sorted(command.touch.partition("/")[2] for command in gone) == [
        "play/1/kickoff/1/cancel/ada",
        "play/1/kickoff/1/cancel/mara",
        "play/1/kickoff/1/send/ada",
        "play/1/kickoff/1/send/mara",
        "play/1/welcome/1/send/ada",
    ]


def test_a_cancel_that_failed_reaches_the_owner_although_its_play_was_left(given: Given) -> None:
    story = given(given.book(given.invite("kickoff"), given.slack("end", When(day=20)))).when(at="2026-03-03 09:00")
    story.provider["kickoff"] = [Effect("", "failed", "no such mailbox")]
    story.when(Churned(), at="2026-03-03 10:00").decided("failed cancel kickoff", "no such mailbox")
    assert [command.kind for command in story.commands] == ["cancel_invite", "cancel_invite", "raise_task"]
    assert story.commands[-1].touch == "c1/play/1/kickoff/1/task-failed-cancel-ada/mara"


def test_an_invite_that_fired_late_is_cancelled_until_its_own_slot_is_over(given: Given) -> None:
    story = given(given.book(given.invite("kickoff"), given.slack("end", When(day=20))))
    story.when(at="2026-03-05 12:00", asleep=True)
    offered = [item for item in story.issued if isinstance(item, SendInvite)]
    assert {item.closes for item in offered} == {given.instant("2026-03-06 16:00")}
    story.when(Churned(), at="2026-03-06 09:00")
    assert [item.to for item in story.commands if isinstance(item, CancelInvite)] == ["ada", "mara"]


def test_an_invite_put_off_past_its_day_is_offered_for_a_day_to_come(given: Given) -> None:
    story = given(given.book(given.invite("kickoff"), given.slack("end", When(day=20))))
    later = Effect("", "later", "429", given.instant("2026-03-05 17:00"))
    story.provider["kickoff"] = [later, later]
    story.when(at="2026-03-05 17:00")
    slots = [item.opens for item in story.issued if isinstance(item, SendInvite)]
    assert slots == [given.instant("2026-03-05 10:00")] * 2 + [given.instant("2026-03-06 10:00")] * 2
    story.when(Churned(), at="2026-03-06 09:00")
    assert [item.to for item in story.commands if isinstance(item, CancelInvite)] == ["ada", "mara"]


def test_a_slot_that_a_guest_may_know_of_is_kept_or_given_up(given: Given) -> None:
    for first in ("sent", "unknown"):
        story = given(given.book(given.invite("kickoff"), given.slack("end", When(day=20))))
        result: Any = first
        story.provider["kickoff"] = [
            Effect("", result),
            Effect("", "later", "429", given.instant("2026-03-04 17:00")),
            *([Effect("", "unknown")] if first == "unknown" else []),
            Effect("", "later", "429", given.instant("2026-03-05 17:00")),
        ]
        story.when(at="2026-03-04 17:00")
        assert {item.opens for item in story.issued if isinstance(item, SendInvite)} == {
            given.instant("2026-03-05 10:00")
        }
        story.when(at="2026-03-05 17:00").decided("failed outcome kickoff", "until the meeting was over")


def test_what_may_have_arrived_stays_so_when_the_provider_asks_for_patience(given: Given) -> None:
    story = given(given.book(given.email("welcome"), given.slack("end", When(day=20))))
    again = Effect("", "later", "429", given.instant("2026-03-04 12:00"))
    story.provider["welcome"] = [Effect("", "unknown", "time-out"), again]
    story.when(at="2026-03-04 09:00")
    assert [(item.why, item.at) for item in story.state.retries] == [("unknown", again.at)]
    story.when(Churned(), at="2026-03-04 10:00").decided("cancelled outcome welcome", "it may have arrived")
    assert len(story.state.touched) == 1


def test_a_doubtful_touch_still_counts_when_it_is_withdrawn_or_its_play_was_left(given: Given) -> None:
    story = given(given.book(given.email("welcome"), given.slack("end", When(day=20))))
    story.provider["welcome"] = [Effect("", "unknown", "time-out"), Effect("", "withdrawn", "left")]
    story.when(at="2026-03-04 09:00")
    assert len(story.state.touched) == 1
    assert story.state.doubtful == ()


@pytest.mark.parametrize("result", ["failed", "withdrawn", "later", "held", "unknown", "sent"])
def test_what_is_no_touch_is_left_alone(given: Given, result: Any) -> None:
    story = given(given.book(given.email("welcome", When(day=1)))).when(at="2026-03-03 09:00")
    before = story.state
    outcome = story.take(BatchSettled((Effect("c1/odd", result, "why"),)), before.as_of)
    assert outcome.decisions == ()
    assert story.state == before
