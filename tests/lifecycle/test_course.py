"""Many events told to one course come to what `step` says of each with the state through JSON in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import given as over
from hypothesis import strategies as st

from lifecycle.actions import When
from lifecycle.commands import Command
from lifecycle.course import Course
from lifecycle.engine import begin, next_due
from lifecycle.memo import LIMIT, once
from lifecycle.messages import BatchSettled, DueReached, Effect, Event, Outcome, ProfileChanged, SignedUp
from lifecycle.model import Contact, Profile, State, Teammate
from tests.lifecycle.histories import moves, world
from tests.lifecycle.test_laws import Walk

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given


class Recorded(Walk):
    """A history step by step, with a course beside it that is told the same."""

    course: Course | None = None

    def take(
        self, event: Event, now: datetime, issued: tuple[Command, ...] = (), clock: datetime | None = None
    ) -> Outcome:
        if self.course is None:
            self.course = Course(self.library, self.state)
        outcome = super().take(event, now, issued, clock)
        self.course.take(event, now=now, issued=issued)
        assert (self.course.commands, self.course.decisions) == (outcome.commands, outcome.decisions)
        assert self.course.reply == outcome.reply
        assert self.course.next_due() == next_due(self.library, outcome.state)
        assert self.course.unstored == len(outcome.state.records)
        return outcome


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=60)
@over(st.data())
def test_a_course_decides_what_single_steps_decide(given: Given, data: st.DataObject) -> None:
    walk = Recorded(*world(given))
    walk.run(data.draw(moves))
    assert walk.course is not None
    assert walk.course.state() == walk.state


class Delivered(Walk):
    """A history in which all is sent at once, step by step, with a course beside it that is told so in one go."""

    course: Course | None = None

    def take(
        self, event: Event, now: datetime, issued: tuple[Command, ...] = (), clock: datetime | None = None
    ) -> Outcome:
        if self.course is None:
            self.course = Course(self.library, self.state)
        outcome = super().take(event, now, issued, clock)
        self.course.take(event, now=now)
        self.agree(outcome)
        while outcome.commands or self.state.records:
            sent = tuple(Effect(command.touch, "sent") for command in outcome.commands)
            outcome = super().take(BatchSettled(sent, len(self.state.records)), now, outcome.commands)
            assert self.course.deliver()
            self.agree(outcome)
        assert not self.course.deliver()
        return outcome

    def agree(self, outcome: Outcome) -> None:
        """The last step and the course say the same."""
        assert self.course is not None
        assert (self.course.commands, self.course.decisions) == (outcome.commands, outcome.decisions)
        assert self.course.next_due() == next_due(self.library, outcome.state)
        assert self.course.state() == self.state


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=30)
@over(st.data())
def test_delivering_all_at_once_is_what_a_batch_says_of_which_all_was_sent(given: Given, data: st.DataObject) -> None:
    walk = Delivered(*world(given))
    walk.run([move for move in data.draw(moves) if not isinstance(move[1], BatchSettled)])


def _begun(given: Given, catalogue: str) -> tuple[State, SignedUp]:
    now = given.instant("2026-03-02 10:00")
    event = SignedUp(
        Profile("Europe/Berlin", now.date()), (Contact("ada", ("champion",)),), {"csm": Teammate("mara", "UTC")}
    )
    return begin("c1", catalogue, event, now=now, spread=False), event


def test_a_state_taken_from_a_course_does_not_change_with_it(given: Given) -> None:
    library = given.library()
    catalogue = library.add(given.book(*(given.email(f"mail-{n}", When(day=n)) for n in range(1, 4))))
    state, event = _begun(given, catalogue)
    course = Course(library, state)
    course.take(event, now=state.as_of)
    kept: list[tuple[State, Any]] = []
    for _ in range(3):
        due = course.next_due()
        assert due is not None
        course.take(DueReached(), now=due)
        sent = tuple(Effect(item.touch, "sent") for item in course.commands)
        course.take(BatchSettled(sent, course.unstored), now=due, issued=course.commands)
        kept.append((course.state(), repr(course.state())))
    assert all(repr(state) == text for state, text in kept)
    assert course.lifecycle is library.life


def test_a_playbook_of_a_thousand_steps_is_played_in_a_line(given: Given) -> None:
    """Each step stands on the one before it: neither the depth nor the number may be more than a line of work."""
    first = given.task("t-0", When())
    rest = [given.task(f"t-{n}", When(after=f"t-{n - 1}", delay=None)) for n in range(1, 1000)]
    library = given.library()
    state, event = _begun(given, library.add(given.book(first, *rest)))
    course = Course(library, state)
    course.take(event, now=state.as_of)
    assert sum(item.what == "task" for item in course.decisions) == 1000


def test_a_customer_who_moves_is_written_to_by_the_holidays_there(given: Given) -> None:
    story = given(given.book(given.email("mail", When(day=32, shift="next"))))
    assert story.upcoming() == {"mail": "2026-04-07 09:00"}
    story.when(ProfileChanged(replace(story.state.profile, country="US")), at="2026-03-02 11:00")
    assert story.upcoming() == {"mail": "2026-04-03 09:00"}


def test_what_is_worked_out_once_is_worked_out_again_when_much_else_was() -> None:
    asked: list[str] = []

    @once
    def shouted(text: str) -> str:
        asked.append(text)
        return text.upper()

    words = [f"word {n}" for n in range(LIMIT + 1)]
    assert [shouted(word) for word in (*words, words[-1])][-2:] == [words[-1].upper()] * 2
    assert len(asked) == LIMIT + 1
    assert shouted(words[0]) == "WORD 0"
    assert len(asked) == LIMIT + 2
