"""Documents as of now: what a shipped playbook would write today, for people who ask for it; nothing is kept.

Which kinds there are, the current playbooks say: a document's kind is the name of its template.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.delivery import Delivery
from activities.documents import html
from activities.mime import UnsendableError
from activities.render import Renderer
from activities.scene import Scene, Source, read_scene
from lifecycle import calendar, people
from lifecycle.actions import Document
from lifecycle.commands import MakeDocument
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Step
from store import customers, documents, releases, team
from store.customers import Customer
from workflows.interface import PlayInfo


class NoSuchKindError(LookupError):
    """No current playbook writes a document of this kind; `known`: those that there are."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no such document; choose one of: {', '.join(known) or 'none is shipped'}")
        self.known = known


@dataclass(frozen=True, slots=True)
class Shelf:
    """The playbooks that are current, with their lifecycle; `papers`: kind to who writes it."""

    lifecycle: Lifecycle
    papers: dict[str, tuple[str, Playbook, Step]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind, by name."""
        return tuple(sorted(self.papers))


def shelf(c: Connection) -> Shelf | None:
    """What the current playbooks write; None before any are applied. Of several that write one kind the first by name
    counts.
    """
    current = releases.current(c)
    manifest = releases.load(c, current) if current else None
    life = releases.load(c, manifest.lifecycle) if isinstance(manifest, Manifest) else None
    if not isinstance(manifest, Manifest) or not isinstance(life, Lifecycle):
        return None
    papers: dict[str, tuple[str, Playbook, Step]] = {}
    for _, digest in sorted(manifest.playbooks.items()):
        book = releases.load(c, digest)
        for step in book.steps if isinstance(book, Playbook) else ():
            if isinstance(step.action, Document) and isinstance(book, Playbook):
                papers.setdefault(step.action.template, (digest, book, step))
    return Shelf(life, papers)


def write(
    c: Connection, there: Shelf, delivery: Delivery, customer: Customer, kind: str, at: datetime
) -> documents.Document:
    """A document with what is known at `at`, the customer's time.

    Raises:
        NoSuchKindError: no playbook writes one of this kind.
        UnsendableError: its template is wrong, or nobody is there for whom it is made.
    """
    if kind not in there.papers:
        raise NoSuchKindError(there.kinds)
    digest, book, step = there.papers[kind]
    source = Source(digest, there.lifecycle, book, step)
    to = _reader(c, customer, source, step)
    touch = f"{customer.id}/{book.name}/0/{step.id}/1/send/{to}"
    command = MakeDocument(touch, digest, step.id, to, at)
    zone = customer.profile.zone
    today = PlayInfo(anchor=calendar.local(at, zone).date().isoformat(), zone=zone, about={})
    scene: Scene = read_scene(c, command, customer, source, today)
    title, text = Renderer(delivery).document(scene)
    return documents.Document(touch, customer.id, to, title, text, html(text), at)


def _reader(c: Connection, customer: Customer, source: Source, step: Step) -> str:
    """For whom it would be made: who has its role, a teammate or a contact."""
    role = next(iter(step.to))
    chains = source.lifecycle.roles if source.lifecycle else {}
    found = people.holder(role, team.team_of(c, customer.id), chains)
    contact = next((person for person in customers.contacts(c, customer.id) if role in person.roles), None)
    person = found or contact
    if person is None:
        raise UnsendableError(f"nobody is {role.replace('_', ' ')} of this customer")
    return person.id
