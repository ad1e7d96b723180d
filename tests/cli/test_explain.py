"""`stageplay explain` on a database whose workflows cannot be asked, and what it says of names that nobody has."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time

from cli import known
from cli.main import run
from lifecycle.commands import SendEmail
from lifecycle.jsonform import encode
from lifecycle.messages import Event, HoldLifted, HoldPlaced
from lifecycle.model import Clock, Profile, Retry, state_to_json
from store import customers, inbox, tables
from store.database import Database, open_database

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SignUp = Callable[..., str]


@pytest.mark.parametrize("ours", [True, False], ids=["our id", "the sender's id"])
def test_a_customer_is_explained_from_what_is_stored(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str], ours: bool
) -> None:
    customer = sign_up()
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["explain", customer if ours else "acme-1"]) == 0
    said = capsys.readouterr().out

    assert "Acme, Sat 07 Mar 2026 10:00 Europe/Berlin, from its last stored state and what came since" in said
    assert "running since 2026-03-03" in said
    assert "when the customer enters the stage onboarding" in said
    assert "yes: customer.journey = 'standard'" in said
    assert "it starts when playbook" not in said
    emails = said[said.index("onboarding-emails") :].partition("\n\n")[0]
    assert "customer.touch" in emails
    assert "no: customer.touch = 'high'" not in emails
    assert (
        "never started; refused on 2026-03-02: entry not met: customer.journey = 'standard', not 'self-serve'" in said
    )
    assert "earlier decisions" in said


def test_one_playbook_is_explained_with_all_that_it_decided(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["explain", "acme-1", "onboarding-14-day"]) == 0
    said = capsys.readouterr().out

    assert "Tue 03 Mar 2026 00:00  onboarding-14-day fired: started; day 0 is 2026-03-02" in said
    assert "earlier decisions" not in said
    assert "onboarding-emails" not in said


def test_a_hold_is_told_as_it_is_now_and_not_as_it_was_last_stored(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()

    def on_hold(event: Event, number: str) -> str:
        with applied.begin() as c:
            inbox.accept(c, customer, "cli", number, event, body_digest=number)
        with freeze_time(AT + timedelta(days=5), real_asyncio=True):
            assert run(["explain", "acme-1", "--format", "json"]) == 0
        return str(json.loads(capsys.readouterr().out)["hold"])

    assert on_hold(HoldPlaced("mara", "an outage"), "1") == "an outage"
    with applied.begin() as c:
        c.execute(tables.customers.update().values(held="an outage"))
    assert on_hold(HoldLifted("mara"), "2") == ""


def test_its_json_says_the_same_with_offsets(sign_up: SignUp, capsys: pytest.CaptureFixture[str]) -> None:
    customer = sign_up()
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
        (["acme"], 'fix: did you mean "acme-1" \\(Acme\\)\\?'),
        (["acme-1", "onboarding"], 'no playbook is called "onboarding"; did you mean "onboarding-'),
    ],
)
def test_names_that_nobody_has_are_misuse(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    sign_up()

    assert run(["explain", *arguments]) == 2
    assert re.search(says, capsys.readouterr().err)


def test_what_a_provider_puts_off_is_said_with_the_instant(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    with applied.begin() as c:
        state = known.stored(c, customer)
        assert state is not None
        play, to = state.plays[0], state.contacts[0].id
        mail = SendEmail(f"{customer}/{play.key}/setup-guide/1/send/{to}", play.release, "setup-guide", to, AT)
        put_off = replace(state, retries=(Retry(AT + timedelta(days=5, hours=2), encode(mail)),))
        c.execute(tables.snapshots.update().values(state=state_to_json(put_off)))
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["explain", "acme-1", play.playbook]) == 0
        assert run(["explain", "acme-1", play.playbook, "--format", "json"]) == 0
    said, _, data = capsys.readouterr().out.partition("\n{")
    assert "Sat 07 Mar 2026 12:00  setup-guide (email to champion): its provider puts it off until then" in said
    (item,) = json.loads("{" + data)["playbooks"][0]["put_off"]
    assert (item["step"], item["to"], item["at"]) == ("setup-guide", "champion", "2026-03-07T12:00:00+01:00")


def test_a_customer_whose_workflow_has_not_begun_is_said_so(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up(snapshot=False)

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
