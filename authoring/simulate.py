"""One customer on a virtual clock: the same pure core as production, every effect settled as sent the moment it is due.

Events are told at their instant, after everything owed up to it; so a simulation decides what the workflow decides.
Pure: equal arguments give equal results, in milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lifecycle import facts, trace
from lifecycle.commands import Command
from lifecycle.course import Course
from lifecycle.engine import begin
from lifecycle.messages import DueReached, Event, FactsReported, Reply, SignedUp
from lifecycle.model import Decision, State, Value
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release
from lifecycle.quick import quick
from lifecycle.releases import ReleaseMissingError, Releases

CUSTOMER = "simulated"
_DUE = DueReached()


@dataclass(frozen=True, slots=True)
class Library:
    """Releases in memory by digest, as the engine looks them up."""

    releases: Mapping[str, Release]

    def catalogue(self, digest: str) -> Manifest:
        """The manifest of a digest; raises ReleaseMissingError."""
        found = self.releases.get(digest)
        if not isinstance(found, Manifest):
            raise ReleaseMissingError(digest)
        return found

    def lifecycle(self, digest: str) -> Lifecycle:
        """The lifecycle of a digest; raises ReleaseMissingError."""
        found = self.releases.get(digest)
        if not isinstance(found, Lifecycle):
            raise ReleaseMissingError(digest)
        return found

    def playbook(self, digest: str) -> Playbook:
        """The playbook of a digest; raises ReleaseMissingError."""
        found = self.releases.get(digest)
        if not isinstance(found, Playbook):
            raise ReleaseMissingError(digest)
        return found


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


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happened, in order, and the state at the end. `begun`: what started each play, as of `Lived.begun`."""

    state: State
    decisions: tuple[Decision, ...]
    issued: tuple[Issued, ...]
    replies: tuple[Answered, ...]
    begun: tuple[str, ...] = ()

    def trace(self, releases: Releases) -> list[trace.Public]:
        """The decisions as people and machines read them, in the customer's local time."""
        zone = self.state.profile.zone
        return [
            trace.public(item, customer=self.state.customer, zone=zone, place=trace.place(releases, item))
            for item in self.decisions
        ]


def simulate(
    releases: Releases,
    catalogue_digest: str,
    signup: SignedUp,
    start: datetime,
    events: Iterable[tuple[datetime, Event]],
    until: datetime,
    customer: str = CUSTOMER,
) -> Simulation:
    """Play a customer's life.

    Args:
        releases: every release that the catalogue names.
        catalogue_digest: of the manifest that the customer starts with.
        signup: the first event, told at `start` (aware).
        start: when the customer signs up.
        events: what happens, each not before `start`; equal instants keep their order.
        until: the last instant that is played.
        customer: the customer's id, the first part of every touch.
    """
    run = Run(Course(releases, begin(customer, catalogue_digest, signup, now=start, spread=False)))
    run.take(signup, start)
    for at, event in sorted(events, key=lambda item: item[0]):
        if at > until:
            break
        run.reach(at)
        run.hear(event, at)
    run.reach(until)
    return Simulation(run.course.state(), tuple(run.decisions), tuple(run.issued), tuple(run.replies), tuple(run.begun))


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
