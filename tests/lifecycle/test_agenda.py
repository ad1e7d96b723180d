"""What is looked at next in a play, followed step by step: it is what looking at every step anew would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lifecycle import index
from lifecycle.actions import Expr, Length, When
from lifecycle.agenda import Agenda, Due
from lifecycle.engine import next_due, step
from lifecycle.messages import BatchSettled, ContactChanged, Effect, FactsReported, MilestoneTicked, SignedUp
from lifecycle.model import Contact, Profile, Progress

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def due(name: str, at: datetime, owed: datetime = NINE) -> Due:
    return Due(at, owed, f"c1/play/1/{name}/1/", name)


def test_the_step_owed_first_goes_first_and_then_the_name_decides() -> None:
    agenda = Agenda({})
    agenda.put("b", due("b", NINE))
    agenda.put("a", due("a", NINE))
    agenda.put("held", due("held", NINE, NINE - HOUR))
    found = []
    while (first := agenda.first(NINE)) is not None:
        found.append(first.step)
        agenda.put(first.step, None)
    assert found == ["held", "a", "b"]


def test_a_step_that_was_put_off_is_looked_at_then_and_not_before() -> None:
    agenda = Agenda({})
    agenda.put("a", due("a", NINE))
    agenda.put("a", due("a", NINE + HOUR))
    assert agenda.first(NINE) is None
    assert agenda.next_at == NINE + HOUR
    assert agenda.first(NINE + HOUR) == due("a", NINE + HOUR)
    assert agenda.next_at == NINE + HOUR
    assert [item.step for item in agenda.dues()] == ["a"]


def test_steps_are_put_in_an_order_in_which_each_follows_what_it_stands_on(given: Given) -> None:
    book = given.book(
        given.task("last", When(), needs=("first", "second")),
        given.task("second", When(after="first")),
        given.task("first", When()),
        given.task("round", When(after="about")),
        given.task("about", When(after="round")),
    )
    assert [item.id for item in index.steps(book).order] == ["first", "second", "last", "round", "about"]


def test_a_branch_that_closes_closes_all_that_stands_on_it(given: Given) -> None:
    story = given(
        given.book(
            given.wait("setup", When(day=2, at="17:00"), given.get("milestones.technical_setup")),
            given.slack("praise", under="setup", branch="then"),
            given.slack("more", When(after="praise", delay=Length(1, "days"))),
            given.slack("end", When(day=3), needs=("more",)),
        )
    )
    story.when(at="2026-03-04 18:00")
    assert story.upcoming() == {"end": "2026-03-05 09:00"}


def test_a_shifted_step_after_another_keeps_a_working_day(given: Given) -> None:
    first = given.task("first", When(day=1))
    story = given(given.book(first, given.task("then", When(after="first", delay=Length(1, "days"), shift="next"))))
    story.when(at="2026-03-03 10:00")
    assert story.upcoming() == {"then": "2026-03-04 09:00"}


def test_an_outcome_that_comes_after_the_last_step_lets_the_play_go(given: Given) -> None:
    library, now = given.library(), given.instant("2026-03-02 10:00")
    story = given(given.book(given.slack("hello")))
    signup = SignedUp(Profile("Europe/Berlin", now.date()), story.state.contacts, story.state.team)
    catalogue = library.add(given.book(given.slack("hello")))
    begun = replace(story.state, catalogue=catalogue, plays=(), seen={}, counters={}, ended={})
    signed = step(library, begun, signup, now=now)
    assert [play.over for play in signed.state.plays] == [True]
    sent = BatchSettled((Effect(signed.commands[0].touch, "sent"),), len(signed.state.records))
    assert step(library, signed.state, sent, now=now, issued=signed.commands).state.plays == ()


def test_a_step_that_its_release_does_not_know_is_left_alone(given: Given) -> None:
    story = given(given.book(given.email("mail", When(day=1))))
    (play,) = story.state.plays
    gone = replace(play, steps={"gone": Progress("held", story.state.as_of + HOUR)})
    state = replace(story.state, plays=(gone,))
    now = state.as_of
    outcome = step(story.library, state, ContactChanged(Contact("eve", ("admin",))), now=now)
    assert outcome.commands == ()
    assert next_due(story.library, outcome.state) == next_due(story.library, story.state)


def test_a_wait_that_waits_again_and_a_play_that_ends_at_once_leave_nothing(given: Given) -> None:
    done, access = "milestones.technical_setup", ("get", "access.given")
    undone = Expr("not set up", ("and", ("not", ("get", done)), access))
    wait = given.wait("setup", When(day=9), given.get(done))
    story = given(given.book(wait, given.task("later", When(day=10)), exit=undone))
    story.when(MilestoneTicked("technical_setup", "mara"), at="2026-03-03 10:00")
    story.when(FactsReported({"access.given": True, "setup.api": False}), at="2026-03-03 11:00")
    story.when(MilestoneTicked("technical_setup", "mara", done=False), at="2026-03-03 12:00")
    story.decided("waiting wait setup", "waits again").decided("cancelled play", "ended: exit")
    assert story.upcoming() == {}


def test_a_question_of_a_step_that_asks_none_is_not_looked_at(given: Given) -> None:
    story = given(given.book(given.email("mail", When(day=1)), given.task("call", When(day=2))))
    (play,) = story.state.plays
    odd = replace(play, steps={"mail": Progress("asked", story.state.as_of)})
    story.state = replace(story.state, plays=(odd,))
    assert story.upcoming() == {"call": "2026-03-04 09:00"}
