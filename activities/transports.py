"""The ways out: the outbox, where everything is kept and shown and nothing leaves, and SendGrid and Slack.

A rehearsal's customers use the outbox, whatever the settings say, unless one person gets all of it. Each way can also
be asked about a touch whose outcome is in doubt: it says `Sent`, None (surely not there, or harmless to repeat: send
again), `Later` (ask again), `Unknown` (still open) or `Failed` (given up). Doubt about a mail stays open for a day, for
SendGrid's own events to settle it.

`Later` means that surely nothing was sent. What is being sent at this moment, under somebody's lease or past our limit,
is `Unknown` like a card that may have arrived, with the moment from which on it can be asked about.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from activities.cards import Card
from activities.delivery import Delivery, Failed, Landing, Later, Sent, Unknown
from activities.mail import SendGrid
from activities.mime import Mail, to_parts
from activities.slack import Ref, Slack, since_of
from lifecycle.model import Clock
from store import outbox, team
from store.database import Database, now
from store.team import Person

OPEN_FOR = timedelta(hours=23)
"""How long an outcome may stay unknown: a little less than the day after which the core asks again."""
NOBODY_KNOWS = "nobody knows whether it arrived; ask the reader before sending it by hand"


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket shared by all processes."""

    bucket: str
    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a way needs besides the contents. `at`: customer time, shown as the date. `person` gets it."""

    touch: str
    touch_hash: str
    customer: str
    person: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """A touch that may be out: since when nobody knows, and from when on it can stand at the provider."""

    unknown_since: datetime
    sent_since: datetime

    def still_open(self, why: str) -> Landing:
        return Unknown(why) if now() < self.unknown_since + OPEN_FOR else Failed(NOBODY_KNOWS)


class Way(Protocol):
    """What every way has: a name for the ledger, the length of a reservation, a rate."""

    @property
    def name(self) -> str: ...
    @property
    def lease(self) -> timedelta: ...
    @property
    def rate(self) -> Rate | None: ...


class MailWay(Way, Protocol):
    def send(self, envelope: Envelope, mail: Mail) -> Landing: ...
    def find_mail(self, envelope: Envelope, doubt: Doubt) -> Landing | None: ...


class CardWay(Way, Protocol):
    def post(self, envelope: Envelope, card: Card) -> Landing: ...
    def update(self, ref: str, card: Card, customer: str, at: datetime) -> Landing: ...
    def find_card(self, envelope: Envelope, doubt: Doubt) -> Landing | None: ...


class Outbox:
    """Keeps mails, invites and cards in the database, where the dashboard shows them. Keeping twice changes nothing,
    so a reservation may end soon, and the disk may wait for the ledger's confirmation.
    """

    name = "outbox"
    lease = timedelta(seconds=5)
    rate = None

    def __init__(self, db: Database) -> None:
        self._db = db

    def send(self, envelope: Envelope, mail: Mail) -> Landing:
        kind: Literal["email", "invite"] = "email" if mail.calendar is None else "invite"
        with self._db.begin(durable=False) as c:
            outbox.keep(
                c,
                envelope.touch,
                customer=envelope.customer,
                kind=kind,
                to=mail.to.email,
                subject=mail.subject,
                body=to_parts(mail),
                at=envelope.at,
            )
        return Sent(envelope.touch)

    def post(self, envelope: Envelope, card: Card) -> Landing:
        self._keep(envelope.touch, card, envelope.customer, envelope.person.name, envelope.at)
        return Sent(envelope.touch)

    def update(self, ref: str, card: Card, customer: str, at: datetime) -> Landing:
        with self._db.read() as c:
            kept = outbox.by_touch(c, ref)
        if kept is not None:
            self._keep(ref, card, customer, kept.to, at)
        return Sent(ref)

    def find_mail(self, envelope: Envelope, _doubt: Doubt) -> Landing | None:
        with self._db.read() as c:
            return None if outbox.by_touch(c, envelope.touch) is None else Sent(envelope.touch)

    find_card = find_mail

    def _keep(self, touch: str, card: Card, customer: str, to: str, at: datetime) -> None:
        body = {"blocks": json.dumps(card.blocks), "text": card.text}
        with self._db.begin(durable=False) as c:
            outbox.keep(c, touch, customer=customer, kind="card", to=to, subject=card.title, body=body, at=at)


class Records:
    """What stays here: documents and opportunities, kept in the database. Keeping twice changes nothing."""

    name = "records"
    lease = timedelta(seconds=5)
    rate = None


class SendGridWay:
    """Real mail. A mail with a calendar may be sent again after a doubt: same UID, same SEQUENCE, one meeting."""

    name = "sendgrid"

    def __init__(self, delivery: Delivery) -> None:
        self._client = SendGrid(delivery)
        self.lease = delivery.lease
        self.rate = Rate("sendgrid", delivery.mails_per_second, max(1, int(delivery.mails_per_second)))

    def send(self, _envelope: Envelope, mail: Mail) -> Landing:
        return self._client.send(mail)

    def find_mail(self, _envelope: Envelope, doubt: Doubt) -> Landing | None:
        return doubt.still_open("SendGrid took the mail or lost it; its own report decides")


class SlackWay:
    """Real cards, in the direct conversation with a teammate."""

    name = "slack"

    def __init__(self, delivery: Delivery) -> None:
        self._client = Slack(delivery)
        self.lease = delivery.lease
        self.rate = Rate("slack", delivery.posts_per_second, 5)

    def post(self, envelope: Envelope, card: Card) -> Landing:
        if not envelope.person.slack:
            return Failed(f"the teammate {envelope.person.id} has no Slack user id; write it in the team file")
        return self._client.post(envelope.person.slack, card, envelope.touch_hash)

    def update(self, ref: str, card: Card, _customer: str, _at: datetime) -> Landing:
        return self._client.update(Ref.read(ref), card)

    def find_card(self, envelope: Envelope, doubt: Doubt) -> Landing | None:
        match self._client.find(envelope.person.slack, envelope.touch_hash, doubt.sent_since):
            case Ref() as ref:
                return Sent(ref.text())
            case Later() as later:
                return later
            case None:
                return None
            case _:
                return doubt.still_open("Slack cannot be asked whether the message arrived")


class ToOneMail:
    """A rehearsal's mails, all to one person; the subject says who would have got it."""

    def __init__(self, way: MailWay, address: str) -> None:
        self._way, self._address = way, address
        self.name, self.lease, self.rate = way.name, way.lease, way.rate

    def send(self, envelope: Envelope, mail: Mail) -> Landing:
        meant = f"[{mail.to.name or mail.to.email}] {mail.subject}"
        return self._way.send(envelope, replace(mail, to=replace(mail.to, email=self._address), subject=meant))

    def find_mail(self, envelope: Envelope, doubt: Doubt) -> Landing | None:
        return self._way.find_mail(envelope, doubt)


class ToOneCard:
    """A rehearsal's cards, all to the teammate with that address."""

    def __init__(self, db: Database, way: CardWay, address: str) -> None:
        self._db, self._way, self._address = db, way, address
        self.name, self.lease, self.rate = way.name, way.lease, way.rate

    def _mine(self, envelope: Envelope) -> Envelope:
        with self._db.read() as c:
            slack = next((one.slack for one in team.teammates(c) if one.email == self._address), "")
        return replace(envelope, person=replace(envelope.person, slack=slack))

    def post(self, envelope: Envelope, card: Card) -> Landing:
        return self._way.post(self._mine(envelope), card)

    def update(self, ref: str, card: Card, customer: str, at: datetime) -> Landing:
        return self._way.update(ref, card, customer, at)

    def find_card(self, envelope: Envelope, doubt: Doubt) -> Landing | None:
        return self._way.find_card(self._mine(envelope), doubt)


class Ways:
    """Chooses a way by the settings and the customer's clock."""

    def __init__(self, db: Database, delivery: Delivery) -> None:
        self.outbox = Outbox(db)
        self._mail: MailWay = SendGridWay(delivery) if delivery.email_transport == "sendgrid" else self.outbox
        self._cards: CardWay = SlackWay(delivery) if delivery.slack_transport == "slack" else self.outbox

        to = delivery.rehearsal_to
        self._rehearsed_mail: MailWay = ToOneMail(self._mail, to) if to else self.outbox
        self._rehearsed_cards: CardWay = ToOneCard(db, self._cards, to) if to else self.outbox

    def mail(self, clock: Clock) -> MailWay:
        return self._rehearsed_mail if clock.rehearsal else self._mail

    def cards(self, clock: Clock) -> CardWay:
        return self._rehearsed_cards if clock.rehearsal else self._cards

    def named(self, name: str) -> CardWay | None:
        """The way a card went by, None when this process has it no more."""
        return next((way for way in (self._cards, self.outbox) if way.name == name), None)


def doubt_of(since: datetime, lease_until: datetime | None, lease: timedelta) -> Doubt:
    """The doubt about a touch whose row last changed at `since`."""
    return Doubt(lease_until or since, since_of(lease_until or since, lease))
