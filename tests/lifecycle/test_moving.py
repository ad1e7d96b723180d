"""Plays in flight that go on with another release: what happens to each step, and that the preview says just that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lifecycle.actions import Length, When
from lifecycle.engine import step
from lifecycle.messages import (
    ApprovalAnswered,
    BatchSettled,
    CatalogueApplied,
    DueReached,
    Effect,
    Happened,
    MeetingAnswered,
)
from lifecycle.moving import preview
from tests.lifecycle.conftest import moved

if TYPE_CHECKING:
    from lifecycle.playbook import Playbook
    from tests.lifecycle.conftest import Given, Story

DAY = Length(1, "days")


def test_plays_keep_their_release_until_somebody_moves_them(given: Given) -> None:
    story = given(given.book(given.email("welcome")))
    before = story.state.plays[0].release
    event = story.apply(given.book(given.email("welcome", When(day=3))))
    story.when(event, at="2026-03-02 11:00")
    assert story.state.plays[0].release == before
    story.when(replace(event, move=("play",)), at="2026-03-02 12:00").decided("fired play", "moved to the release")
    assert story.upcoming() == {"welcome": "2026-03-05 09:00"}


def test_what_fired_stays_and_what_is_to_come_has_its_new_time(given: Given) -> None:
    story = given(given.book(given.email("a"), given.email("b", When(day=5)))).when(at="2026-03-03 10:00")
    changes = moved(
        story, given.book(given.email("a", When(day=4)), given.email("b", When(day=6))), at="2026-03-03 11:00"
    )
    assert changes == [("", "moves"), ("b", "retimed")]
    story.when(at="2026-03-08 09:00").then("send_email b ada")


def test_what_is_gone_is_called_off_and_its_question_withdrawn(given: Given) -> None:
    asked = given.email("offer", When(day=3), approval=given.approval(Length(2, "days")))
    story = given(given.book(asked, given.task("later", When(day=9)), given.email("end", When(day=10))))
    story.when(at="2026-03-03 10:00")
    assert story.status("offer") == "asked"
    changes = moved(story, given.book(given.email("end", When(day=10))), at="2026-03-03 11:00")
    assert changes == [("", "moves"), ("offer", "removed"), ("later", "removed")]
    story.then("settle_approval offer withdrawn")
    story.decided("cancelled email offer", "does not have it").decided("cancelled task later", "does not have it")
    press = ApprovalAnswered("play/1/offer", "mara", "approve", "p1")
    story.when(press, at="2026-03-03 12:00").answered("too_late")


def test_what_comes_back_is_asked_about_anew(given: Given) -> None:
    asked = given.email("offer", When(day=3), approval=given.approval(Length(2, "days")))
    books = given.book(asked, given.email("end", When(day=10))), given.book(given.email("end", When(day=10)))
    story = given(books[0]).when(at="2026-03-03 10:00")
    moved(story, books[1], at="2026-03-03 11:00")
    assert moved(story, books[0], at="2026-03-03 12:00") == [("", "moves"), ("offer", "added")]
    story.then("ask_approval offer mara")
    press = ApprovalAnswered("play/1/offer.2", "mara", "approve", "p1")
    story.when(press, at="2026-03-03 13:00").answered("approved")
    story.when(at="2026-03-05 09:00").then("send_email offer ada")
    moved(story, books[1], at="2026-03-05 10:00")
    assert moved(story, books[0], at="2026-03-05 11:00") == [("", "moves")]
    assert len({command.touch for command in story.issued}) == len(story.issued)


def test_a_renamed_step_is_the_same_to_everybody_outside(given: Given) -> None:
    invite = given.invite("kickoff")
    story = given(given.book(invite, given.email("end", When(day=10)))).when(at="2026-03-03 10:00")
    new = replace(invite, id="start", was="kickoff")
    assert moved(story, given.book(new, given.email("end", When(day=10))), at="2026-03-03 11:00") == [
        ("", "moves"),
        ("start", "renamed"),
    ]
    story.when(MeetingAnswered("play/1/kickoff", "declined", "mara"), at="2026-03-03 12:00").answered("done")
    moved(story, given.book(given.email("end", When(day=10))), at="2026-03-03 13:00")
    assert [item.touch for item in story.issued if item.kind == "cancel_invite"] == [
        f"c1/play/1/kickoff/1/cancel/{person}" for person in ("ada", "mara")
    ]


def test_a_name_that_meant_another_step_is_not_used_again(given: Given) -> None:
    invite, end = given.invite("kickoff"), given.email("end", When(day=10))
    story = given(given.book(invite, end)).when(at="2026-03-03 10:00")
    start = replace(invite, id="start", was="kickoff")
    moved(story, given.book(start, end), at="2026-03-03 11:00")
    fresh = given.task("kickoff", When(day=4))
    assert moved(story, given.book(replace(start, was=""), fresh, end), at="2026-03-03 12:00")[1] == (
        "kickoff",
        "added",
    )
    story.when(at="2026-03-06 09:00").then("raise_task kickoff mara")
    assert story.issued[-1].touch == "c1/play/1/kickoff.2/1/task/mara"


@pytest.mark.parametrize(("late", "said"), [("skip", "skipped"), ("fire", "fires")])
def test_what_is_past_due_is_skipped_or_happens_now(given: Given, late: str, said: str) -> None:
    end = given.email("end", When(day=20))
    story = given(given.book(end)).when(at="2026-03-10 10:00")
    steps = (
        given.email("mail", When(day=2)),
        given.task("asked", When(day=3), approval=given.approval()),
        given.task("not-if", When(day=3), condition=given.get("setup.api"), approval=given.approval()),
        given.wait("short", When(day=4), event="odd"),
        given.task("missed", under="short", branch="otherwise"),
        given.wait("long", When(day=30), event="odd"),
    )
    changes = moved(story, given.book(*steps, end), at="2026-03-10 11:00", late=late)
    expected = {(name, said) for name in ("mail", "asked", "not-if", "short")}
    assert expected <= set(changes)
    assert ("long", said) not in changes
    if late == "skip":
        story.then()
        assert story.status("missed") == ""
        story.decided("skipped email mail", "was due on 2026-03-04, before the play was moved")
    else:
        story.then("ask_approval asked mara", "send_email mail ada", "raise_task missed mara")
        story.decided("skipped task not-if", "if not met")
        press = ApprovalAnswered("play/1/asked", "mara", "approve", "p1")
        story.when(press, at="2026-03-10 12:00").then("settle_approval asked approved", "raise_task asked mara")
    assert story.status("long") == "waiting"


def test_new_timing_takes_effect_for_what_is_asked_approved_or_held(given: Given) -> None:
    ahead = given.approval(Length(2, "days"))

    def book(day: int) -> Playbook:
        return given.book(
            given.task("asked", When(day=day), approval=ahead),
            given.email("approved", When(day=day), approval=ahead),
            given.email("held", When(day=1), to=("executive_sponsor",))
            if day == 3
            else given.email("held", When(day=5), to=("executive_sponsor",)),
        )

    story = given(book(3)).when(at="2026-03-03 10:00")
    story.when(ApprovalAnswered("play/1/approved", "mara", "approve", "p1"), at="2026-03-03 10:30")
    assert [story.status(name) for name in ("asked", "approved", "held")] == ["asked", "approved", "held"]
    changes = moved(story, book(5), at="2026-03-03 11:00")
    assert {("approved", "retimed"), ("held", "retimed")} <= set(changes)
    assert story.upcoming()["approved"] == story.upcoming()["held"] == "2026-03-07 09:00"
    story.when(ApprovalAnswered("play/1/asked", "mara", "approve", "p2"), at="2026-03-03 12:00")
    assert story.upcoming()["asked"] == "2026-03-07 09:00"


def test_what_is_open_begins_anew_where_the_new_rules_do_not_fit_it(given: Given) -> None:
    rule = given.approval(Length(2, "days"))
    sponsor = ("executive_sponsor",)
    old = given.book(
        given.email("free", When(day=3), approval=rule),
        given.email("bound", When(day=1), to=sponsor),
        given.wait("kind", When(day=9), event="odd"),
        given.email("end", When(day=20)),
    )
    story = given(old).when(at="2026-03-03 10:00")
    new = given.book(
        given.email("free", When(day=3)),
        given.email("bound", When(day=6), to=sponsor, approval=rule),
        given.task("kind", When(day=9)),
        given.email("end", When(day=20)),
    )
    changes = moved(story, new, at="2026-03-03 11:00")
    assert {("free", "again"), ("bound", "again"), ("kind", "again")} <= set(changes)
    story.then("settle_approval free withdrawn").when(at="2026-03-05 09:00")
    assert "send_email free ada" in [f"{item.kind} {item.step} {item.to}" for item in story.issued]
    assert "bound" in story.upcoming()


def test_a_step_that_looks_like_one_that_is_gone_is_pointed_at(given: Given) -> None:
    wait = given.wait("w", When(day=9), given.get("setup.api"))
    story = given(given.book(given.email("a"), given.email("b", When(day=4)), wait)).when(at="2026-03-03 10:00")
    steps = [
        replace(given.email("a"), id="a-new"),
        replace(given.email("b", When(day=4)), id="b-new"),
        replace(wait, id="w-new"),
        given.task("other", When(day=5)),
    ]
    story.when(at="2026-03-03 11:00")
    event = replace(story.apply(given.book(*steps)), move=("play",))
    found = preview(story.library, story.state, event.digest, ("play",), "skip", now=story.state.as_of)
    repeats = {change.step: change.reason for change in found if change.what == "repeats"}
    assert list(repeats) == ["a-new", "b-new", "w-new"]
    assert "which the customer had already; say `was: a`" in repeats["a-new"]
    assert "which the customer waits for; say `was: b`" in repeats["b-new"]


def repeats(story: Story, *books: Playbook, late: Any) -> dict[str, str]:
    """The steps that a plan would refuse, with why."""
    event = replace(story.apply(*books), move=("play",), late=late)
    found = preview(story.library, story.state, event.digest, event.move, event.late, now=story.state.as_of)
    return {change.step: change.reason for change in found if change.what == "repeats"}


def test_steps_that_exchange_their_ids_are_pointed_at_where_one_would_come_twice(given: Given) -> None:
    one, two = given.email("one"), given.email("two", When(day=6))
    end = given.email("end", When(day=20))
    story = given(given.book(one, two, end)).when(at="2026-03-04 10:00")
    swapped = given.book(replace(two, id="one"), replace(one, id="two"), end)
    assert repeats(story, swapped, late="fire") == {
        "two": "it looks the same as one, which the customer had already; let both keep their ids"
    }
    assert repeats(story, swapped, late="skip") == {}
    later = given.book(replace(two, id="one"), replace(one, id="two", when=When(day=8)), end)
    assert list(repeats(story, later, late="skip")) == ["two"]
    taken = given.book(replace(one, id="two", when=When(day=8)), end)
    assert list(repeats(story, taken, late="skip")) == ["two"]


def test_a_text_that_is_used_again_on_purpose_is_none_that_comes_twice(given: Given) -> None:
    one, two = given.email("one"), given.email("two", When(day=6))
    story = given(given.book(one, two)).when(at="2026-03-04 10:00")
    assert repeats(story, given.book(one, replace(one, id="two", when=When(day=6))), late="fire") == {}
    early = given(given.book(given.email("one", When(day=5)), two)).when(at="2026-03-04 10:00")
    swapped = given.book(replace(two, id="one"), replace(one, id="two", when=When(day=8)))
    assert repeats(early, swapped, late="fire") == {}


def test_exits_of_the_new_release_count_from_the_move_on(given: Given) -> None:
    steps = (given.email("end", When(day=20)),)
    story = given(given.book(*steps)).when(Happened("api.connected"), at="2026-03-03 10:00")
    moved(story, given.book(*steps, exit=given.get("setup.api")), at="2026-03-03 11:00")
    story.decided("cancelled play", "exit:")
    assert story.state.plays == ()


def test_a_play_whose_playbook_is_gone_stays_as_it_is(given: Given) -> None:
    story = given(given.book(given.email("end", When(day=20)))).when(at="2026-03-03 10:00")
    event = CatalogueApplied(story.apply(given.book(given.email("x"), name="other")).digest, ("play",))
    found = preview(story.library, story.state, event.digest, event.move, "skip", now=story.state.as_of)
    assert [(item.what, item.reason) for item in found] == [("stays", "its playbook is no longer applied")]
    story.when(event, at="2026-03-03 11:00").decided("skipped play", "not moved")
    assert story.upcoming() == {"end": "2026-03-22 09:00"}


def test_a_play_that_has_the_release_already_is_left_alone(given: Given) -> None:
    book = given.book(given.email("end", When(day=20)))
    story = given(book)
    event = replace(story.apply(book), move=("play",))
    assert preview(story.library, story.state, event.digest, ("play",), "skip", now=story.state.as_of) == ()
    story.when(event, at="2026-03-02 11:00").undecided()


def test_a_send_put_off_is_dropped_when_its_step_is_gone(given: Given) -> None:
    story = given(given.book(given.email("a"), given.email("end", When(day=20))))
    story.provider["a"] = [Effect("", "later", "busy"), Effect("", "later", "busy")]
    story.when(at="2026-03-03 09:00")
    assert story.state.retries
    moved(story, given.book(given.email("end", When(day=20))), at="2026-03-03 09:00")
    assert story.state.retries == ()
    late = BatchSettled((Effect("c1/play/1/a/1/send/ada", "later", "busy"),))
    issued = tuple(item for item in story.issued if item.step == "a")
    story.take(late, story.state.as_of, issued)
    story.when(at="2026-03-03 12:00").then()
    assert story.state.retries == ()


def test_a_send_put_off_of_a_step_that_stays_is_kept(given: Given) -> None:
    stays = given.email("b", to=("admin",))
    story = given(given.book(given.email("a"), stays, given.email("end", When(day=20))))
    later = Effect("", "later", "busy", given.instant("2026-03-03 12:00"))
    story.provider.update(a=[later], b=[later])
    story.when(at="2026-03-03 09:00")
    moved(story, given.book(stays, given.email("end", When(day=20))), at="2026-03-03 10:00")
    assert [item.command["step"] for item in story.state.retries] == ["b"]


def test_patience_with_an_open_question_follows_the_new_rules(given: Given) -> None:
    rule = given.approval(Length(2, "days"))
    story = given(given.book(given.email("offer", When(day=3), approval=rule), given.email("end", When(day=9))))
    story.when(at="2026-03-03 11:00")
    short = replace(rule, within=Length(1, "business_hours"))
    new = given.book(given.email("offer", When(day=3), approval=short), given.email("end", When(day=9)))
    assert moved(story, new, at="2026-03-03 11:30") == [("", "moves")]
    story.decided("skipped email offer", "nobody answered")


def test_what_becomes_of_a_meeting_that_is_no_longer_in_the_playbook_changes_nothing(given: Given) -> None:
    end = given.email("end", When(day=10))
    story = given(given.book(given.invite("kickoff"), end)).when(at="2026-03-03 10:00")
    moved(story, given.book(end), at="2026-03-03 11:00")
    story.when(MeetingAnswered("play/1/kickoff", "declined", "mara"), at="2026-03-03 12:00").answered("unknown")


def test_a_provider_that_asks_for_patience_late_finds_the_step_gone(given: Given) -> None:
    end = given.email("end", When(day=20))
    story = given(given.book(given.invite("kickoff"), given.email("a"), end))
    out = step(story.library, story.state, DueReached(), now=given.instant("2026-03-03 09:00"))
    later = story.apply(given.book(end))
    state = step(story.library, out.state, replace(later, move=("play",)), now=out.state.as_of).state
    told = tuple(Effect(item.touch, "later", "busy") for item in out.commands)
    state = step(story.library, state, BatchSettled(told), now=state.as_of, issued=out.commands).state
    kept = {item.command["kind"] for item in state.retries}
    assert kept == {"send_invite", "send_email"}
    found = step(story.library, state, DueReached(), now=given.instant("2026-03-03 12:00"))
    assert [item.reason for item in found.decisions] == ["its step is no longer in the playbook"] * 3
    assert all(item.kind == "cancel_invite" for item in found.commands)
    assert found.state.retries == ()
