"""Everything one command needs to know, read in one go: who it is about, who gets it, what the release says.

A Scene is plain values; `render` makes texts of it without touching the database. Names are looked up by id here, at
the moment of sending, because neither the workflow nor its batches carry them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection

from activities.mime import UnsendableError
from lifecycle import calendar, people, touches
from lifecycle.actions import Email, Invite, Survey
from lifecycle.commands import Command, MakeDocument
from lifecycle.model import Play, Snapshot, Value
from lifecycle.playbook import CONTRACT_END, Lifecycle, Manifest, Playbook, Step
from store import customers, interactions, merges
from store.customers import Customer
from store.interactions import Agreed, Interaction
from store.known import Known, known, milestones
from store.releases import DatabaseReleases
from store.team import Person, team_of, teammate
from workflows.interface import PlayInfo


@dataclass(frozen=True, slots=True)
class Source:
    """What the releases say about a command. `book` and `step` are None for work that the lifecycle itself raises."""

    digest: str
    lifecycle: Lifecycle | None
    book: Playbook | None = None
    step: Step | None = None

    @property
    def owner(self) -> str:
        """The teammate role that answers for it; of what the lifecycle itself raises, the CSM."""
        return self.book.owner if self.book else "csm"

    def written(self) -> tuple[Playbook, Step]:
        """The playbook and the step.

        Raises:
            UnsendableError: this release has no such step; the command was made for another one.
        """
        if self.book is None or self.step is None:
            raise UnsendableError(f"release {self.digest} does not have the step that this is for")
        return self.book, self.step


@dataclass(frozen=True, slots=True)
class Scene:
    """One command with its people. `person` gets it; `contact`: they are at the customer, not a teammate.

    `due`: the nominal instant, which is the date that texts show. `anchor`: day 0, local in `zone`. `facts`: latest
    known values by dotted name. `reached`: the milestones reached. `champion`: the customer's first contact to turn to.
    `item`: what the play is about, where it is about an item of a note. `calls`: for documents, the newest first.
    `history`: of the health score.
    """

    command: Command
    customer: Customer
    person: Person
    contact: bool
    source: Source
    team: Mapping[str, Person]
    zone: str
    anchor: date
    facts: Mapping[str, Value] = field(default_factory=dict)
    reached: frozenset[str] = frozenset()
    champion: Person | None = None
    item: Agreed | None = None
    calls: tuple[Interaction, ...] = ()
    history: tuple[Snapshot, ...] = ()

    @property
    def about(self) -> Person | None:
        """The contact that a text speaks of: its reader, or the champion where a teammate reads it."""
        return self.person if self.contact else self.champion

    @property
    def due(self) -> datetime:
        return self.command.due

    @property
    def reader_zone(self) -> str:
        """The zone that times are written in for whoever gets this."""
        return (self.customer.profile.zone if self.contact else self.person.zone) or self.zone

    @property
    def _chains(self) -> Mapping[str, tuple[str, ...]]:
        return self.source.lifecycle.roles if self.source.lifecycle else {}

    def everyone(self) -> dict[str, Person]:
        """Every role that somebody has for this customer, or stands in for along its fallback chain."""
        found = {role: people.holder(role, self.team, self._chains) for role in (*self.team, *self._chains)}
        return {role: person for role, person in found.items() if person is not None}

    def teammate(self, role: str) -> Person:
        """Who has a role for this customer, or stands in.

        Raises:
            UnsendableError: nobody, along the whole chain.
        """
        found = people.holder(role, self.team, self._chains)
        if found is not None:
            return found
        raise UnsendableError(f"nobody has the role {role} for this customer; give it to someone in the team file")

    @property
    def sender(self) -> Person:
        """Whose name the message bears: the step's sender or organizer, else the playbook's owner."""
        action = self.source.step.action if self.source.step else None
        match action:
            case Email(sender=role) | Survey(sender=role) | Invite(organizer=role):
                return self.teammate(role)
            case _:
                return self.owner

    @property
    def owner(self) -> Person:
        return self.teammate(self.source.owner)


def read_source(releases: DatabaseReleases, catalogue: str, digest: str, step_id: str) -> Source:
    """What the releases say; `catalogue` gives the lifecycle.

    Raises:
        ReleaseMissingError: a release that was never committed.
    """
    manifest = releases.get(catalogue) if catalogue else None
    life = releases.get(manifest.lifecycle) if isinstance(manifest, Manifest) else None
    lifecycle = life if isinstance(life, Lifecycle) else None
    release = releases.get(digest)
    if not isinstance(release, Playbook):
        return Source(digest, lifecycle)
    return Source(digest, lifecycle, release, next((step for step in release.steps if step.id == step_id), None))


def read_scene(
    c: Connection, command: Command, customer: Customer, source: Source, play: PlayInfo | None = None
) -> Scene:
    """Read the people and the facts of a command.

    Args:
        c: an open connection.
        command: whose recipient is looked up among the customer's contacts, then among the teammates.
        customer: as just read.
        source: of the command's release.
        play: what its batch says of its play; None for one that has been left.

    Raises:
        UnsendableError: the recipient is not among the people that we know.
    """
    contacts = customers.contacts(c, customer.id)
    contact = next((one for one in contacts if one.id == command.to), None)
    person = contact or teammate(c, command.to)
    if person is None:
        raise UnsendableError("the person that this is for is not among the customer's contacts, nor in the team")
    team = team_of(c, customer.id)
    written = source.book.zone if source.book else "customer"
    zone = people.zone_of(written, customer.profile.zone, team, source.lifecycle)
    found = known(c, customer, source.lifecycle)
    facts = {**_contract(found), **{name: fact.value for name, fact in found.facts.items()}}
    return Scene(
        command=command,
        customer=customer,
        person=person,
        contact=contact is not None,
        source=source,
        team=team,
        zone=play["zone"] if play else zone,
        anchor=date.fromisoformat(play["anchor"]) if play else _anchor(command, customer, source, found.plays, zone),
        facts={**facts, **play["about"]} if play else facts,
        reached=_reached(source.lifecycle, customer, found),
        champion=_champion(contacts),
        item=_item(c, play["about"]) if play else None,
        calls=_calls(c, customer) if isinstance(command, MakeDocument) else (),
        history=found.history,
    )


def _contract(found: Known) -> dict[str, Value]:
    """The contract that ends next, for a play that is about none."""
    one = found.contract
    return {} if one is None else {CONTRACT_END: one.ends_on.isoformat(), "contract.id": one.id}


def _item(c: Connection, about: Mapping[str, Value]) -> Agreed | None:
    """The item of a note that a play is about."""
    name = about.get("action.id") or about.get("risk.id")
    return interactions.item(c, str(name)) if name else None


def _calls(c: Connection, customer: Customer) -> tuple[Interaction, ...]:
    return interactions.of(c, [customer.id, *(one.id for one in merges.absorbed(c, customer.id))])


def _champion(contacts: tuple[Person, ...]) -> Person | None:
    """The contact with that role who may be written to, else any with it, else the first of all."""
    ranked = sorted(contacts, key=lambda person: ("champion" not in person.roles, person.suppressed))
    return ranked[0] if ranked else None


def _anchor(command: Command, customer: Customer, source: Source, plays: tuple[Play, ...], zone: str) -> date:
    """Day 0 of the command's play: as the snapshot has it, else worked out from the customer's row."""
    key = touches.read(command.touch).play
    for play in plays:
        if play.key == key:
            return play.anchor
    if source.book is not None and source.book.anchor == "signup":
        return customer.profile.signed_up_on
    return calendar.local(customer.clock.virtual(customer.created_at), zone).date()


def _reached(life: Lifecycle | None, customer: Customer, found: Known) -> frozenset[str]:
    return frozenset(one.name for one in milestones(life, customer, found) if one.reached) if life else frozenset()


def written_day(day: date) -> str:
    """`3 March 2026`."""
    return f"{day.day} {day:%B %Y}"


def day_of(at: datetime, zone: str) -> str:
    """`Tuesday 3 March 2026`, in a zone."""
    day = calendar.local(at, zone).date()
    return f"{day:%A} {written_day(day)}"


def moment_of(at: datetime, zone: str) -> str:
    """`Tuesday 3 March, 13:00 (Berlin time)`."""
    local = calendar.local(at, zone)
    return f"{local:%A} {local.day} {local:%B}, {local:%H:%M} ({zone_of(zone)})"


def zone_of(zone: str) -> str:
    """A zone as people say it: `Europe/Berlin` is Berlin time; one that is named after no place keeps its name."""
    area, _, place = zone.partition("/")
    return zone if not place or area == "Etc" else f"{place.rpartition('/')[2].replace('_', ' ')} time"
