"""The shipped playbooks, compiled by authoring and filled in for each of their steps: every text can really be sent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from activities.cards import Card
from activities.delivery import Delivery
from activities.mime import Mail, Mailbox, to_eml
from activities.render import Letter, News, Renderer, Slot
from activities.scene import Scene, Source
from authoring.compile import Compiled, compile_folder
from lifecycle.actions import Email, Invite, Slack, Survey, Task
from lifecycle.commands import AskApproval, Command, PostSlack, RaiseTask, SendEmail, SendInvite, SendSurvey
from lifecycle.model import Clock, Profile, Value
from lifecycle.playbook import Lifecycle, Playbook, Step
from store.customers import Customer
from store.team import Person

ROOT = Path(__file__).resolve().parent.parent.parent
AT = datetime(2026, 3, 5, 8, tzinfo=UTC)
SLOT = Slot(AT + timedelta(days=1), AT + timedelta(days=1, hours=1))
ROOM = "https://meet.example.com/mara?pwd=1&x=2"
NEWS: tuple[News, ...] = ("", "moved", "host")
DELIVERY = Delivery(
    public_url="https://stageplay.example.com",
    from_email="success@stageplay.example.com",
    company_name="Stageplay",
    company_address="1 Example Street, Berlin",
    help_url="https://help.example.com",
    link_secret="k" * 32,
)
NOTHING: dict[str, Value] = {}
EVERYTHING: dict[str, Value] = {"nps.score": 4}
ADA = Person("con_1", "Ada O'Hara & Søn <x>", "ada@acme.example.com", ("champion",))


@cache
def shipped() -> Compiled:
    return compile_folder(ROOT / "playbooks", ROOT / "templates")


def steps(*kinds: type) -> Iterator[tuple[Playbook, Step]]:
    for release in shipped().releases.values():
        if isinstance(release, Playbook):
            yield from ((release, step) for step in release.steps if isinstance(step.action, kinds))


def pairs(*kinds: type) -> list[object]:
    return [pytest.param(book, step, id=f"{book.name}/{step.id}") for book, step in steps(*kinds)]


def life() -> Lifecycle:
    return next(release for release in shipped().releases.values() if isinstance(release, Lifecycle))


def scene(book: Playbook, step: Step, command: Command, *, known: bool, name: str = "", tier: str = "pro") -> Scene:
    mara = Person("mara", "Mara Berg", "mara@stageplay.example.com", (), zone="Europe/Berlin", slack="U0MARA")
    person = mara if isinstance(command, PostSlack | RaiseTask | AskApproval) or command.to == "mara" else ADA
    facts = NOTHING
    if known:
        kinds: dict[str, Value] = {"number": 3, "boolean": True, "text": "x", "date": "2026-03-01"}
        facts = {fact: kinds[spec.type] for fact, spec in life().facts.items()}
    clock = Clock(AT, AT)
    profile = Profile("Europe/Berlin", date(2026, 3, 1), tier=tier, country="DE")
    customer = Customer(
        "cus_1", "x", name or "Acme & Söhne", profile, clock, "onboarding", "", False, "", False, "c", None, 1, AT
    )
    return Scene(
        command=command,
        customer=customer,
        person=person,
        contact=person is ADA,
        source=Source("d" * 16, life(), book, step),
        team=dict.fromkeys(life().roles, mara),
        zone="Europe/Berlin",
        anchor=date(2026, 3, 1),
        facts=facts | EVERYTHING,
        reached=frozenset(life().milestones) if known else frozenset(),
        champion=ADA,
    )


class Page(HTMLParser):
    """What mail clients trip over."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def check_letter(letter: Letter) -> None:
    page = Page(letter.html)
    assert page.all("html")[0]["lang"] == "en"
    assert "<title>" in letter.html
    assert not page.all("script") + page.all("form")
    assert all("alt" in image for image in page.all("img"))
    assert all(table.get("role") == "presentation" for table in page.all("table"))
    assert len(letter.html.encode()) < 102_000
    links = [str(link["href"]) for link in page.all("a")]
    assert all(link in letter.text for link in links)
    assert sum("/unsubscribe/" in link for link in links) == 1
    assert DELIVERY.company_address in letter.text
    assert DELIVERY.company_address in letter.html
    assert not re.search(r"\{\{|\{%|undefined", letter.text + letter.html)
    assert "<x>" not in letter.html
    mail = Mail(
        "ab" * 16,
        "book",
        Mailbox(ADA.name, ADA.email),
        Mailbox("Mara Berg", DELIVERY.from_email),
        Mailbox("Mara Berg", "mara@stageplay.example.com"),
        letter.subject,
        letter.text,
        letter.html,
        "https://stageplay.example.com/unsubscribe/x",
    )
    message = message_from_bytes(to_eml(mail, AT), policy=default)
    assert not message.defects
    assert message["Subject"] == letter.subject


def check_card(card: Card) -> None:
    """Slack takes it, and it leads to the customer's page."""
    assert len(card.blocks) <= 50
    assert card.text
    head, *_, last = card.blocks
    assert len(head["text"]["text"]) <= 150
    assert all(len(block["text"]["text"]) <= 3000 for block in card.blocks if block["type"] == "section")
    buttons = [one for block in card.blocks if block["type"] == "actions" for one in block["elements"]]
    assert all(len(one["text"]["text"]) <= 75 for one in buttons)
    assert all(len(one["value"]) <= 2000 for one in buttons)
    assert len({one["action_id"] for one in buttons}) == len(buttons)
    assert f"<{DELIVERY.public_url}/customers/cus_1|" in last["elements"][0]["text"]


def test_the_shipped_playbooks_compile() -> None:
    assert [diagnostic.what for diagnostic in shipped().diagnostics] == []
    assert len(list(steps(Email, Survey, Invite, Slack, Task))) > 10


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("tier", ["team", "enterprise"])
@pytest.mark.parametrize(("book", "step"), pairs(Email, Survey))
def test_every_mail_can_be_sent(book: Playbook, step: Step, tier: str, known: bool) -> None:
    kind = SendSurvey if isinstance(step.action, Survey) else SendEmail
    command = kind(f"cus_1/{book.name}/1/{step.id}/1/send/con_1", "d" * 16, step.id, "con_1", AT)
    check_letter(Renderer(DELIVERY).letter(scene(book, step, command, known=known, tier=tier)))


@pytest.mark.parametrize(("book", "step"), pairs(Invite))
def test_every_invitation_can_be_sent_and_taken_back(book: Playbook, step: Step) -> None:
    touch = f"cus_1/{book.name}/1/{step.id}/1/send/con_1"
    command = SendInvite(touch, "d" * 16, step.id, "con_1", AT, touch, AT, AT, "mara", ("con_1", "mara"))
    renderer = Renderer(DELIVERY)
    there = scene(book, step, command, known=False)
    texts = [(letter, text) for letter, _, text in (renderer.invitation(there, SLOT, news=news) for news in NEWS)]
    texts += [renderer.cancellation(there, SLOT, stays=stays) for stays in (False, True)]
    for letter, description in texts:
        check_letter(letter)
        assert description
    ours, *_ = renderer.invitation(scene(book, step, replace(command, to="mara"), known=False), SLOT)
    assert "nsubscribe" not in ours.text + ours.html
    assert "Where:" not in ours.text
    for news in NEWS:
        letter, _, description = renderer.invitation(there, replace(SLOT, url=ROOM), news=news)
        check_letter(letter)
        assert f"minutes\nWhere: {ROOM}\n\nAgenda\n" in letter.text
        assert f"\nWhere: {ROOM}\n" in description
        assert {"href": ROOM}.items() <= Page(letter.html).all("a")[0].items()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("book", "step"), pairs(Slack))
def test_every_slack_message_can_be_posted(book: Playbook, step: Step, known: bool) -> None:
    command = PostSlack(f"cus_1/{book.name}/1/{step.id}/1/send/mara", "d" * 16, step.id, "mara", AT)
    card = Renderer(DELIVERY).message(scene(book, step, command, known=known, name="A <!here> & B"))
    check_card(card)
    body = "".join(block["text"]["text"] for block in card.blocks[1:-1])
    assert "<!here>" not in body
    asked = body.partition("*What to do:*")[2].partition("\n&gt;")[0].partition("\n>")[0]
    assert asked.count("Mara") <= 1, "whoever has every role is asked once, and not to talk to themselves"
    assert "&lt;!here&gt; &amp; B" in body
    assert not re.search(r"\{\{|\{%|undefined|&amp;amp;|&#", body)


@pytest.mark.parametrize(("book", "step"), pairs(Task))
def test_every_task_has_a_title_and_a_card(book: Playbook, step: Step) -> None:
    command = RaiseTask(f"cus_1/{book.name}/1/{step.id}/1/task/mara", "d" * 16, step.id, "mara", AT, AT)
    renderer = Renderer(DELIVERY)
    there = scene(book, step, command, known=False)
    title, checklist = renderer.task(there)
    assert title
    assert "&amp;" not in title
    card = renderer.task_card(there, command, title, checklist)
    assert card.blocks[0]["text"]["text"] == title
    check_card(card)


@pytest.mark.parametrize(
    ("book", "step"),
    [param for param in pairs(Email, Survey, Invite, Slack) if param.values[1].approval],  # type: ignore[attr-defined] # pytest names the class of a parameter set nowhere
)
def test_every_question_shows_what_it_is_about(book: Playbook, step: Step) -> None:
    command = AskApproval(
        f"cus_1/{book.name}/1/{step.id}/1/ask/mara",
        "d" * 16,
        step.id,
        "mara",
        AT,
        f"{book.name}/1/{step.id}",
        AT,
        AT,
        "skip",
        ("con_1",),
    )
    renderer = Renderer(DELIVERY)
    there = scene(book, step, command, known=False)
    preview = renderer.preview(there, ("Ada",))
    assert preview["subject"]
    card = renderer.question(there, command, preview)
    assert preview["subject"] in str(card.blocks).replace("&amp;", "&")
    check_card(card)


@pytest.mark.parametrize(("book", "step"), pairs(Email, Survey, Invite))
def test_what_a_customer_without_any_contact_would_get_can_be_looked_at(book: Playbook, step: Step) -> None:
    """Asked for approval before somebody was named, a survey once failed for want of a contact to greet."""
    touch, approval = f"cus_1/{book.name}/1/{step.id}/1/ask/mara", f"{book.name}/1/{step.id}"
    command = AskApproval(touch, "d" * 16, step.id, "mara", AT, approval, AT, AT, "skip")
    renderer = Renderer(DELIVERY)
    there = replace(scene(book, step, command, known=False), champion=None)
    preview = renderer.preview(there, ())
    assert preview["text"]
    assert "Goes to nobody" in str(renderer.question(there, command, preview).blocks)
