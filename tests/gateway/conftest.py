"""A gateway on a database of its own, a Temporal that tests take away and bring back, and senders that sign."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from gateway.app import Config, create_app
from lifecycle.actions import Expr
from lifecycle.checklists import Checklist, Item
from lifecycle.commands import AskApproval, RaiseTask
from lifecycle.jsonform import digest, encode
from lifecycle.playbook import Course, EventSpec, FactSpec, Lifecycle, Manifest, Milestone, Release, StageSpec, Target
from store import projections, releases, team
from store.database import Database
from store.team import Person

SECRET = "whsec_" + "c3RhZ2VwbGF5LXRlc3Qtc2VjcmV0LTAwMDE="
OLD_SECRET = "whsec_" + "c3RhZ2VwbGF5LXRlc3Qtc2VjcmV0LTAwMDA="
LINK_SECRET = "a-link-secret-of-more-than-32-characters"
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "one-time-token"

LIFECYCLE = Lifecycle(
    name="standard",
    title="Standard journey",
    file="playbooks/lifecycle.yaml",
    touch={"high": 50_000, "mid": 10_000, "low": 0},
    stages=(
        StageSpec("new", "csm", 0, 0),
        StageSpec("onboarding", "implementation_specialist", 1, 14),
        StageSpec("adoption", "csm", 15),
    ),
    milestones={"technical_setup": Milestone("Technical setup complete", ticked_by=("csm",))},
    facts={
        "usage.dau_wau": FactSpec("number", unit="ratio", low=0, high=1),
        "usage.seats": FactSpec("number", unit="seats"),
        "setup.api_connected": FactSpec("boolean"),
        "nps.score": FactSpec("number", low=0, high=10),
        "crm.plan": FactSpec("text", choices=("basic", "plus")),
        "contract.reviewed_on": FactSpec("date"),
    },
    events={"api.connected": EventSpec("The API is connected", {"setup.api_connected": True})},
    roles={
        "csm": ("cs_manager",),
        "implementation_specialist": ("csm",),
        "cs_manager": ("founder",),
        "founder": (),
    },
    managers=("cs_manager", "founder"),
    default_zone="Europe/Berlin",
    checklists=(
        Checklist(
            "onboard",
            "Onboard",
            (
                Item("Set up", Expr("setup.api_connected", ("get", "setup.api_connected"))),
                Item("Look into it", None, ("onboarding/look",)),
            ),
        ),
    ),
    journeys={
        "short": Course(
            "Short journey",
            (
                StageSpec("onboarding", "founder", 0, 30, None, ("implementation_specialist",)),
                StageSpec("expansion", "csm", 31),
            ),
            (Target("technical_setup", 7, "csm", 40),),
        )
    },
)
PEOPLE = (
    Person("mara", "Mara Lindqvist", "mara@stageplay.example.com", ("csm",), zone="Europe/Berlin", slack="U0MARA"),
    Person(
        "ivo",
        "Ivo Marković",
        "ivo@stageplay.example.com",
        ("implementation_specialist",),
        zone="Europe/Berlin",
        slack="U0IVO",
    ),
    Person(
        "priya", "Priya Nair", "priya@stageplay.example.com", ("cs_manager",), zone="Europe/Berlin", slack="U0PRIYA"
    ),
    Person("ruth", "Ruth Amsel", "ruth@stageplay.example.com", ("founder",), zone="Europe/Berlin", slack="U0RUTH"),
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def db(database: Database) -> Database:
    """A database with the sample team and an applied catalogue."""
    lifecycle = digest(encode(LIFECYCLE))
    manifest = Manifest(lifecycle)
    with database.begin() as c:
        team.save_team(c, PEOPLE, LIFECYCLE.roles)
        applied: dict[str, Release] = {lifecycle: LIFECYCLE, digest(encode(manifest)): manifest}
        releases.commit(c, digest(encode(manifest)), applied, note="test")
    return database


@dataclass
class FakeTemporal:
    """Temporal at its client's boundary: what was asked of it, in order; `away`: calls fail as a lost server's do."""

    away: bool = False
    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    signals: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    updates: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    reply: Mapping[str, Any] = field(default_factory=lambda: {"result": "approved", "text": "Approved."})
    gone: set[str] = field(default_factory=set)
    broken: dict[str, Exception] = field(default_factory=dict)
    lose_answers: int = 0
    failing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    connects: int = 0
    upcoming: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    async def factory(self) -> Any:
        self.connects += 1
        self._reach()
        return self

    def _reach(self) -> None:
        if self.away:
            raise RPCError("unavailable", RPCStatusCode.UNAVAILABLE, b"")

    async def start_workflow(self, _name: str, start: dict[str, Any], **options: Any) -> None:
        self._reach()
        if options["id"] in self.started:
            from temporalio.exceptions import WorkflowAlreadyStartedError

            raise WorkflowAlreadyStartedError(options["id"], "CustomerLifecycle")
        self.started[options["id"]] = start

    def get_workflow_handle(self, workflow: str) -> "FakeHandle":
        return FakeHandle(self, workflow)

    async def list_workflows(self, query: str, *, limit: int) -> AsyncIterator[Any]:
        """Those whose task fails, by id, with what Temporal reports of them."""
        self._reach()
        assert "TemporalReportedProblems IS NOT NULL" in query
        key = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
        for workflow, causes in list(self.failing.items())[:limit]:
            attributes = TypedSearchAttributes([SearchAttributePair(key, list(causes))])
            yield SimpleNamespace(id=workflow, typed_search_attributes=attributes)

    @property
    def service_client(self) -> "FakeTemporal":
        return self

    async def check_health(self, **_options: Any) -> bool:
        self._reach()
        return True


@dataclass
class FakeHandle:
    temporal: FakeTemporal
    workflow: str

    def _reach(self) -> None:
        self.temporal._reach()
        if self.workflow in self.temporal.gone or self.workflow not in self.temporal.started:
            raise RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b"")

    async def signal(self, _name: str, delivery: dict[str, Any], **_options: Any) -> None:
        self._reach()
        if self.workflow in self.temporal.broken:
            raise self.temporal.broken[self.workflow]
        self.temporal.signals.append((self.workflow, delivery))

    async def execute_update(self, _name: str, delivery: dict[str, Any], *, id: str, **_options: Any) -> Any:  # noqa: A002 - Temporal's own name
        self._reach()
        self.temporal.updates.append((self.workflow, id, delivery))
        if self.temporal.lose_answers:
            self.temporal.lose_answers -= 1
            raise RPCError("deadline", RPCStatusCode.DEADLINE_EXCEEDED, b"")
        return dict(self.temporal.reply)

    async def query(self, name: str, **_options: Any) -> Any:
        self._reach()
        return self.temporal.upcoming if name == "upcoming" else self.temporal.state


Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Lets the loop run until something is so, at most some seconds."""

    async def come(true: Callable[[], bool]) -> None:
        for _ in range(5000):
            if true():
                return
            await asyncio.sleep(0.001)
        raise AssertionError("it never came")

    return come


@pytest.fixture
def temporal() -> FakeTemporal:
    return FakeTemporal()


@pytest.fixture
def make_config() -> Callable[..., Config]:
    def make(**changes: Any) -> Config:
        values: dict[str, Any] = {
            "webhook_secrets": (SECRET, OLD_SECRET),
            "link_secrets": (LINK_SECRET,),
            "templates": Path(__file__).parents[2] / "templates",
            "dashboard_token": TOKEN,
            "slack_signing_secret": SLACK_SECRET,
            "allow_rehearsal": True,
            "company_address": "1 Example Street",
            "help_url": "https://help.example.com",
        }
        return Config(**{**values, **changes})

    return make


@pytest.fixture
def app(db: Database, temporal: FakeTemporal, make_config: Callable[..., Config]) -> FastAPI:
    return create_app(make_config(), db, temporal.factory)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser, or a sender, of the app; the poller runs."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield http


Send = Callable[..., Awaitable[httpx.Response]]


def signed(body: bytes, *, secret: str = SECRET, message: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    """The headers of a Standard Webhooks sender."""
    stamp = at or datetime.now(UTC)  # noqa: TID251 - a sender has a clock of its own
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(stamp.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, stamp, body.decode("utf-8", "replace")),
    }


@pytest.fixture
def sign() -> Callable[..., dict[str, str]]:
    return signed


@pytest.fixture
def send(client: httpx.AsyncClient) -> Send:
    """Post an event as a sender does; `headers` replaces or, with None, leaves out single ones."""

    async def post(event: Any, *, headers: Mapping[str, str | None] | None = None, **how: Any) -> httpx.Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        all_headers = {**signed(body, **how), **(headers or {})}
        given = {name: value for name, value in all_headers.items() if value is not None}
        return await client.post("/v1/events", content=body, headers=given)

    return post


@pytest.fixture
def signup() -> Callable[..., dict[str, Any]]:
    """The signup of the sample customer, with fields of `customer` changed."""

    def make(event_id: str = "evt_signup", **changes: Any) -> dict[str, Any]:
        customer = {
            "id": "acme",
            "name": "Acme",
            "tier": "pro",
            "zone": "Europe/Berlin",
            "country": "DE",
            "arr": 24_000,
        }
        data = {
            "customer": {**customer, **changes},
            "contacts": [{"email": "ada@acme.example.com", "name": "Ada Lovelace", "roles": ["champion"]}],
        }
        return {"type": "customer.signed_up", "id": event_id, "timestamp": "2026-03-02T09:00:00Z", "data": data}

    return make


@pytest.fixture
def raise_task(db: Database) -> Callable[[str], str]:
    """An open task for Mara; its touch."""

    def make(customer: str, step: str = "setup-call") -> str:
        touch = f"{customer}/onboarding-14-day/1/{step}/1/task"
        due = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
        command = RaiseTask(touch, "0" * 16, step, "mara", due, due + timedelta(days=1))
        with db.begin() as c:
            projections.raise_task(c, command, customer, "Call Acme about the setup", ("Ask for the API key",))
        return touch

    return make


@pytest.fixture
def ask_approval(db: Database) -> Callable[[str], str]:
    """An open approval, asked of Mara; its id."""

    def make(customer: str, step: str = "welcome", to: str = "mara") -> str:
        approval = f"onboarding-14-day/1/{step}"
        due = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
        command = AskApproval(
            touch=f"{customer}/{approval}/1/ask/{to}",
            release="0" * 16,
            step=step,
            to=to,
            due=due,
            approval=approval,
            step_due=due + timedelta(hours=1),
            answer_by=due + timedelta(hours=4),
            expired="skip",
            recipients=("con_1",),
        )
        preview = {
            "title": "Welcome mail",
            "subject": "Welcome, Acme",
            "text": "Hello Ada,\n\nwelcome aboard.",
            "to": ["Ada"],
        }
        with db.begin() as c:
            projections.open_approval(c, command, customer, preview=preview, card="C1/1.0")
        return approval

    return make
