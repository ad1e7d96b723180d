"""`stageplay explain` on a database whose workflows cannot be asked, and what it says of names that nobody has."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time

import settings
from authoring.compile import compile_folder
from authoring.simulate import Library, simulate
from cli import apply as applying
from cli.main import run
from lifecycle import trace
from lifecycle.messages import FactsReported, SignedUp
from lifecycle.model import Clock, Contact, Profile, Teammate, state_to_json
from store import customers, inbox, projections, tables
from store.customers import NewContact
from store.database import Database, open_database

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with the shipped playbooks applied, and nobody at Temporal's address."""
    path = tmp_path / "stageplay.db"
    shutil.copy(sqlite_template, path)
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    found = open_database(f"sqlite:///{path}")
    applying.apply(found, settings.HERE / "playbooks", settings.HERE / "templates")
    return found


def sign_up(db: Database, *, snapshot: bool = True) -> str:
    """A customer who signed up at `AT`, whose state and decisions of four days are stored; our id of it."""
    compiled = compile_folder(settings.HERE / "playbooks", settings.HERE / "templates")
    profile = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro", country="DE", touch="high")
    with db.begin() as c:
        mara = next(person for person in customers.teammates(c) if person.id == "mara")
        made, contacts = customers.create(
            c,
            outer_id="acme-1",
            name="Acme",
            profile=profile,
            clock=Clock(AT, AT),
            contacts=[NewContact("ada@acme.example.com", "Ada", ("champion",))],
            team={"csm": mara},
        )
    signup = SignedUp(profile, (Contact(contacts[0].id, ("champion",)),), {"csm": Teammate("mara", "Europe/Berlin")})
    later = AT + timedelta(days=4)
    played = simulate(Library(compiled.releases), compiled.digest, signup, AT, [], later, made.id)
    if snapshot:
        summary = {"stage": "onboarding", "band": "", "tier": "pro", "overdue": False, "held": "", "catalogue": ""}
        batch = {"customer": made.id, "number": 1, "decisions": [trace.to_row(item) for item in played.decisions]}
        batch |= {"summary": {**summary, "as_of": None, "next_due": None}, "snapshot": state_to_json(played.state)}
        told = FactsReported({"setup.api_connected": True})
        with db.begin() as c:
            projections.store_batch(c, {**batch, "log": "1"}, lambda item: f"{item.playbook}.yaml:1")
            inbox.accept(c, made.id, "test", "1", told, body_digest="1")
            c.execute(tables.inbox.update().values(received_at=later))
    return made.id


@pytest.mark.parametrize("ours", [True, False], ids=["our id", "the sender's id"])
def test_a_customer_is_explained_from_what_is_stored(
    database: Database, capsys: pytest.CaptureFixture[str], ours: bool
) -> None:
    customer = sign_up(database)
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["explain", customer if ours else "acme-1"]) == 0
    said = capsys.readouterr().out

    assert "Acme, Sat 07 Mar 2026 10:00 Europe/Berlin, from its last stored state and what came since" in said
    assert "running since 2026-03-03" in said
    assert "when the customer enters the stage onboarding" in said
    assert "yes: customer.journey = 'standard'" in said
    assert "it starts when playbook" not in said
    assert "no: customer.touch = 'high'" not in said
    assert (
        "never started; refused on 2026-03-02: entry not met: customer.journey = 'standard', not 'self-serve'" in said
    )
    assert "earlier decisions" in said


def test_one_playbook_is_explained_with_all_that_it_decided(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up(database)
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["explain", "acme-1", "onboarding-14-day"]) == 0
    said = capsys.readouterr().out

    assert "Tue 03 Mar 2026 00:00  onboarding-14-day fired: started; day 0 is 2026-03-02" in said
    assert "earlier decisions" not in said
    assert "onboarding-emails" not in said


def test_its_json_says_the_same_with_offsets(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    customer = sign_up(database)
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["explain", "acme-1", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    found = {item["playbook"]: item for item in data["playbooks"]}

    assert (data["customer"], data["id"], data["source"]) == (customer, "acme-1", "snapshot")
    play = found["onboarding-14-day"]["plays"][0]
    assert play["since"] == "2026-03-03T00:00:00+01:00"
    assert play["leaves"]["exit"]["met"] is False
    waits = {step["step"]: step for step in play["steps"] if step["kind"] == "wait" and step["condition"]}
    assert waits["first-value"]["condition"][0]["met"] is not True
    assert waits["first-value"]["change"]["events"][0]["kind"] == "milestone_ticked"
    assert found["onboarding-emails"]["entry"][0]["values"][0] == {
        "name": "customer.journey",
        "value": "standard",
        "since": None,
    }
    assert found["onboarding-emails"]["change"]["when"].startswith("customer.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["odd"], 'no customer has the id "odd"'),
        (["acme-1", "onboarding"], 'no playbook is called "onboarding"; there are nps-detractor'),
    ],
)
def test_names_that_nobody_has_are_misuse(
    database: Database, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    sign_up(database)

    assert run(["explain", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_customer_whose_workflow_has_not_begun_is_said_so(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up(database, snapshot=False)

    assert run(["explain", "acme-1"]) == 3
    assert "its workflow has not begun" in capsys.readouterr().err


def test_without_playbooks_it_says_what_to_run(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sqlite_template, tmp_path / "stageplay.db")
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", f"sqlite:///{tmp_path}/stageplay.db")
    sign_up_bare(open_database(f"sqlite:///{tmp_path}/stageplay.db"))

    assert run(["explain", "acme-1"]) == 3
    assert "run `stageplay apply`" in capsys.readouterr().err


def sign_up_bare(db: Database) -> None:
    """A customer before any playbook was applied."""
    profile = Profile("Europe/Berlin", date(2026, 3, 2))
    with db.begin() as c:
        customers.create(c, outer_id="acme-1", name="Acme", profile=profile, clock=Clock(AT, AT), contacts=[], team={})
