"""Laws that hold in every history: all kinds of events, in any order, at any time, with any outcome of any send.

`histories.py` draws a list of moves. Each waits some minutes and then tells an event, settles what is out, or wakes a
shell that slept. `Walk` carries it out and checks every law at every step.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as over
from hypothesis import strategies as st

from lifecycle import calendar
from lifecycle.commands import AskApproval, Command, RaiseTask
from lifecycle.engine import ClockWentBackError, begin, next_due, step, upcoming
from lifecycle.jsonform import canonical, decode_union, encode
from lifecycle.messages import (
    ANSWERS,
    ApprovalAnswered,
    BatchSettled,
    CatalogueApplied,
    DueReached,
    Effect,
    Event,
    Outcome,
    SignedUp,
    StageSet,
    TaskTicked,
)
from lifecycle.model import Contact, Decision, Profile, State, Teammate, state_from_json, state_to_json
from lifecycle.staffing import TeamChanged
from tests.lifecycle.histories import ZONE, events, minutes, moves, shuffles, world

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Library

SEES = ("send_email", "send_survey", "send_invite")
KINDS = {member.__dataclass_fields__["kind"].default for member in Event.__args__}

MANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Walk:
    """Carries out a history on these catalogues and checks each step. `out`: commands whose outcome is not in yet."""

    def __init__(self, library: Library, catalogues: tuple[str, ...], customer: str = "c1") -> None:
        self.library, self.catalogues = library, catalogues
        now = calendar.wall(date(2026, 3, 2), "10:00", ZONE)
        team = {
            "csm": Teammate("mara", ZONE),
            "implementation_specialist": Teammate("ivo", ZONE),
            "cs_manager": Teammate("tom", ZONE),
        }
        signup = SignedUp(
            Profile(ZONE, date(2026, 3, 2), tier="pro", country="DE"),
            (Contact("ada", ("champion",)), Contact("bob", ("admin",))),
            team,
        )
        self.now = now
        self.out: list[Command] = []
        self.asked: list[str] = ["play/1/none"]
        self.tasks: list[str] = ["c1/none"]
        self.last: dict[str, str] = {}
        self.doubtful: set[str] = set()
        self.changes = 0
        self.seen: Counter[str] = Counter()
        self.state = begin(customer, catalogues[0], signup, now=now, spread=True)
        self.take(signup, now)

    def run(self, moves: list[tuple[int, Event, bool]]) -> None:
        for wait, event, asleep in moves:
            self.now += timedelta(minutes=wait)
            self.reach(self.now, asleep=asleep)
            self.take(self.real(event), self.now, tuple(self.out))

    def reach(self, now: datetime, *, asleep: bool) -> None:
        while (due := next_due(self.library, self.state)) is not None and due <= now:
            self.take(DueReached(now - due, now) if asleep else DueReached(), due, clock=now if asleep else due)

    def real(self, event: Event) -> Event:
        """Put the names that this history knows where the strategy could only count."""
        match event:
            case ApprovalAnswered(approval=which):
                return replace(event, approval=self.asked[int(which) % len(self.asked)])
            case TaskTicked(task=which):
                return replace(event, task=self.tasks[int(which) % len(self.tasks)])
            case TeamChanged():
                self.changes += 1
                return replace(event, change=str(self.changes))
            case CatalogueApplied(digest=which):
                return replace(event, digest=self.catalogues[int(which)])
            case BatchSettled(effects=drawn):
                return self.settle([str(item) for item in drawn])
            case _:
                return event

    def settle(self, drawn: list[str]) -> BatchSettled:
        effects = []
        for n, command in enumerate(self.out):
            result: Any = drawn[n % len(drawn)]
            self.last[command.touch] = result
            if result == "unknown":
                self.doubtful.add(command.touch)
            at = self.now + timedelta(minutes=20) if result == "later" and n % 2 else None
            effects.append(Effect(command.touch, result, "said so", at))
        return BatchSettled(tuple(effects), len(self.state.records))

    def take(
        self, event: Event, now: datetime, issued: tuple[Command, ...] = (), clock: datetime | None = None
    ) -> Outcome:
        state = self.state
        outcome = step(self.library, state, event, now=now, issued=issued)
        assert outcome == step(self.library, state, event, now=now, issued=issued)
        self.check(state, outcome, now, clock or now)
        if isinstance(event, BatchSettled):
            self.out = []
        self.out += outcome.commands
        self.asked += [item.approval for item in outcome.commands if isinstance(item, AskApproval)]
        self.tasks += [item.touch for item in outcome.commands if isinstance(item, RaiseTask)]
        self.state = stored(outcome.state)
        return outcome

    def check(self, before: State, outcome: Outcome, now: datetime, clock: datetime) -> None:
        state = outcome.state
        due = next_due(self.library, state)
        assert due is None or due > now == state.as_of
        assert all(item.at > now for item in upcoming(self.library, state))
        assert state.records[-len(outcome.decisions) :] == outcome.decisions or not outcome.decisions
        for command in outcome.commands:
            assert decode_union(Command, json.loads(canonical(encode(command)))) == command
            asked_about = command.touch in self.doubtful
            if self.seen[command.touch]:
                assert self.last.get(command.touch) in ("later", "held", "unknown"), f"twice: {command.touch}"
                self.last[command.touch] = "out"
            self.seen[command.touch] += 1
            if command.kind in SEES and not asked_about:
                self.check_touch(before, state, command, clock)

    def check_touch(self, before: State, state: State, command: Any, clock: datetime) -> None:
        contact = next((item for item in state.contacts if item.id == command.to), None)
        ours = command.to in {item.id for item in state.team.values()}
        assert ours or (contact is not None and not contact.suppressed)
        assert not before.merged
        mine = [play for play in (*before.plays, *state.plays) if command.touch.startswith(f"c1/{play.key}/")]
        zone = ZONE if mine else state.profile.zone  # of a play that has ended, by the customer's own clock
        assert calendar.within(clock, ("08:00", "18:00"), zone)
        playbook = command.touch.split("/")[1]
        assert not ({"", playbook} & {*before.holds} & {*state.holds})
        assert command.kind == "send_invite" or not (mine and all(command.to in play.paused for play in mine))


def stored(state: State) -> State:
    """Read back from the text that would be stored."""
    back = state_from_json(json.loads(canonical(state_to_json(state))))
    assert back == state
    shown = [{name: repr(fact.value) for name, fact in one.facts.items()} for one in (back, state)]
    assert shown[0] == shown[1]
    return back


@settings(MANY, max_examples=80)
@over(st.data())
def test_every_law_holds_at_every_step_of_any_history(given: Given, data: st.DataObject) -> None:
    Walk(*world(given)).run(data.draw(moves))


@pytest.mark.nightly
@settings(MANY, max_examples=3000)
@over(st.data())
def test_every_law_holds_at_every_step_of_many_histories(given: Given, data: st.DataObject) -> None:
    Walk(*world(given)).run(data.draw(moves))


@settings(MANY, max_examples=60)
@over(st.data())
def test_instants_reached_one_by_one_or_all_at_once_are_decided_alike(given: Given, data: st.DataObject) -> None:
    walk = Walk(*world(given))
    walk.run(data.draw(moves))
    event = walk.real(data.draw(events))
    now = walk.now + timedelta(minutes=data.draw(minutes) * 3)
    at_once = step(walk.library, walk.state, event, now=now)
    state = walk.state
    commands: list[Command] = []
    decisions: list[Decision] = []
    while (due := next_due(walk.library, state)) is not None and due <= now:
        outcome = step(walk.library, state, DueReached(), now=due)
        state, commands, decisions = (
            stored(outcome.state),
            [*commands, *outcome.commands],
            [*decisions, *outcome.decisions],
        )
    last = step(walk.library, state, event, now=now)
    assert [*decisions, *last.decisions] == [*at_once.decisions]
    assert [*commands, *last.commands] == [*at_once.commands]
    assert last.state == at_once.state


@settings(MANY, max_examples=150)
@over(st.data())
def test_no_law_breaks_however_often_plays_are_moved(given: Given, data: st.DataObject) -> None:
    walk = Walk(*world(given))
    walk.take(StageSet("onboarding", "mara", "x"), walk.now)
    walk.run(data.draw(shuffles))


def test_the_histories_hold_every_kind_of_event() -> None:
    drawn = {"batch_settled"}

    @settings(MANY, max_examples=400, database=None)
    @over(events)
    def draw(event: Event) -> None:
        drawn.add(event.kind)

    draw()
    assert drawn == KINDS
    assert set(ANSWERS) < KINDS


@settings(MANY, max_examples=60)
@over(st.data())
def test_no_event_raises_before_the_signup(given: Given, data: st.DataObject) -> None:
    library, catalogues = world(given)
    now = calendar.wall(date(2026, 3, 2), "10:00", ZONE)
    day = data.draw(st.sampled_from([date(2026, 1, 1), date.min, date.max]))
    begun = begin("c1", catalogues[0], SignedUp(Profile(ZONE, day)), now=now, spread=False)
    walk = Walk.__new__(Walk)
    walk.catalogues, walk.asked, walk.tasks = catalogues, ["play/1/none"], ["c1/none"]
    outcome = step(library, begun, walk.real(data.draw(events)), now=now)
    stored(outcome.state)
    assert all(command.kind not in SEES for command in outcome.commands)


def test_a_clock_that_went_back_is_the_shells_fault(given: Given) -> None:
    story = given()
    with pytest.raises(ClockWentBackError, match="the clock went back"):
        step(story.library, story.state, DueReached(), now=story.state.as_of - timedelta(seconds=1))
