"""Laws that hold in every history: all kinds of events, in any order, at any time, with any outcome of any send.

A history is a list of moves. Each waits some minutes and then tells an event, settles what is out, or wakes a shell
that slept. `Walk` carries it out and checks every law at every step.
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
from lifecycle.engine import ClockWentBackError, begin, next_due, step, upcoming
from lifecycle.jsonform import canonical, decode_union, encode
from lifecycle.messages import (
    ANSWERS,
    ApprovalAnswered,
    AskApproval,
    BatchSettled,
    CatalogueApplied,
    Churned,
    Command,
    ContactChanged,
    ContactLeft,
    ContactRestored,
    ContactSuppressed,
    ContractSigned,
    DueReached,
    Effect,
    EmailReplied,
    Event,
    FactsReported,
    Happened,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    MilestoneTicked,
    Outcome,
    ProfileChanged,
    RaiseTask,
    Returned,
    SignedUp,
    StageSet,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Contact, Contract, Decision, Profile, State, Teammate, Value, state_from_json, state_to_json
from lifecycle.playbook import Length, Playbook, Rung, Trigger, When

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Library

ZONE = "Europe/Berlin"
SEES = ("send_email", "send_survey", "send_invite")
KINDS = {member.__dataclass_fields__["kind"].default for member in Event.__args__}

MANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def world(given: Given) -> tuple[Library, tuple[str, str]]:
    """Releases with every kind of step, and two catalogues of them."""
    approval = given.approval(
        Length(4, "business_hours"),
        "proceed",
        remind=Length(1, "business_hours"),
        escalate=(Rung(Length(2, "business_hours"), "cs_manager"),),
    )
    onboarding = given.book(
        given.email("welcome", When(day=1, catch_up=True)),
        given.task("plan", When(day=1)),
        given.invite("kickoff", When(day=1, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.email("setup-guide", When(day=3, shift=True), needs=("kickoff",)),
        given.wait("setup", When(day=5, at="17:00"), given.get("milestones.technical_setup")),
        given.slack("blocked", under="setup", branch="otherwise"),
        given.email("well-done", When(delay=Length(1, "days"), shift=True), under="setup", branch="then"),
        given.email("offer", When(day=6, at="06:00"), approval=approval, to=("champion", "admin")),
        given.survey("nps", When(day=8)),
        given.wait("answer", When(day=12), event="nps.answered"),
        given.task("call", under="answer", branch="then", condition=given.compare("nps.score", "<=", 6)),
        name="onboarding",
        trigger=Trigger(stage="onboarding"),
        priority=60,
        zone=ZONE,
        goal=given.compare("usage.share", ">", 0.9),
    )
    again: dict[str, Any] = {"anchor": "entry", "reentry": "again", "zone": ZONE}
    risk = given.book(
        given.email("sorry", When(), approval=given.approval()),
        given.invite("review", When(delay=Length(2, "hours"))),
        name="risk",
        trigger=Trigger(band="red"),
        cooldown=Length(3, "days"),
        **again,
    )
    held = given.book(
        given.email("notes", When(after="tell", delay=Length(1, "hours"))),
        given.slack("tell"),
        name="kickoff-held",
        trigger=Trigger(event="kickoff.held"),
        priority=90,
        **again,
    )
    left = given.book(
        given.email("why", When(day=1)), given.task("close"), name="left", trigger=Trigger(stage="churned"), **again
    )
    library = given.library()
    changed = replace(onboarding, steps=onboarding.steps[:4])
    return library, (library.add(onboarding, risk, held, left), library.add(changed, risk, left))


contacts = st.sampled_from(["ada", "bob", "eve", "mara"])
people = st.sampled_from(["mara", "ivo", "tom", "eve"])
texts = st.sampled_from(["", "x", "why not"])
facts = st.dictionaries(
    st.sampled_from(["setup.api", "setup.done", "usage.share", "nps.score", "health.score", "access.given", "odd"]),
    st.one_of(st.none(), st.booleans(), st.integers(0, 100), st.floats(0, 1), texts),
    max_size=3,
)
profiles = st.builds(
    Profile,
    st.sampled_from([ZONE, "Asia/Tokyo", "America/New_York", "Mars/Olympus"]),
    st.sampled_from([date(2020, 1, 1), date.min, date.max]),
    tier=st.sampled_from(["team", "pro"]),
    country=st.sampled_from(["", "DE", "US"]),
)
events: st.SearchStrategy[Any] = st.one_of(
    st.builds(SignedUp, profiles),
    st.builds(ProfileChanged, profiles),
    st.builds(
        ContactChanged,
        st.builds(Contact, contacts, st.sampled_from([(), ("champion",), ("admin", "champion")]), st.booleans()),
    ),
    st.builds(ContactLeft, contacts),
    st.builds(ContactSuppressed, contacts, st.just("unsubscribed")),
    st.builds(ContactRestored, contacts),
    st.builds(Happened, st.sampled_from(["kickoff.held", "api.connected", "odd"]), facts),
    st.builds(FactsReported, facts),
    st.builds(SurveyAnswered, st.sampled_from(["nps", "csat"]), contacts, st.integers(0, 10)),
    st.builds(
        ApprovalAnswered,
        st.integers(0, 5).map(str),
        people,
        st.sampled_from(["approve", "reject"]),
        texts,
        st.booleans(),
    ),
    st.builds(EmailReplied, contacts),
    st.builds(
        MeetingAnswered,
        st.sampled_from(["onboarding/1/kickoff", "onboarding/1/welcome", "risk/1/review", "risk/2/review", "odd"]),
        st.sampled_from(["held", "no_show", "declined"]),
        st.sampled_from(["", "mara", "eve"]),
    ),
    st.builds(TaskTicked, st.integers(0, 5).map(str), people, st.booleans()),
    st.builds(MilestoneTicked, st.sampled_from(["roi", "technical_setup", "odd"]), people, st.booleans()),
    st.builds(StageSet, st.sampled_from(["new", "onboarding", "value", "churned", "win_back", "odd"]), people, texts),
    st.builds(
        ContractSigned,
        st.builds(
            Contract,
            st.sampled_from(["k1", "k2"]),
            st.one_of(st.dates(date(2026, 3, 1), date(2027, 1, 1)), st.sampled_from([date.min, date.max])),
        ),
    ),
    st.builds(Churned, texts),
    st.just(Returned()),
    st.builds(HoldPlaced, people, texts),
    st.builds(HoldLifted, people),
    st.builds(CatalogueApplied, st.sampled_from(["first", "second"])),
    st.just(DueReached()),
)
results = st.sampled_from(["sent", "sent", "sent", "failed", "later", "unknown", "withdrawn"])
settling = st.builds(BatchSettled, st.lists(results, min_size=1, max_size=6).map(tuple))
minutes = st.one_of(st.integers(0, 120), st.integers(0, 3 * 24 * 60))
moves = st.lists(st.tuples(minutes, st.one_of(events, settling, settling), st.booleans()), min_size=1, max_size=25)


class Walk:
    """Carries out a history on the two catalogues and checks each step. `out`: commands whose outcome is not in yet."""

    def __init__(self, library: Library, catalogues: tuple[str, str], customer: str = "c1") -> None:
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
            case CatalogueApplied(digest=which):
                return CatalogueApplied(self.catalogues[0 if which == "first" else 1])
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
                assert self.last.get(command.touch) in ("later", "unknown"), f"twice: {command.touch}"
                self.last[command.touch] = "out"
            self.seen[command.touch] += 1
            if command.kind in SEES and not asked_about:
                self.check_touch(before, state, command, clock)

    def check_touch(self, before: State, state: State, command: Any, clock: datetime) -> None:
        contact = next((item for item in state.contacts if item.id == command.to), None)
        assert contact is None or not contact.suppressed
        assert contact is not None or command.to in {item.id for item in state.team.values()}
        assert calendar.within(clock, ("08:00", "18:00"), ZONE)
        assert not (before.held and state.held)
        mine = [play for play in (*before.plays, *state.plays) if command.touch.startswith(f"c1/{play.key}/")]
        assert command.kind == "send_invite" or not (mine and all(command.to in play.paused for play in mine))


def stored(state: State) -> State:
    """Read back from the text that would be stored."""
    back = state_from_json(json.loads(canonical(state_to_json(state))))
    assert back == state
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


def twenty_steps(given: Given) -> Playbook:
    """As long as the shipped onboarding: mails, prompts, tasks, approvals, waits."""
    return given.book(
        given.email("welcome"),
        given.task("success-plan", When(day=1)),
        given.task("slack-channel", When(day=1)),
        given.invite("kickoff", When(day=1, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.task("kickoff-notes", When(day=3, at="17:00")),
        given.email("setup-guide", When(day=3)),
        given.task("setup-tasks", When(day=3)),
        given.wait("technical-setup", When(day=5, at="17:00"), given.get("setup.api")),
        given.slack("setup-blocked", under="technical-setup", branch="otherwise"),
        given.task("setup-unblock", under="technical-setup", branch="otherwise"),
        given.invite("training", When(day=4, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.wait("team-onboarded", When(day=7), given.get("setup.done")),
        given.slack("team-behind", under="team-onboarded", branch="otherwise"),
        given.email("first-insight", When(day=8)),
        given.slack("watch-adoption", When(day=9)),
        given.wait("full-adoption", When(day=14), given.compare("usage.share", ">", 0.5)),
        given.slack("adoption-behind", under="full-adoption", branch="otherwise"),
        given.invite("graduation", When(day=9, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.survey("nps", When(day=14)),
        given.task("call", When(day=15)),
        name="onboarding-14-day",
        trigger=Trigger(stage="onboarding"),
    )


def test_the_state_with_one_play_of_twenty_steps_stays_within_2_kb(given: Given) -> None:
    story = given(twenty_steps(given), customer="cus_01hzx5k8m3")
    largest = 0
    for day in range(1, 16):
        today = f"2026-03-{2 + day:02}"
        known: dict[str, Value] = {
            "setup.api": day > 2,
            "setup.done": False,
            "usage.share": day / 50,
            "health.score": 70 + day,
        }
        story.when(FactsReported(known), at=f"{today} 12:00")
        for name in ("kickoff", "training", "graduation"):
            answer = ApprovalAnswered(f"onboarding-14-day/1/{name}", "mara", "approve", f"press-01hzx5k8m3-{name}")
            story.when(answer, at=f"{today} 12:30")
        kept = replace(story.state, records=())
        largest = max(largest, len(canonical(state_to_json(kept)).encode()))
    assert 1024 < largest <= 2048, largest
