"""What would happen to one customer: its own virtual clock, assumed answers, and what everybody gets of it.

Customers share nothing: a customer's future is the same whoever else is played. `authoring/futures.py` plays many.
"""

import heapq
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from urllib.parse import quote

from authoring import collisions, ticks
from authoring.answers import Answers
from authoring.collisions import Collision, Collisions
from authoring.mornings import with_windows
from authoring.people import People
from authoring.portfolio import Account
from authoring.roster import Roster
from authoring.simulate import Library
from lifecycle import calendar, schedule, touches
from lifecycle.commands import AskApproval, Command, HandOver, SendInvite, SettleApproval
from lifecycle.course import Around, Course, Run
from lifecycle.engine import begin
from lifecycle.messages import (
    ApprovalAnswered,
    DueReached,
    Event,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    MilestoneTicked,
    PlayRequested,
    PlayStopRequested,
    SignedUp,
    StageSet,
    TaskTicked,
)
from lifecycle.model import Decision, State
from lifecycle.playbook import Playbook
from lifecycle.turn import Turn

CUSTOMER_GETS = (*collisions.SEEN, "cancel")
SOON = timedelta(hours=1)
"""After the beginning of the period somebody answers who is late by what is assumed."""
_KINDS = {
    "send_email": "email",
    "send_survey": "survey",
    "send_invite": "invite",
    "cancel_invite": "cancel",
    "post_slack": "slack",
    "ask_approval": "approval",
    "raise_task": "task",
    "make_document": "document",
    "record_opportunity": "opportunity",
    "call_webhook": "webhook",
}


@dataclass(frozen=True, slots=True)
class Start:
    """Where the simulation of a customer begins: with a signup, told at `at`, or with a state, from its own instant on.

    `customer`: first part of its touches. `events`: what is known to happen, each not before the start.
    """

    customer: str
    name: str
    at: datetime
    signup: SignedUp | None = None
    state: State | None = None
    events: tuple[tuple[datetime, Event], ...] = ()


def of_account(account: Account, roster: Roster | None = None) -> Start:
    """An account of a portfolio; with a roster, people of the team file take its roles."""
    signup, events = account.signup, account.events
    if roster is not None:
        team = roster.assign(signup.profile, {"csm": account.csm} if account.csm else {})
        signup = replace(signup, team=team)
        people = {role: person.id for role, person in team.items()}
        events = tuple((at, _by(event, people)) for at, event in events)
    customer = quote(account.id, safe="")
    people = {role: person.id for role, person in signup.team.items()}
    contacts = {role: contact.id for contact in reversed(signup.contacts) for role in contact.roles}
    events = tuple(
        (at, ticks.called(event, customer, people, contacts) if isinstance(event, TaskTicked) else event)
        for at, event in events
    )
    return Start(customer, account.name, account.at, signup, events=events)


def _by(event: Event, people: dict[str, str]) -> Event:
    """A file names teammates by role; the core knows them by id."""
    match event:
        case ApprovalAnswered() | MilestoneTicked() | MeetingAnswered() | StageSet() | HoldPlaced() | HoldLifted():
            return replace(event, by=people.get(event.by, event.by))
        case PlayRequested() | PlayStopRequested():
            return replace(event, by=people.get(event.by, event.by))
        case _:
            return event


def from_state(state: State, name: str = "", events: tuple[tuple[datetime, Event], ...] = ()) -> Start:
    """A live customer, from its state on."""
    return Start(state.customer, name or state.customer, state.as_of, state=state, events=events)


@dataclass(frozen=True, slots=True)
class World:
    """What all customers of a simulation share.

    `digest`: the catalogue that new customers start with. `since`, `until`: the period that is counted, both included.
    `first`: told to live customers when they begin, such as `CatalogueApplied`. `decisions`: whether courses keep them.
    """

    library: Library
    digest: str
    answers: Answers
    since: datetime
    until: datetime
    seed: str = "1"
    first: tuple[Event, ...] = ()
    decisions: bool = False


@dataclass(frozen=True, slots=True)
class Touch:
    """One thing that one person gets. `at`: wall time of who gets it, offset included; when a teammate's meeting is.
    `to`: teammate id (`inside`), or the first role of a person at the customer. `name`: of the template or the survey.
    """

    at: datetime
    kind: str
    playbook: str
    step: str
    name: str
    to: str
    inside: bool

    @property
    def on(self) -> date:
        return self.at.date()


@dataclass(frozen=True, slots=True)
class Life:
    """One customer's future within the period, in order. `started`: plays begun by playbook; `stage`: at the end."""

    customer: str
    name: str
    zone: str
    stage: str
    touches: tuple[Touch, ...]
    collisions: tuple[Collision, ...]
    started: dict[str, int]
    decisions: tuple[Decision, ...] = ()


# --- one customer -----------------------------------------------------------------------------------------------------


def live(world: World, start: Start) -> Life:
    """Play one customer to the end of the period."""
    return _Player(world, start).play()


class _Player:
    """One customer on its virtual clock, with what is still to happen to it."""

    def __init__(self, world: World, start: Start) -> None:
        self.world, self.start = world, start
        state = start.state
        if start.signup is not None:
            state = begin(start.customer, world.digest, start.signup, now=start.at, spread=False)
        assert state is not None, "a start has a signup or a state"  # as both ways to make one see to
        self.run = Run(Course(world.library, state))
        self.run.told = {name: fact.value for name, fact in state.facts.items()}
        manifest = world.library.catalogue(world.digest)
        zone, lifecycle = state.profile.zone, world.library.lifecycle(manifest.lifecycle)
        off = frozenset(lifecycle.holidays.get(lifecycle.business.country, ()))
        self.people = People(world.answers, world.seed, start.customer, zone, lifecycle, world.library, off)
        self._order = count()
        self._events = [(at, next(self._order), event) for at, event in start.events]
        heapq.heapify(self._events)
        self.at = start.at
        self._asked = _asked_already(world.library, state)
        self.touches: list[Touch] = []
        self._meetings: dict[tuple[str, str], Touch] = {}
        self.collisions = Collisions()
        self.decisions: list[Decision] = []

    def play(self) -> Life:
        if self.start.at > self.world.until:
            return self._life({})
        course, before = self.run.course, dict(self.run.course.state().counters)
        if self.start.signup is not None:
            self._take(self.start.signup, self.start.at)
        else:
            for at, event in self.people.still_open(course.state()):
                self._expect(at, event)
            for event in self.world.first:
                self._take(event, self.start.at)
        for at, event in self.people.course(course.state(), self.world.until):
            self._expect(at, event)
        if self.start.signup is not None:
            self._derive()
        while self._next():
            pass
        after = course.state().counters
        return self._life({name: number - before.get(name, 0) for name, number in after.items()})

    def _life(self, started: dict[str, int]) -> Life:
        state = self.run.course.state()
        kept = tuple(self.decisions) if self.world.decisions else ()
        known = {item.name for item in self.world.library.releases.values() if isinstance(item, Playbook)}
        began = {name: number for name, number in sorted(started.items()) if number and name in known}
        return Life(
            state.customer,
            self.start.name,
            state.profile.zone,
            state.stage,
            tuple(self.touches),
            self.collisions.found(),
            began,
            kept,
        )

    def _expect(self, at: datetime, event: Event) -> None:
        """Expect what is assumed. Of a live customer the past is known: what did not happen by then did not happen, and
        a question that is still open is answered later.
        """
        if self.start.state is not None and at <= self.world.since:
            if not isinstance(event, ApprovalAnswered):
                return
            at = self.world.since + SOON
        if at <= self.world.until:
            heapq.heappush(self._events, (at, next(self._order), event))

    def _derive(self) -> None:
        """Let what is known to happen move what is derived from it. Of a live customer nobody says here what came day
        by day, so what is derived stays as it is.
        """
        known = [(at, event) for at, _, event in sorted(self._events)]
        life, zone = self.run.course.lifecycle, self.people.zone
        self._events = [
            (at, next(self._order), event) for at, event in with_windows(known, life, zone, self.world.until)
        ]

    def _next(self) -> bool:
        """Play the next instant that is owed or at which something happens; False when the period is over."""
        due = self.run.course.next_due()
        coming = self._events[0][0] if self._events else None
        if due is not None and due <= self.world.until and (coming is None or due <= coming):
            self._take(DueReached(), due)
            return True
        if coming is None or coming > self.world.until:
            return False
        at, _, event = heapq.heappop(self._events)
        if not (isinstance(event, MeetingAnswered) and self._later(event.meeting, at)):
            self._take(event, max(at, self.at))
        return True

    def _later(self, meeting: str, at: datetime) -> bool:
        """Whether a meeting has been moved, so that nothing has become of it yet."""
        key, name, _ = touches.named(meeting)
        play = next((item for item in self.run.course.state().plays if item.key == key), None)
        progress = play.steps.get(play.step_of(name)) if play else None
        return progress is not None and progress.closes is not None and progress.closes > at

    def _take(self, event: Event, at: datetime) -> None:
        run, self.at = self.run, at
        run.hear(event, at)
        if run.issued or run.decisions:
            self._look(run.course.around())
        run.issued.clear()
        run.decisions.clear()
        run.replies.clear()

    def _look(self, around: Around) -> None:
        """Remember what came of an event, and expect what people do about it."""
        for issued in self.run.issued:
            for when, reaction in self.people.react(issued.at, issued.command, around.team):
                self._expect(when, reaction)
            if issued.at >= self.world.since:
                self._note(issued.at, issued.command, around)
        for decision in self.run.decisions:
            if decision.at >= self.world.since:
                self._judge(decision, around)

    # --- what is remembered -------------------------------------------------------------------------------------------

    def _note(self, at: datetime, command: Command, around: Around) -> None:
        """Remember who gets what, once: a reminder of a question is not another question."""
        kind = _KINDS.get(command.kind, command.kind)
        if isinstance(command, SettleApproval | HandOver):
            return
        if isinstance(command, AskApproval):
            if (command.approval, command.to) in self._asked:
                return
            self._asked.add((command.approval, command.to))
        zone = next((item.zone for item in around.team.values() if item.id == command.to), "")
        inside = bool(zone) or kind not in CUSTOMER_GETS
        touch = touches.read(command.touch)
        step = command.step
        if isinstance(command, SendInvite):
            kind, step = ("reschedule", touch.step) if command.moves else (kind, step)
            kind, at = ("meeting", command.opens) if inside else (kind, at)
        release = self.world.library.releases.get(command.release)
        to = command.to if inside else _role(around, command.to)
        wall = calendar.local(at, zone or around.zone)
        found = Touch(wall, kind, touch.playbook, step, _name(release, command.step), to, inside)
        if isinstance(command, SendInvite):
            self._meet(command, found)
        self.touches.append(found)

    def _meet(self, command: SendInvite, touch: Touch) -> None:
        """A teammate's meeting that moved is where it moved to."""
        before = self._meetings.get((command.meeting, command.to))
        if touch.inside and before is not None:
            self.touches.remove(before)
        self._meetings[command.meeting, command.to] = touch

    def _judge(self, decision: Decision, around: Around) -> None:
        """Keep a decision where that is wanted, and what gave way."""
        if self.world.decisions:
            self.decisions.append(decision)
        self.collisions.hear(decision, around)


def _asked_already(library: Library, state: State) -> set[tuple[str, str]]:
    """Which open questions were put to whom before a state: the first card, and the nudges that are used up."""
    turn, found = Turn(library, state), set()
    for play in state.plays:
        for step in turn.book(play).steps:
            progress = play.steps.get(step.id)
            if step.approval is None or progress is None or progress.status != "asked":
                continue
            nudges = schedule.nudges(turn, play, step.approval, progress.at)
            roles = (step.approval.by, *(role for _, role in nudges[: progress.count]))
            people = {person.id for role in roles if (person := turn.teammate(role)) is not None}
            found |= {(turn.named(play, step.id), name) for name in people}
    return found


def _role(around: Around, contact: str) -> str:
    roles = next((item.roles for item in around.contacts if item.id == contact), ())
    return roles[0] if roles else "contact"


def _name(release: object, step: str) -> str:
    """The template or survey of a step, where it has one."""
    if not isinstance(release, Playbook):
        return ""
    action = next((item.action for item in release.steps if item.id == step), None)
    return str(getattr(action, "template", "") or getattr(action, "survey", ""))
