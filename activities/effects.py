"""One command made ready: its people, its texts, the way it goes, and what to write down around the sending.

Preparing reads and renders and may be repeated; nothing is sent before `Job.send`. `before` writes what must be known
even if the process dies while sending (a task, an open question, a survey that may be answered at once), `after` what
only the provider could say. Both may run twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from activities import cards, handover, webhooks
from activities.booking import Bookings, person_of
from activities.cards import Card
from activities.delivery import Delivery, Failed, Landing, Later, Sent
from activities.documents import html as to_html
from activities.invites import Calendar
from activities.mime import Mail, Mailbox, UnsendableError
from activities.render import Edited, Letter, News, Renderer, Slot, unsubscribe_link
from activities.scene import Scene, read_scene, read_source
from activities.transports import CardWay, Doubt, Envelope, MailWay, Records, Way, Ways
from activities.variables import title_of
from lifecycle import touches
from lifecycle.actions import Invite, Survey
from lifecycle.commands import (
    AskApproval,
    CallWebhook,
    CancelInvite,
    Command,
    HandOver,
    MakeDocument,
    PostSlack,
    RaiseTask,
    RecordOpportunity,
    SendEmail,
    SendInvite,
    SendSurvey,
    SettleApproval,
)
from store import customers, documents, interactions, ledger, meetings, opportunities, projections, surveys, team
from store.customers import Customer
from store.database import Database, now
from store.meetings import Meeting
from store.releases import DatabaseReleases
from store.team import Person
from workflows.interface import PlayInfo


def _nothing(_: str) -> None:
    """Most jobs have nothing to write down."""


@dataclass(frozen=True, slots=True)
class Job:
    """`find`: as of the ways. `repeatable`: to send it twice does no harm. `address`: whom suppression is asked about,
    empty for teammates. `after_leaving`: it belongs to a playbook for customers who have left.
    """

    way: Way
    send: Callable[[], Landing]
    find: Callable[[Doubt], Landing | None]
    before: Callable[[], None] = lambda: None
    after: Callable[[str], None] = _nothing
    address: str = ""
    after_leaving: bool = False
    repeatable: bool = False


Addressed = (
    SendEmail
    | SendSurvey
    | SendInvite
    | CancelInvite
    | PostSlack
    | AskApproval
    | RaiseTask
    | HandOver
    | MakeDocument
    | RecordOpportunity
)
"""What goes to somebody; settling an approval only takes cards back."""


class NoLongerOwedError(Exception):
    """There is nothing left to do for a command; the message says why. It counts as withdrawn."""


class Effects:
    """Makes jobs of commands."""

    def __init__(self, db: Database, releases: DatabaseReleases, delivery: Delivery) -> None:
        self._db = db
        self._releases = releases
        self._delivery = delivery
        self._renderer = Renderer(delivery)
        self._ways = Ways(db, delivery)
        self._bookings = Bookings(db, self._ways, delivery)
        self._webhooks = webhooks.Webhooks(delivery)

    def prepare(
        self, c: Connection, customer_id: str, command: Command, plays: Mapping[str, PlayInfo]
    ) -> Callable[[], Job]:
        """Read what a command needs; `plays` is what its batch says of them. What is returned then renders it and
        chooses the way, after the transaction; it raises UnsendableError, and NoLongerOwedError when there is nothing
        left to send.

        Raises:
            UnsendableError: this can never be sent as it is.
            ReleaseMissingError: the release is not in the database (yet).
        """
        customer = customers.get(c, customer_id)
        if isinstance(command, SettleApproval):
            return lambda: self._settle(customer, command)
        if isinstance(command, CallWebhook):
            there = _envelope(c, customer, command, Person(command.to, command.to, "", ()))
            return lambda: self._call(customer, command, there)
        source = read_source(self._releases, customer.catalogue, command.release, command.step)
        scene = read_scene(c, command, customer, source, plays.get(touches.read(command.touch).play))
        envelope = _envelope(c, customer, command, scene.person)
        meant = source.book is not None and source.book.after_leaving
        return lambda: replace(self._job(scene, envelope, command), after_leaving=meant)

    def _job(self, scene: Scene, envelope: Envelope, command: Addressed) -> Job:
        match command:
            case SendEmail():
                return self._mail(scene, envelope, self._renderer.letter(scene, self._edited(scene)))
            case SendSurvey():
                return self._survey(scene, envelope, command)
            case SendInvite():
                return self._invite(scene, envelope, command)
            case CancelInvite():
                return self._cancel(scene, envelope, command)
            case PostSlack():
                return self._card(scene, envelope, self._renderer.message(scene))
            case AskApproval():
                return self._ask(scene, envelope, command)
            case RaiseTask():
                return self._task(scene, envelope, command)
            case HandOver():
                return self._hand_over(scene, envelope, command)
            case MakeDocument():
                return self._document(scene, envelope)
            case RecordOpportunity():
                return self._opportunity(scene, envelope, command)

    # --- mails ------------------------------------------------------------------------------------------------------

    def _mail(
        self, scene: Scene, envelope: Envelope, letter: Letter, calendar: Calendar | None = None, **writes: Any
    ) -> Job:
        """A mail to the scene's person. One with a calendar may be repeated after a doubt."""
        way: MailWay = self._ways.mail(scene.customer.clock)
        sender = scene.sender
        mail = Mail(
            touch_hash=envelope.touch_hash,
            category=scene.source.book.name if scene.source.book else "lifecycle",
            to=Mailbox(scene.person.name, scene.person.email),
            sender=Mailbox(sender.name, self._delivery.from_email),
            reply_to=Mailbox(sender.name, sender.email),
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            unsubscribe_url=unsubscribe_link(self._delivery, scene) if scene.contact else "",
            calendar=calendar,
        )
        return Job(
            way,
            send=lambda: way.send(envelope, mail),
            find=lambda doubt: way.find_mail(envelope, doubt),
            repeatable=calendar is not None,
            address=scene.person.email if scene.contact else "",
            **writes,
        )

    def _survey(self, scene: Scene, envelope: Envelope, command: SendSurvey) -> Job:
        _, step = scene.source.written()
        kind = step.action.survey if isinstance(step.action, Survey) else "nps"

        def note() -> None:
            with self._db.begin() as c:
                surveys.sent(
                    c,
                    touch=command.touch,
                    customer=scene.customer.id,
                    contact=scene.person.id,
                    survey=kind,
                    at=envelope.at,
                )

        return self._mail(scene, envelope, self._renderer.letter(scene, self._edited(scene)), before=note)

    def _invite(self, scene: Scene, envelope: Envelope, command: SendInvite) -> Job:
        _, step = scene.source.written()
        minutes = step.action.minutes if isinstance(step.action, Invite) else 30
        meeting = self._bookings.of(command, minutes)
        if meeting.cancelled:
            raise NoLongerOwedError("the meeting was cancelled before this invitation went out")
        news: News = "host" if command.change else "moved" if command.moves else ""
        slot = replace(_slot(meeting), url=self._bookings.room(scene, meeting))
        letter, summary, description = self._renderer.invitation(scene, slot, self._edited(scene), news)
        calendar = self._bookings.calendar("REQUEST", scene, meeting, summary, description)
        clash = (lambda: self._bookings.report_clash(scene, envelope, meeting)) if meeting.clash else (lambda: None)
        return self._mail(scene, envelope, letter, calendar, before=clash)

    def _cancel(self, scene: Scene, envelope: Envelope, command: CancelInvite) -> Job:
        with self._db.read() as c:
            booked = meetings.get(c, command.meeting)
        if booked is None:
            raise NoLongerOwedError("there is no meeting to cancel")
        if command.change:
            letter, summary = self._renderer.cancellation(scene, _slot(booked), stays=True)
            left = booked if booked.handed == command.change else replace(booked, sequence=booked.sequence + 1)
            return self._mail(
                scene, envelope, letter, self._bookings.calendar("CANCEL", scene, left, summary, "", alone=True)
            )
        meeting = meetings.cancel(self._db, command.meeting)
        letter, summary = self._renderer.cancellation(scene, _slot(meeting))
        return self._mail(scene, envelope, letter, self._bookings.calendar("CANCEL", scene, meeting, summary, ""))

    def _edited(self, scene: Scene) -> Edited | None:
        """What a person wrote in place of the template, where the command says that somebody did."""
        if not getattr(scene.command, "edited", False):
            return None
        approval = touches.name_in(scene.command.touch)
        with self._db.read() as c:
            edit = projections.edit(c, scene.customer.id, approval)
        if edit is None:
            raise UnsendableError("it was approved with an edited text, and that text is gone")
        return Edited(edit.subject, edit.text)

    # --- cards ------------------------------------------------------------------------------------------------------

    def _card(self, scene: Scene, envelope: Envelope, card: Card, **writes: Any) -> Job:
        way: CardWay = self._ways.cards(scene.customer.clock)
        return Job(
            way, send=lambda: way.post(envelope, card), find=lambda doubt: way.find_card(envelope, doubt), **writes
        )

    def _ask(self, scene: Scene, envelope: Envelope, command: AskApproval) -> Job:
        way = self._ways.cards(scene.customer.clock)
        with self._db.read() as c:
            known = projections.approval(c, scene.customer.id, command.approval)
            names = tuple(person_of(c, scene.customer.id, one).name for one in command.recipients)
        if known is not None and known.result:
            raise NoLongerOwedError(f"the question was settled before it was asked: {known.result}")
        preview = self._renderer.preview(scene, names)
        card = self._renderer.question(scene, command, preview)

        def opened(ref: str) -> None:
            with self._db.begin() as c:
                at = f"{way.name}:{ref}" if ref else ""
                projections.open_approval(c, command, scene.customer.id, preview=preview, card=at)

        return self._card(scene, envelope, card, before=lambda: opened(""), after=opened)

    def _task(self, scene: Scene, envelope: Envelope, command: RaiseTask) -> Job:
        title, checklist = self._renderer.task(scene)

        def raised() -> None:
            with self._db.begin() as c:
                projections.raise_task(c, command, scene.customer.id, title, checklist)
                if scene.item is not None and not scene.item.task and not command.title:
                    interactions.link(c, scene.item.id, command.touch)

        card = self._renderer.task_card(scene, command, title, checklist)
        job = self._card(scene, envelope, card, before=raised)

        def post() -> Landing:
            """The task stands on the dashboard already: a card that Slack refuses does not undo it."""
            landing = job.send()
            return Sent() if isinstance(landing, Failed) else landing

        return replace(job, send=post)

    def _hand_over(self, scene: Scene, envelope: Envelope, command: HandOver) -> Job:
        """Tasks change hands; a card says so where something waits."""
        with self._db.read() as c:
            taken = handover.mine(c, self._releases, scene, command)
            card = handover.card(c, scene, command, taken)
        if card is None:
            return self._kept(lambda _: None)

        def give() -> None:
            with self._db.begin() as c:
                handover.give(c, taken, command)

        return self._card(scene, envelope, self._renderer.linked(scene, card), before=give)

    # --- other systems ----------------------------------------------------------------------------------------------

    def _call(self, customer: Customer, command: CallWebhook, envelope: Envelope) -> Job:
        """A message to another system; what goes to one that is not set up, and in a rehearsal, stays in the outbox."""
        body = webhooks.payload(command.event, customer.outer_id, envelope.at, command.data)
        if not customer.clock.rehearsal and self._webhooks.knows(command.to):
            return Job(
                self._webhooks,
                send=lambda: self._webhooks.send(command.to, envelope.touch_hash, body),
                find=lambda _: None,
            )
        outbox, card = self._ways.outbox, cards.message_card(f"{command.event} to {command.to}", body.decode())
        return Job(outbox, send=lambda: outbox.post(envelope, card), find=lambda _: None)

    # --- what stays here --------------------------------------------------------------------------------------------

    def _kept(self, write: Callable[[Connection], object]) -> Job:
        """A job that writes to our own database; doing it again changes nothing, so there is never a doubt."""

        def send() -> Landing:
            with self._db.begin() as c:
                write(c)
            return Sent()

        return Job(Records(), send=send, find=lambda _: None)

    def _document(self, scene: Scene, envelope: Envelope) -> Job:
        title, text = self._renderer.document(scene)
        made = documents.Document(
            envelope.touch, scene.customer.id, scene.person.id, title, text, to_html(text), envelope.at
        )
        return self._kept(lambda c: documents.keep(c, made))

    def _opportunity(self, scene: Scene, envelope: Envelope, command: RecordOpportunity) -> Job:
        title, action = self._renderer.opportunity(scene)
        found = opportunities.Opportunity(
            envelope.touch,
            scene.customer.id,
            action.opportunity,
            title,
            scene.person.id,
            command.value,
            action.commission,
            envelope.at,
            command.closes_at,
        )
        return self._kept(lambda c: opportunities.record(c, found))

    def _settle(self, customer: Customer, command: SettleApproval) -> Job:
        """Every card of the approval is replaced; doing it again changes nothing, so there is never a doubt."""

        def close() -> Landing:
            with self._db.begin() as c:
                by = team.teammate(c, command.by) if command.by else None
                if command.to:
                    posted = projections.take_cards(c, customer.id, command.approval, command.to)
                else:
                    posted = projections.close_approval(c, customer.id, command.approval, command.result, command.by)
            said = cards.HANDED_ON if command.to else cards.outcome_of(command.result, by.name if by else "")
            card = cards.settled_card(title_of(command.step), customer.name, said)
            at = _shown_at(customer, command)
            landings = [self._replace(asked.card, card, customer.id, at) for asked in posted if asked.card]
            waiting = [landing for landing in landings if isinstance(landing, Later)]
            return waiting[0] if waiting else next((one for one in landings if not isinstance(one, Sent)), Sent())

        return Job(self._ways.cards(customer.clock), send=close, find=lambda _: None)

    def _replace(self, ref: str, card: Card, customer: str, at: datetime) -> Landing:
        name, _, where = ref.partition(":")
        way = self._ways.named(name)
        return Sent() if way is None else way.update(where, card, customer, at)


def _shown_at(customer: Customer, command: Command) -> datetime:
    """The customer's time that a mail or card shows: now, but in a rehearsal, where moments are hours, the due."""
    return command.due if customer.clock.rehearsal else customer.clock.virtual(now())


def _envelope(c: Connection, customer: Customer, command: Command, person: Person) -> Envelope:
    touch_hash = ledger.touch_hash(c, command.touch)
    return Envelope(command.touch, touch_hash, customer.id, person, _shown_at(customer, command))


def _slot(meeting: Meeting) -> Slot:
    return Slot(meeting.starts_at, meeting.ends_at)
