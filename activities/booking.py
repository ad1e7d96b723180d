"""The meetings behind invitations: booked, handed on, taken back, each as the calendar object that travels."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from activities import cards
from activities.delivery import Delivery
from activities.invites import Calendar, Guest, Method, calendar_object, meeting_uid
from activities.mime import UnsendableError
from activities.scene import Scene, moment_of
from activities.transports import Envelope, Ways
from activities.variables import title_of
from lifecycle.commands import RaiseTask, SendInvite
from store import customers, ledger, meetings, projections, team
from store.database import Database, now
from store.meetings import Meeting
from store.team import Person


@dataclass(frozen=True, slots=True)
class Bookings:
    """Books meetings and makes their calendar objects."""

    db: Database
    ways: Ways
    delivery: Delivery

    def of(self, command: SendInvite, minutes: int) -> Meeting:
        """The meeting of an invitation: as it is handed on to others, else in the slot that it has or takes now."""
        handed = meetings.hand_over(self.db, command) if command.change else None
        return handed or meetings.book(
            self.db,
            command.meeting,
            organizer=command.organizer,
            guests=command.guests,
            opens=command.opens,
            closes=command.closes,
            minutes=minutes,
            moves=command.moves,
        )

    def report_clash(self, scene: Scene, envelope: Envelope, meeting: Meeting) -> None:
        """Give the organizer a task, once a meeting and move: it is booked over another one. The task stands on the
        dashboard; its card is posted once, and whatever becomes of it changes nothing.
        """
        part = f"task-clash-{meeting.sequence}" if meeting.sequence else "task-clash"
        touch = f"{meeting.id.rpartition('/')[0]}/{part}/{meeting.organizer}"
        with self.db.begin() as c:
            organizer = person_of(c, scene.customer.id, meeting.organizer)
            when = moment_of(meeting.starts_at, organizer.zone or scene.zone)
            title = f"{title_of(scene.command.step)} is booked over another meeting of yours, {when}: move one of them"
            command = RaiseTask(
                touch, scene.source.digest, scene.command.step, organizer.id, envelope.at, meeting.starts_at, title
            )
            if not projections.raise_task(c, command, scene.customer.id, title, ()):
                return
            of_card = replace(envelope, touch=touch, touch_hash=ledger.touch_hash(c, touch), person=organizer)
        card = cards.task_card(title, scene.customer.name, when, (), touch)
        card = cards.linked(card, self.delivery.public_url, scene.customer.id)
        self.ways.cards(scene.customer.clock).post(of_card, card)

    def room(self, scene: Scene, meeting: Meeting) -> str:
        """Where a meeting takes place: the room of whoever holds it as booked; empty where they have none."""
        with self.db.read() as c:
            return _host(c, scene, meeting).meeting_url

    def calendar(
        self, method: Method, scene: Scene, meeting: Meeting, summary: str, description: str, *, alone: bool = False
    ) -> Calendar:
        """The object for every guest; `alone`: for the reader only, who is no longer one, and told no place."""
        with self.db.read() as c:
            organizer = _host(c, scene, meeting)
            people = [person_of(c, scene.customer.id, guest) for guest in (() if alone else meeting.guests)]
            uid = meeting_uid(ledger.touch_hash(c, meeting.id), self.delivery.from_email.rpartition("@")[2])
        everyone = {person.id: Guest(person.name or person.email, person.email) for person in (*people, scene.person)}
        return calendar_object(
            method,
            uid=uid,
            sequence=meeting.sequence,
            made_at=now(),
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            summary=summary,
            description=description,
            organizer=Guest(organizer.name, organizer.email),
            sent_by=self.delivery.from_email,
            guests=tuple(everyone.values()),
            url="" if alone else organizer.meeting_url,
        )


def _host(c: Connection, scene: Scene, meeting: Meeting) -> Person:
    """Who holds a booked meeting, also where they have left or the role is another's since."""
    return team.teammate(c, meeting.organizer) or scene.sender


def person_of(c: Connection, customer: str, one: str) -> Person:
    """A contact of the customer, or a teammate.

    Raises:
        UnsendableError: neither is called that.
    """
    person = customers.contact(c, customer, one) or team.teammate(c, one)
    if person is None:
        raise UnsendableError("somebody invited is not among the customer's contacts, nor in the team")
    return person
