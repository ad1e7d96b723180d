"""From a scene to what people read: mails, invitations and cards, in words.

Pure: no clock, no database. What templates know by name stands in `variables`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Literal

from activities import calls, cards, documents, links, scores, variables
from activities.cards import Card, Question
from activities.delivery import Delivery
from activities.mime import UnsendableError, one_line
from activities.scene import Scene, day_of, moment_of, zone_of
from activities.templates import Templates, with_links
from lifecycle import calendar, index, schedule
from lifecycle.actions import Document, Email, Escalate, Invite, Opportunity, Reschedule, Slack, Survey, Task
from lifecycle.commands import AskApproval, RaiseTask, SendSurvey
from store.team import Person

UNSUBSCRIBE_PLACE, SURVEY_PLACE = "[unsubscribe link]", "[survey link]"
DAY_PLACE, TIME_PLACE, ZONE_PLACE = "[meeting day]", "[meeting time]", "[meeting zone]"
URL_PLACE = "[meeting link]"
"""Stand in a preview for what is each reader's own or not booked yet; filled in when an edited text is sent."""


@dataclass(frozen=True, slots=True)
class Letter:
    """The texts of a mail, before it has an address."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Edited:
    """A subject and a text that a person wrote instead of the template's; an empty subject keeps the template's."""

    subject: str
    text: str


News = Literal["", "moved", "host"]
"""What an invitation tells that is otherwise than in the one before: the time, or who holds the meeting."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A meeting's booked time; aware. `url`: where it takes place, empty where nobody said."""

    starts_at: datetime
    ends_at: datetime
    url: str = ""


class Renderer:
    """Renders scenes with the company's settings; compiled templates are kept by release."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._templates = Templates()

    def letter(self, scene: Scene, edited: Edited | None = None) -> Letter:
        """The mail of an email or survey step.

        Raises:
            UnsendableError: the template is wrong, or a value cannot stand where it puts it.
        """
        book, step = scene.source.written()
        digest = scene.source.digest
        match step.action:
            case Email(template=name):
                path = f"email/{name}"
            case Survey(template=name):
                path = f"surveys/{name}"
            case _:
                raise UnsendableError(f"the step {step.id} sends no mail")
        values = self._variables(scene)
        subject, text = self._templates.mail_text(digest, book, f"{path}.txt", values)
        if edited is None:
            html = self._templates.html(digest, book, f"{path}.mjml", values)
        else:
            subject = one_line(edited.subject, "the edited subject") if edited.subject else subject
            text = self._filled(scene, edited.text)
            html = self._templates.html_of_text(digest, book, subject, text, values)
        return Letter(subject, with_links(text, html), html)

    def invitation(
        self, scene: Scene, slot: Slot, edited: Edited | None = None, news: News = ""
    ) -> tuple[Letter, str, str]:
        """The mail of an invite step, and the calendar entry's summary and description; raises as `letter`. `news`:
        what of the entry that the reader has already is otherwise. A text that does not say where, says so at its end.
        """
        subject, text = self._invite_text(scene, slot, edited)
        when = moment_of(slot.starts_at, scene.reader_zone)
        match news:
            case "":
                return self._plain_letter(scene, subject, text), subject, text
            case "moved":
                said = f"The meeting “{subject}” has another time: {when}. Your calendar moves it.\n\n{text}"
                return self._plain_letter(scene, f"Moved: {subject}", said), f"Moved: {subject}", text
            case "host":
                host = scene.sender.name
                there = f" Please join here: {slot.url}" if slot.url else ""
                said = f"{host} looks after “{subject}” from now on. The time stays: {when}.{there}\n\n{text}"
                return self._plain_letter(scene, f"Same time, now with {host}: {subject}", said), subject, text

    def cancellation(self, scene: Scene, slot: Slot, *, stays: bool = False) -> tuple[Letter, str]:
        """The mail that takes a meeting back, and the calendar entry's summary; raises as `letter`. `stays`: only the
        reader is no longer expected.

        Why it was cancelled is ours to know: the reader only learns that it was.
        """
        subject, _ = self._invite_text(scene, slot, None)
        when = moment_of(slot.starts_at, scene.reader_zone)
        if stays:
            text = (
                f"The meeting “{subject}” on {when} takes place without you: {scene.sender.name} looks after it now.\n"
            )
            return self._plain_letter(scene, f"Handed on: {subject}", text), subject
        text = f"The meeting “{subject}” on {when} is cancelled. There is nothing to do; it leaves your calendar.\n"
        return self._plain_letter(scene, f"Cancelled: {subject}", text), subject

    def message(self, scene: Scene) -> Card:
        """The card of a Slack step; raises as `letter`."""
        book, step = scene.source.written()
        if not isinstance(step.action, Slack):
            raise UnsendableError(f"the step {step.id} is no Slack message")
        path = f"slack/{step.action.template}.txt"
        values = self._variables(scene, deadline=scene.due)
        title, body = self._templates.slack_text(scene.source.digest, book, path, values)
        return self.linked(scene, cards.message_card(title, body))

    def linked(self, scene: Scene, card: Card) -> Card:
        """A card with the way to its customer's page."""
        return cards.linked(card, self._delivery.public_url, scene.customer.id)

    def task(self, scene: Scene) -> tuple[str, tuple[str, ...]]:
        """Title and checklist of a task: the engine's own sentence, or the step's; raises as `letter`."""
        command = scene.command
        if isinstance(command, RaiseTask) and command.title:
            return one_line(command.title, "a title"), ()
        book, step = scene.source.written()
        if not isinstance(step.action, Task | Escalate):
            raise UnsendableError(f"the step {step.id} is no task")
        values = self._variables(scene)
        return self._templates.line(scene.source.digest, book, step.action.title, values), step.action.checklist

    def document(self, scene: Scene) -> tuple[str, str]:
        """Title and Markdown of a document; raises as `letter`. A fact that nobody reported says so."""
        book, step = scene.source.written()
        if not isinstance(step.action, Document):
            raise UnsendableError(f"the step {step.id} makes no document")
        told = {"notes": calls.of(scene), "score": scores.of(scene)}
        values = {**self._variables(scene), **variables.known_or_missing(scene), **told}
        title = self._templates.line(scene.source.digest, book, step.action.title, values)
        return title, documents.markdown(book, f"documents/{step.action.template}.md", values)

    def opportunity(self, scene: Scene) -> tuple[str, Opportunity]:
        """Title of an opportunity, and what its step says of it; raises as `letter`."""
        book, step = scene.source.written()
        if not isinstance(step.action, Opportunity):
            raise UnsendableError(f"the step {step.id} records no opportunity")
        return self._templates.line(scene.source.digest, book, step.action.title, self._variables(scene)), step.action

    def task_card(self, scene: Scene, command: RaiseTask, title: str, checklist: tuple[str, ...]) -> Card:
        """The card of a task, with the words of `slack/task.txt` where the release has it."""
        due = moment_of(command.due_at, scene.reader_zone)
        body = self._shared(scene, "slack/task.txt", task=title, deadline=command.due_at)
        return self.linked(scene, cards.task_card(title, scene.customer.name, due, checklist, command.touch, body))

    def preview(self, scene: Scene, names: tuple[str, ...]) -> dict[str, Any]:
        """What an approval is about: `title`, `subject`, `text`, the names `to`, and a `note` for whoever answers. What
        is not known yet is a place in the text, so that an edited text keeps it; `places` says what is known of it.
        """
        _, step = scene.source.written()
        note, places = "", {}
        match step.action:
            case Email() | Survey():
                subject, text = self._preview_letter(scene)
            case Invite() as action:
                subject, text = self._invite_text(scene, None, None)
                day, between = _window(scene, action), f"between {action.start} and {action.end}"
                free = f"the first free {action.minutes} minutes {between}, {zone_of(scene.zone)}"
                note = f"The slot is booked when it goes out: {day}, {free}."
                places = {DAY_PLACE: day, TIME_PLACE: f"first free {between}", ZONE_PLACE: zone_of(scene.zone)}
                if url := scene.sender.meeting_url:
                    places[URL_PLACE] = url
                else:
                    note += f" It does not say where: {scene.sender.name} has no meeting_url in the team file."
            case Reschedule() as action:
                when = f"{_window(scene, action)}, between {action.start} and {action.end}, {zone_of(scene.zone)}"
                moved = variables.title_of(action.invite)
                note = f"It moves the meeting of {moved}: the slot is booked when it goes out, {when}."
                subject, text = "", ""
            case Slack():
                card = self.message(scene)
                subject, text = card.title, ""
            case _:
                subject, text = "", ""
        return {
            "title": variables.title_of(scene.command.step),
            "subject": subject,
            "text": text,
            "to": list(names),
            "note": note,
            "places": places,
        }

    def question(self, scene: Scene, command: AskApproval, preview: Mapping[str, Any]) -> Card:
        """The card that asks for an answer."""
        zone = scene.reader_zone
        silence = {
            "skip": "without an answer it is not sent.",
            "proceed": "without an answer it is sent as it is.",
        }[command.expired]
        value = f"{scene.customer.id}/{command.approval}"
        card = cards.question_card(
            Question(
                title=preview["title"],
                customer=scene.customer.name,
                value=value,
                edit_url=f"{self._delivery.public_url}/approvals/{value}",
                subject=_placed(preview["subject"], preview["places"]),
                text=_placed(preview["text"], preview["places"]),
                note=preview["note"],
                recipients=tuple(preview["to"]),
                step_due=moment_of(command.step_due, zone),
                answer_by=moment_of(command.answer_by, zone),
                silence=silence,
                nth=command.nth,
                body=self._shared(scene, "slack/approval.txt", task=preview["title"], deadline=command.answer_by),
            )
        )
        return self.linked(scene, card)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _preview_letter(self, scene: Scene) -> tuple[str, str]:
        book, step = scene.source.written()
        folder = "surveys" if isinstance(step.action, Survey) else "email"
        template = step.action.template if isinstance(step.action, Email | Survey) else ""
        values = {"contact": variables.NOBODY, **self._variables(scene), "links": self._links(scene, places=True)}
        return self._templates.mail_text(scene.source.digest, book, f"{folder}/{template}.txt", values)

    def _invite_text(self, scene: Scene, slot: Slot | None, edited: Edited | None) -> tuple[str, str]:
        """Subject and text; without a slot, with places where its time and its link will stand."""
        book, step = scene.source.written()
        if not isinstance(step.action, Invite):
            raise UnsendableError(f"the step {step.id} is no invitation")
        meeting = _meeting(slot, scene.reader_zone) if slot else _unbooked(step.action.minutes, scene.sender)
        url = getattr(meeting, "url", "")
        values = {"contact": variables.NOBODY, **self._variables(scene), "meeting": meeting}
        subject, text = self._templates.mail_text(
            scene.source.digest, book, f"invites/{step.action.template}.txt", values
        )
        if edited is None:
            return subject, _saying_where(text, url)
        places = {DAY_PLACE: meeting.day, TIME_PLACE: meeting.time, ZONE_PLACE: meeting.zone}
        subject = _placed(edited.subject or subject, {**places, URL_PLACE: url})
        text = _placed(self._filled(scene, edited.text), places)
        return one_line(subject, "the edited subject"), _saying_where(text, url)

    def _plain_letter(self, scene: Scene, subject: str, text: str) -> Letter:
        """A mail around a text that brings no HTML; contacts get the layout with its footer, teammates none."""
        book, _ = scene.source.written()
        values = self._variables(scene) if scene.contact else None
        html = self._templates.html_of_text(scene.source.digest, book, subject, text, values)
        foot = f"\n--\n{self._delivery.company_name}, {self._delivery.company_address}\n"
        if scene.contact:
            foot += f"Help: {self._delivery.help_url}\n"
            foot += f"Unsubscribe from these mails: {unsubscribe_link(self._delivery, scene)}\n"
        return Letter(subject, with_links(text.rstrip() + "\n" + foot, html), html)

    def _shared(self, scene: Scene, path: str, *, deadline: datetime, task: str) -> str:
        """The body of a card text that every playbook shares; empty where the release does not carry it."""
        book = scene.source.book
        if book is None or path not in book.templates:
            return ""
        values = self._variables(scene, deadline=deadline, task=task)
        return self._templates.slack_text(scene.source.digest, book, path, values)[1]

    def _filled(self, scene: Scene, text: str) -> str:
        """An edited text with the reader's own links in their places."""
        own = self._links(scene, places=False)
        text = text.replace("\r\n", "\n")
        for place, link in ((UNSUBSCRIBE_PLACE, "unsubscribe"), (SURVEY_PLACE, "survey")):
            text = text.replace(place, getattr(own, link, ""))
        return text

    def _links(self, scene: Scene, *, places: bool) -> SimpleNamespace:
        token = links.make_documents(self._delivery.link_secret, scene.customer.id, scene.person.id)
        address = links.documents_url(self._delivery.public_url, token)
        own = SimpleNamespace(help=self._delivery.help_url, documents=address)
        if places:
            own.unsubscribe, own.survey = UNSUBSCRIBE_PLACE, SURVEY_PLACE
        elif scene.contact:
            own.unsubscribe = unsubscribe_link(self._delivery, scene)
            if isinstance(scene.command, SendSurvey):
                token = links.make_survey(self._delivery.link_secret, scene.command.touch, scene.person.id)
                own.survey = links.survey_url(self._delivery.public_url, token)
        return own

    def _variables(self, scene: Scene, *, deadline: datetime | None = None, task: str | None = None) -> dict[str, Any]:
        values: dict[str, Any] = {
            **variables.of(scene),
            "links": self._links(scene, places=False),
            "company": SimpleNamespace(name=self._delivery.company_name, address=self._delivery.company_address),
        }
        if deadline is not None:
            values["deadline"] = moment_of(deadline, scene.reader_zone)
        return values if task is None else {**values, "task": task}


def unsubscribe_link(delivery: Delivery, scene: Scene) -> str:
    """The reader's own way out; the same in headers, text and HTML."""
    token = links.make_unsubscribe(delivery.link_secret, scene.customer.id, scene.person.id)
    return links.unsubscribe_url(delivery.public_url, token)


def _meeting(slot: Slot, zone: str) -> SimpleNamespace:
    local = calendar.local(slot.starts_at, zone)
    minutes = int((slot.ends_at - slot.starts_at).total_seconds()) // 60
    told = {"day": day_of(slot.starts_at, zone), "time": f"{local:%H:%M}", "zone": zone_of(zone), "minutes": minutes}
    return SimpleNamespace(**told, **({"url": slot.url} if slot.url else {}))


def _window(scene: Scene, action: Invite | Reschedule) -> str:
    """The day on which a meeting offered at the approved step's due may lie."""
    owed, zero = scene.due, scene.anchor
    if isinstance(scene.command, AskApproval):
        owed, zero = scene.command.step_due, scene.command.day_zero or zero
    holidays: frozenset[str] = frozenset()
    blackouts = holidays
    if scene.source.lifecycle:
        journey = index.journey(scene.source.lifecycle)
        holidays, blackouts = journey.holidays.get(scene.customer.profile.country, holidays), journey.blackouts
    day = schedule.meeting_day(action, zero, calendar.local(owed, scene.zone).date(), holidays, blackouts)
    return day_of(calendar.wall(day, "12:00", scene.zone), scene.zone)


def _placed(written: str, places: Mapping[str, str]) -> str:
    """A text with what is known of its places."""
    for place, value in places.items():
        written = written.replace(place, value)
    return written


def _unbooked(minutes: int, host: Person) -> SimpleNamespace:
    places = {"day": DAY_PLACE, "time": TIME_PLACE, "zone": ZONE_PLACE, "minutes": minutes}
    return SimpleNamespace(**places, **({"url": URL_PLACE} if host.meeting_url else {}))


def _saying_where(text: str, url: str) -> str:
    """A text with the meeting's link: in its place, else at the end where the text lacks it. Where there is no link by
    now, the lines with its place are left out.
    """
    if not url:
        return "".join(line for line in text.splitlines(keepends=True) if URL_PLACE not in line)
    text = text.replace(URL_PLACE, url)
    return text if url in text else f"{text.rstrip()}\n\nWhere: {url}\n"
