"""`stageplay forecast` on a database, with a Temporal that does not answer and with workflows that do."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from authoring.forecast import Standing
from authoring.simulate import simulate
from cli import known
from cli.main import run
from lifecycle.messages import ContactSuppressed, SignedUp
from lifecycle.model import Clock, Contact, Profile, State, Teammate, state_to_json
from store import customers, inbox, releases, tables, team
from store.customers import NewContact
from store.database import Database
from tests.fakes.temporal import local
from workflows import interface

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONTACT = "con_1"


@pytest.fixture
def database(applied: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with the shipped playbooks applied, and nobody at Temporal's address."""
    monkeypatch.setenv("COLUMNS", "240")
    return applied


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sign_up(db: Database, number: int, *, snapshot: bool = True) -> State:
    """A customer who signed up at `AT`, whose state was stored that evening."""
    profile = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro", country="DE")
    with db.begin() as c:
        mara = next(person for person in team.teammates(c) if person.id == "mara")
        current = str(releases.current(c))
        made, contacts = customers.create(
            c,
            outer_id=f"acme-{number}",
            name=f"Acme {number}",
            profile=profile,
            clock=Clock(AT, AT),
            contacts=[NewContact(f"ada@acme{number}.example.com", "Ada", ("champion",))],
            team={"csm": mara},
        )
    signup = SignedUp(profile, (Contact(contacts[0].id, ("champion",)),), {"csm": Teammate("mara", "Europe/Berlin")})
    evening = AT + timedelta(hours=10)
    state = simulate(known.library(db, [], current), current, signup, AT, [], evening, made.id).state
    if snapshot:
        values = {"batch": 1, "seq": state.seq, "state": state_to_json(state), "stored_at": evening}
        with db.begin() as c:
            c.execute(tables.snapshots.insert().values(customer=made.id, **values))
    return state


def test_without_temporal_it_goes_on_from_what_was_stored(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(11):
        sign_up(database, number)
    sign_up(database, 11, snapshot=False)
    with freeze_time(AT + timedelta(hours=10), real_asyncio=True):
        code = run(["forecast"])
    said = capsys.readouterr()

    assert code == 1
    assert "Temporal does not answer" in said.err
    assert "11 from the last stored state" in said.out
    assert "1 not known and left out: Acme 11" in said.out
    assert "warning: Mara Lindqvist has 11 approvals on Tuesday 3 March, capacity 10" in said.out
    assert "email to customers" in said.out


def test_events_accepted_since_count(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    state = sign_up(database, 1)
    with database.begin() as c:
        gone = ContactSuppressed(state.contacts[0].id, "unsubscribed")
        inbox.accept(c, state.customer, "test", "1", gone, body_digest="1")
        c.execute(tables.inbox.update().values(received_at=AT + timedelta(hours=11)))
    with freeze_time(AT + timedelta(hours=12), real_asyncio=True):
        assert run(["forecast", "--days", "3", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)

    assert data["customers"][0]["events_since"] == 1
    assert [row for row in data["sends"] if row["kind"] == "email"] == []


def test_a_database_without_playbooks_says_what_to_run(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.db"
    shutil.copy(sqlite_template, path)
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", f"sqlite:///{path}")

    assert run(["forecast"]) == 3
    assert "run `stageplay apply`" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_with_nobody_live_there_is_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forecast"]) == 0
    assert "there is no live customer" in capsys.readouterr().out


@pytest.mark.usefixtures("database")
def test_assumptions_that_are_wrong_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("assume: x\nchurn: { a_year: lots }\n")

    assert run(["forecast", "--answers", str(file), "--seed", "2"]) == 1
    assert "answers.yaml:2:18: error" in capsys.readouterr().err


@workflow.defn(name=interface.WORKFLOW)
class StandIn:
    """A workflow that answers what it was started with."""

    @workflow.run
    async def run(self, state: dict[str, Any]) -> None:
        self.state = state
        await workflow.wait_condition(lambda: False)

    @workflow.query(name=interface.STATE)
    def said(self) -> dict[str, Any]:
        return self.state


@pytest.mark.anyio
async def test_workflows_that_answer_are_asked_and_others_left_out(database: Database) -> None:
    asked, silent = sign_up(database, 1), sign_up(database, 2)
    with database.read() as c:
        those = known.live(c)
    async with (
        await local() as env,
        Worker(env.client, task_queue="q", workflows=[StandIn], workflow_runner=UnsandboxedWorkflowRunner()),
    ):
        started = interface.workflow_id(asked.customer)
        await env.client.start_workflow(interface.WORKFLOW, state_to_json(asked), id=started, task_queue="q")
        answered = await known.ask(env.client, [item.id for item in those])
        await env.client.get_workflow_handle(started).terminate()
    found = {item.state.customer: item for item in known.standings(database, answered, those)
             if isinstance(item, Standing)}  # fmt: skip

    assert answered == {asked.customer: asked}
    assert {name: item.source for name, item in found.items()} == {
        asked.customer: "workflow",
        silent.customer: "snapshot",
    }
