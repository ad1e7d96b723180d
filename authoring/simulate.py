"""One customer on a virtual clock: the same pure core as production, every effect settled as sent the moment it is due.

Events are told at their instant, after everything owed up to it; so a simulation decides what the workflow decides.
Pure: equal arguments give equal results, in milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lifecycle import trace
from lifecycle.course import Answered, Course, Issued, Run
from lifecycle.engine import begin
from lifecycle.messages import Event, SignedUp
from lifecycle.model import Decision, State
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release
from lifecycle.releases import ReleaseMissingError, Releases

CUSTOMER = "simulated"


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
