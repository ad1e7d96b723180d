"""A small office to send from: a team, a customer, a release with one step of every kind, and providers that count."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from temporalio.testing import ActivityEnvironment

from activities.delivery import Delivery
from activities.perform import Performer
from lifecycle import touches, trace
from lifecycle.actions import Email, Expr, Invite, Length, Reschedule, Slack, Survey, Task
from lifecycle.commands import (
    AskApproval,
    CancelInvite,
    Command,
    PostSlack,
    RaiseTask,
    SendEmail,
    SendInvite,
    SendSurvey,
    SettleApproval,
)
from lifecycle.jsonform import encode
from lifecycle.model import Clock, Profile
from lifecycle.playbook import (
    Approval,
    EventSpec,
    FactSpec,
    Lifecycle,
    Manifest,
    Milestone,
    Playbook,
    Step,
    Trigger,
    release_digest,
)
from store import customers, ledger, releases, team
from store.customers import Customer, NewContact
from store.database import Database
from store.ledger import Standing
from store.releases import DatabaseReleases
from store.team import Person
from tests.fakes import sendgrid, slack
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import FakeSlack
from workflows.interface import Batch, EffectResult, PlayInfo

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
LAYOUT = """<mjml lang="en"><mj-head><mj-title>{% block title %}{% endblock %}</mj-title></mj-head><mj-body><mj-section>
<mj-column>{% block body %}{% endblock %}{% block signature %}<mj-text>{{ sender.name }}</mj-text>{% endblock %}
<mj-text><a href="{{ links.unsubscribe }}">Unsubscribe</a> {{ company.address }}</mj-text></mj-column></mj-section>
</mj-body></mjml>"""
TEMPLATES = {
    "layout.mjml": LAYOUT,
    "footer.txt": "--\n{{ company.name }}, {{ company.address }}\nUnsubscribe: {{ links.unsubscribe }}\n",
    "email/welcome.txt": (
        "Subject: {{ customer.name }}, day {{ play.day }}\n\nHello {{ contact.first_name }},\n\n"
        "Guide: {{ links.help }}/start\n{% if usage.dau_wau is defined %}Use: {{ usage.dau_wau }}\n{% endif %}"
        "{% if milestones.setup %}Setup is done.\n{% endif %}\n{% include 'footer.txt' %}"
    ),
    "email/welcome.mjml": (
        "{% extends 'layout.mjml' %}{% block title %}Welcome{% endblock %}{% block body %}<mj-text>Hello "
        "{{ contact.first_name }} of {{ customer.name }}</mj-text>"
        "<mj-button href='{{ links.help }}/start'>Guide</mj-button>{% endblock %}"
    ),
    "surveys/nps.txt": "Subject: One question\n\nAnswer: {{ links.survey }}\n\n{% include 'footer.txt' %}",
    "surveys/nps.mjml": (
        "{% extends 'layout.mjml' %}{% block body %}<mj-button href='{{ links.survey }}?score=9'>9</mj-button>"
        "{% endblock %}"
    ),
    "invites/kickoff.txt": (
        "Subject: Kickoff: {{ customer.name }}\n\nWhen: {{ meeting.day }}, {{ meeting.time }} ({{ meeting.zone }}), "
        "{{ meeting.minutes }} minutes\nHost: {{ sender.name }}\n"
    ),
    "slack/nudge.txt": (
        "Title: {{ customer.name }}: look here\n\n*What:* {{ customer.name }} is on day {{ play.day }}. "
        "Call {{ contact.first_name }}, {{ team.implementation_specialist.first_name }}. "
        "<{{ links.help }}|Help>\n"
    ),
}
BOOK = Playbook(
    name="onboarding",
    title="Onboarding",
    owner="csm",
    triggers=(Trigger(stage="onboarding"),),
    anchor="signup",
    file="playbooks/onboarding.yaml",
    templates=TEMPLATES,
    places={"": 1, "welcome": 12},
    steps=(
        Step("welcome", Email(("champion",), "welcome"), approval=Approval("csm", Length(4, "business_hours"))),
        Step("nps", Survey("nps", ("champion",), "nps")),
        Step("kickoff", Invite(("champion", "csm"), "kickoff", 3, "10:00", "16:00", 60)),
        Step("later", Reschedule("kickoff", 7, "10:00", "12:00")),
        Step("nudge", Slack(("csm",), "nudge")),
        Step("plan", Task(("csm",), "Plan for {{ customer.name }}", checklist=("Goals & dates",))),
    ),
)
LIFE = Lifecycle(
    name="standard",
    title="Standard",
    stages=(),
    file="playbooks/lifecycle.yaml",
    facts={"usage.dau_wau": FactSpec("number"), "nps.score": FactSpec("number", owner="head_of_cs")},
    events={"setup.finished": EventSpec(sets={"setup.done": True})},
    milestones={"setup": Milestone("Setup", Expr("setup.done", ("get", "setup.done")))},
    roles={"implementation_specialist": ("csm",)},
)


def _sent(touch: str) -> EffectResult:
    """What a command without an entry means."""
    return EffectResult(touch=touch, result="sent", reason="", retry_in=0.0)


@dataclass
class Office:
    """What a test needs: `run` performs commands as the worker would and tells what became of them."""

    db: Database
    url: str
    customer: Customer
    contact: str
    digest: str
    delivery: Delivery
    catalogue: str
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def performer(self, db: Database | None = None, /, **changes: Any) -> Performer:
        db = db or self.db
        return Performer(db, DatabaseReleases(db, None), replace(self.delivery, **changes))

    def batch(
        self,
        *commands: Command,
        decisions: tuple[Any, ...] = (),
        snapshot: dict[str, Any] | None = None,
        plays: dict[str, PlayInfo] | None = None,
    ) -> Batch:
        summary = {
            "stage": "onboarding",
            "band": "",
            "tier": "pro",
            "overdue": False,
            "held": "",
            "catalogue": self.catalogue,
            "seq": 1,
            "as_of": AT.isoformat(),
            "next_due": None,
        }
        return Batch(
            customer=self.customer.id,
            number=next(self.numbers),
            commands=[encode(command) for command in commands],
            decisions=[trace.to_row(decision) for decision in decisions],
            plays=self._running(commands) if plays is None else plays,
            summary=summary,
            snapshot=snapshot or {},
            log="",
        )

    def _running(self, commands: Iterable[Command]) -> dict[str, PlayInfo]:
        profile = self.customer.profile
        info = PlayInfo(anchor=profile.signed_up_on.isoformat(), zone=profile.zone, about={})
        return {touches.read(command.touch).play: info for command in commands}

    def run(
        self, *commands: Command, performer: Performer | None = None, batch: Batch | None = None
    ) -> list[EffectResult]:
        performer = performer or self.performer()
        batch = batch or self.batch(*commands)
        result = asyncio.run(ActivityEnvironment().run(performer.perform, batch))
        told = {effect["touch"]: effect for effect in result["effects"]}
        return [told.get(raw["touch"]) or _sent(raw["touch"]) for raw in batch["commands"]]

    def one(self, command: Command, performer: Performer | None = None) -> tuple[str, str]:
        """Result and reason of a single command."""
        (effect,) = self.run(command, performer=performer)
        assert effect["touch"] == command.touch
        return effect["result"], effect["reason"]

    def standing(self, command: Command) -> Standing | None:
        with self.db.read() as c:
            return ledger.standing(c, command.touch)

    def release(self, texts: dict[str, str] | None = None, **changes: Any) -> str:
        """Commit the playbook with changes, and with other texts of some of its templates; its digest."""
        book = replace(BOOK, **{"templates": {**BOOK.templates, **(texts or {})}, **changes})
        digest = release_digest(encode(book))
        with self.db.begin() as c:
            releases.commit(c, self.catalogue, {digest: book}, note="test")
        return digest

    def state(self, command: Command) -> str:
        row = self.standing(command)
        return row.state if row else "none"

    # --- one command of every kind ------------------------------------------------------------------------------------

    def touch(self, step: str, part: str, to: str = "") -> str:
        return "/".join(filter(None, (self.customer.id, "onboarding", "1", step, "1", part, to)))

    def email(self, step: str = "welcome", **changes: Any) -> SendEmail:
        command = SendEmail(self.touch(step, "send", self.contact), self.digest, step, self.contact, AT)
        return replace(command, **changes)

    def survey(self) -> SendSurvey:
        return SendSurvey(self.touch("nps", "send", self.contact), self.digest, "nps", self.contact, AT)

    def invite(self, to: str = "", **changes: Any) -> SendInvite:
        to = to or self.contact
        command = SendInvite(
            self.touch("kickoff", "send", to),
            self.digest,
            "kickoff",
            to,
            AT,
            meeting=self.touch("kickoff", "send"),
            opens=datetime(2026, 3, 5, 9, tzinfo=UTC),
            closes=datetime(2026, 3, 5, 15, tzinfo=UTC),
            organizer="mara",
            guests=(self.contact, "mara"),
        )
        return replace(command, **changes)

    def cancel(self, to: str = "") -> CancelInvite:
        to = to or self.contact
        touch, meeting = self.touch("kickoff", "cancel", to), self.touch("kickoff", "send")
        return CancelInvite(touch, self.digest, "kickoff", to, AT, meeting, "left: customer.stage == 'churned'")

    def nudge(self, nth: int = 0) -> PostSlack:
        touch = self.touch("nudge", "send", "mara").replace("/1/", f"/{nth}/")
        return PostSlack(touch, self.digest, "nudge", "mara", AT)

    def ask(self, nth: int = 0, to: str = "mara", step: str = "welcome") -> AskApproval:
        return AskApproval(
            self.touch(step, f"remind-{nth}" if nth else "ask", to),
            self.digest,
            step,
            to,
            AT,
            approval=f"onboarding/1/{step}",
            step_due=AT + timedelta(hours=2),
            answer_by=AT + timedelta(hours=4),
            expired="skip",
            recipients=(self.contact,),
            nth=nth,
        )

    def settle(self, result: str = "approved", by: str = "mara") -> SettleApproval:
        touch = self.touch("welcome", "settle")
        return SettleApproval(touch, self.digest, "welcome", AT, "onboarding/1/welcome", result, by)

    def task(self, title: str = "") -> RaiseTask:
        due_at = AT + timedelta(days=1)
        return RaiseTask(self.touch("plan", "task", "mara"), self.digest, "plan", "mara", AT, due_at, title)


@pytest.fixture
def sendgrid_server() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as server:
        yield server


@pytest.fixture
def slack_server() -> Iterator[FakeSlack]:
    with FakeSlack() as server:
        yield server


@pytest.fixture
def delivery(sendgrid_server: FakeSendGrid, slack_server: FakeSlack) -> Delivery:
    """Real transports, on loopback, with short time-outs."""
    return Delivery(
        public_url="https://stageplay.example.com",
        from_email="success@stageplay.example.com",
        company_name="Stageplay",
        company_address="1 Example Street, Berlin",
        help_url="https://help.example.com",
        link_secret="k" * 32,
        email_transport="sendgrid",
        slack_transport="slack",
        sendgrid_key=sendgrid.KEY,
        sendgrid_url=sendgrid_server.url,
        slack_token=slack.TOKEN,
        slack_url=slack_server.api,
        timeout=1.0,
        limit=10.0,
    )


@pytest.fixture
def new_office(database: Database, database_url: str, delivery: Delivery) -> Callable[..., Office]:
    """Make an office whose customer has a given name and clock."""

    def make(name: str = "Acme", factor: float = 1.0, contact: str = "Ada Lovelace") -> Office:
        people = (
            Person("mara", "Mara Berg", "mara@stageplay.example.com", ("csm",), zone="Europe/Berlin", slack="U0MARA"),
            Person("omar", "Omar", "omar@stageplay.example.com", ("cs_manager",), zone="UTC", slack="U0OMAR"),
        )
        digest, life = release_digest(encode(BOOK)), release_digest(encode(LIFE))
        manifest = Manifest(life, {"onboarding": digest})
        catalogue = release_digest(encode(manifest))
        with database.begin() as c:
            team.save_team(c, people, {"csm": ("cs_manager",)})
            releases.commit(c, catalogue, {digest: BOOK, life: LIFE, catalogue: manifest}, note="test")
            customer, (contact_row,) = customers.create(
                c,
                outer_id="acme-1",
                name=name,
                profile=Profile("Europe/Berlin", date(2026, 3, 1), tier="pro"),
                clock=Clock(AT, AT, factor),
                contacts=[NewContact("ada@acme.example.com", contact, ("champion",))],
                team={"csm": people[0], "cs_manager": people[1]},
            )
        return Office(database, database_url, customer, contact_row.id, digest, delivery, catalogue)

    return make


@pytest.fixture
def office(new_office: Callable[..., Office]) -> Office:
    return new_office()


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    """Real time stands still at `AT` and moves by `clock.tick`."""
    with freeze_time(AT, real_asyncio=True) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen
