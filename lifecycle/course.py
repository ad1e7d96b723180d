"""Many events in a row, for whoever plays a customer's life at once: simulations, forecasts, plans. `Course` takes
them, `Run` keeps what comes of them.

A state is put together only when it is asked for; everything else is `engine.step`, so that what a course decides is
what production decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lifecycle import engine, facts
from lifecycle.commands import Command
from lifecycle.messages import DueReached, Event, FactsReported, Reply
from lifecycle.model import Contact, Decision, State, Teammate, Touched, Value
from lifecycle.playbook import Lifecycle
from lifecycle.quick import quick
from lifecycle.releases import Releases
from lifecycle.turn import Turn

_DUE = DueReached()


@dataclass(frozen=True, slots=True)
class Around:
    """Who there is around a customer just now, and what the caps count."""

    zone: str
    team: Mapping[str, Teammate]
    contacts: tuple[Contact, ...]
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of an event and of all that it set off, in order. `begun`: what started each play, the key of a
    trigger, `entering.HAND`, or empty for a step. `reply`: to the person of the event.
    """

    commands: list[Command]
    decisions: list[Decision]
    begun: list[str]
    reply: Reply | None


class Course:
    """A customer's course of events, for those who tell many in a row: what `step` says of each, without a state in
    between.

    Telling events to one Course or each to `step`, with the state through JSON in between, comes to the same; a law
    says so.
    """

    def __init__(self, releases: Releases, state: State) -> None:
        self._turn = Turn(releases, state)

    def take(self, event: Event, *, now: datetime, issued: tuple[Command, ...] = ()) -> None:
        """Take an event, as `step`; then `commands`, `decisions` and `reply` are what came of it."""
        engine.tell(self._turn, event, now, issued)

    def deliver(self) -> bool:
        """Take that every command was sent and every decision stored, as with a `BatchSettled` that says so; False when
        there was nothing.
        """
        return engine.deliver(self._turn)

    def live(self, event: Event, now: datetime) -> Lived:
        """Take an event, then that all of what it sets off was sent and stored, until nothing more is to do."""
        turn = self._turn
        engine.tell(turn, event, now, ())
        reply, commands, decisions, begun = turn.reply, turn.commands, turn.decisions, turn.begun
        while engine.deliver(turn):
            commands, decisions, begun = commands + turn.commands, decisions + turn.decisions, begun + turn.begun
        return Lived(commands, decisions, begun, reply)

    @property
    def commands(self) -> tuple[Command, ...]:
        """Of the last event, in the order to issue."""
        return tuple(self._turn.commands)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Of the last event, in the order made."""
        return tuple(self._turn.decisions)

    @property
    def reply(self) -> Reply | None:
        """To the person of the last event."""
        return self._turn.reply

    @property
    def unstored(self) -> int:
        """How many decisions wait to be stored."""
        return len(self._turn.records)

    @property
    def lifecycle(self) -> Lifecycle:
        """The current one."""
        return self._turn.life

    def next_due(self) -> datetime | None:
        """As `next_due` of the state."""
        return engine.wakes_at(self._turn)

    def around(self) -> Around:
        """What those who watch ask after each event, without putting a state together."""
        turn = self._turn
        return Around(turn.profile.zone, turn.team, turn.contacts, turn.touched)

    def state(self) -> State:
        """What `step` would have returned last."""
        return self._turn.state()


@quick
@dataclass(frozen=True, slots=True)
class Issued:
    """A command and when the core gave it."""

    at: datetime
    command: Command


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person was told, and when."""

    at: datetime
    event: Event
    reply: Reply


class Run:
    """The shell of a simulation: events in, everything that comes out kept."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.decisions: list[Decision] = []
        self.issued: list[Issued] = []
        self.replies: list[Answered] = []
        self.told: dict[str, Value] = {}
        self.begun: list[str] = []

    def hear(self, event: Event, now: datetime) -> None:
        """Take an event from outside, of a report of facts only what is news, as the gateway does."""
        if isinstance(event, FactsReported):
            found = facts.news(self.told, event.facts, self.course.lifecycle.facts)
            if not found:
                return
            self.told |= found
            event = FactsReported(found)
        else:
            self.told |= facts.learned(event, self.course.lifecycle)
        self.take(event, now)

    def reach(self, until: datetime) -> None:
        """Play every instant that is owed up to and including `until`."""
        while (due := self.course.next_due()) is not None and due <= until:
            self.take(_DUE, due)

    def take(self, event: Event, now: datetime) -> None:
        """Tell one event, and settle what it sets off until nothing more is to do."""
        lived = self.course.live(event, now)
        if lived.reply is not None:
            self.replies.append(Answered(now, event, lived.reply))
        self.decisions += lived.decisions
        self.issued += [Issued(now, command) for command in lived.commands]
        self.begun += lived.begun
