"""`stageplay rehearse` as people run it: real parts in a folder of their own, and what it says beforehand."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authoring.compile import Compiled
from cli import rehearse
from cli.apply import make_current
from cli.main import run
from cli.story import Story
from store import releases
from store.database import Database
from store.rollouts import Options

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., Any]
CUSTOMER = """name: Acme
tier: pro
touch: {touch}
zone: Europe/Berlin
champion: ada.ek@acme.example.com
admin: ada.ek@acme.example.com
"""


@pytest.fixture
def customer(tmp_path: Path) -> Callable[..., Path]:
    """A file with a customer."""

    def write(touch: str = "high") -> Path:
        path = tmp_path / "customer.yaml"
        path.write_text(CUSTOMER.format(touch=touch))
        return path

    return write


def asked(playbook: str, customer: Path, *more: str) -> list[str]:
    """The arguments of a rehearsal that begins on a Monday morning."""
    file = str(ROOT / f"playbooks/{playbook}.yaml")
    return ["rehearse", file, "--customer", str(customer), "--start", "2026-03-02T10:00", *more]


def test_a_playbook_that_does_not_start_by_itself_is_started_by_hand(
    start: Start, customer: Callable[..., Path]
) -> None:
    command = start(*asked("nps-detractor", customer(), "--day", "2s"), STAGEPLAY_PLAYBOOKS_DIR=str(ROOT / "playbooks"))
    assert command.end() == 0, "\n".join(command.said)
    said = "\n".join(command.said)

    assert re.search(r"play +nps-detractor +asked for by \w+: rehearsal", said)
    assert "ended: every step is settled" in said
    assert "STAGEPLAY_VAR_DIR=" in said


def test_programs_read_how_it_went_and_people_beside_it_what_passes(
    environment: dict[str, str], customer: Callable[..., Path]
) -> None:
    arguments = asked("nps-detractor", customer(), "--day", "2s", "--format", "json")
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**environment, "STAGEPLAY_PLAYBOOKS_DIR": str(ROOT / "playbooks")},
        cwd=customer().parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    decisions = found.pop("decisions")
    assert Path(found.pop("var_dir")).is_dir()
    assert found == {"playbook": "nps-detractor", "by_hand": True, "ended": True, "missing": []}
    began = next(item for item in decisions if (item["kind"], item["verdict"]) == ("play", "fired") and item["play"])
    assert (began["playbook"], began["at"][:10], began["at"][-6:]) == ("nps-detractor", "2026-03-02", "+01:00")
    assert "playbooks/nps-detractor.yaml:" in began["place"]
    assert "ended: every step is settled" in done.stderr
    assert {item["playbook"] for item in decisions} == {"nps-detractor", "standard"}


def test_a_playbook_that_turns_the_customer_away_is_said_and_found(start: Start, customer: Callable[..., Path]) -> None:
    command = start(*asked("onboarding-emails", customer(), "--day", "2s"))
    assert command.end() == 1, "\n".join(command.said)

    assert any("onboarding-emails did not start: entry not met" in line for line in command.said)


def test_one_that_starts_by_itself_is_waited_for(customer: Callable[..., Path]) -> None:
    plan, found = rehearse.made(ROOT / "playbooks/onboarding-14-day.yaml", customer(), None)

    assert not found
    assert plan is not None
    assert not plan.by_hand
    assert 20 < plan.longest.days < 40
    assert isinstance(plan.story, Story)
    assert [dict(one) for one in plan.story.contacts] == [
        {"name": "Ada Ek", "email": "ada.ek@acme.example.com", "roles": ["champion", "admin"]}
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_looking_at_it_afterwards_starts_none_of_the_other_playbooks(
    customer: Callable[..., Path], database: Database, compiled: Compiled
) -> None:
    """As `up` does in the folder that a rehearsal leaves, with all the playbooks there are."""
    plan, _ = rehearse.made(ROOT / "playbooks/nps-detractor.yaml", customer(), None)
    assert plan is not None
    make_current(database, plan.books, "playbooks", alone=True)
    for books in (compiled, plan.books):
        up = make_current(database, books, "playbooks")
        assert (up.changed, up.told) == (False, 0)
        with database.read() as c:
            assert releases.current(c) == plan.books.digest
    assert make_current(database, compiled, "playbooks", Options()).changed


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nps-detractor", "customer.yaml", "--day", "soon"], 2, "is not a length"),
        (["nps-detractor", "nobody.yaml"], 2, "there is no file"),
        (["odd", "customer.yaml"], 2, "there is no file"),
        (["nps-detracter", "customer.yaml"], 2, "playbooks/nps-detractor.yaml?"),
        (["lifecycle", "customer.yaml"], 2, "holds no playbook"),
        (["nps-detractor", "wrong.yaml"], 1, "has no key"),
        (["nps-detractor", "odd.yaml"], 1, "is not UTF-8 text"),
        (["nps-detractor", "customer.yaml", "--to", "me@example.com"], 2, "--to has no way to send"),
    ],
)
def test_what_cannot_be_rehearsed_is_said_before_anything_starts(
    customer: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    says: str,
) -> None:
    for name in ("VAR_DIR", "DATABASE_URL", "PLAYBOOKS_DIR", "PORT", "PUBLIC_URL", "TEMPORAL_UI", "REHEARSAL_TO"):
        monkeypatch.setenv(f"STAGEPLAY_{name}", "")
    folder = customer().parent
    (folder / "wrong.yaml").write_text("name: Acme\nteir: pro\n")
    (folder / "odd.yaml").write_bytes(b"name: Acm\xe9\n")

    assert run(asked(arguments[0], folder / arguments[1], *arguments[2:])) == code
    said = capsys.readouterr()
    assert says in said.out + said.err
