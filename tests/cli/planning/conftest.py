"""Every command of a plan reads all playbooks; these tests plan with two of those that ship."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from ruamel.yaml import YAML

import settings
from authoring.compile import Compiled, compile_folder
from cli.main import run
from store import releases, tables
from tests.cli.conftest import SIGNED_UP_AT, with_applied

if TYPE_CHECKING:
    from pathlib import Path

    from store.database import Database

LATER = SIGNED_UP_AT + timedelta(days=4, hours=1)
NAME = "onboarding-14-day"
NOTE = "- { id: after-all, day: 13, task: { to: csm, title: Look once more } }"
FEW = ("facts.yaml", "team.yaml", "health", "journeys", f"{NAME}.yaml", "onboarding-emails.yaml")


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped onboarding with what it needs, and a lifecycle that names no other playbook."""
    shipped, folder = settings.HERE / "playbooks", tmp_path_factory.mktemp("few") / "playbooks"
    folder.mkdir()
    for name in FEW:
        (shutil.copytree if (shipped / name).is_dir() else shutil.copy)(shipped / name, folder / name)
    lifecycle = YAML().load(shipped / "lifecycle.yaml")
    del lifecycle["risks"], lifecycle["politeness"]["incidents"]
    kept = {name: lifecycle["conditions"][name] for name in ("critical", "automated")}
    lifecycle["conditions"] = {**kept, "at_risk": "conditions.critical"}
    YAML().dump(lifecycle, folder / "lifecycle.yaml")
    return folder


@pytest.fixture(scope="session")
def compiled(few: Path) -> Compiled:
    found = compile_folder(few, settings.HERE / "templates")
    assert found.catalogue, found.diagnostics
    return found


@pytest.fixture(scope="session")
def applied_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, compiled: Compiled) -> Path:
    return with_applied(tmp_path_factory.mktemp("applied"), sqlite_template, compiled)


@pytest.fixture
def files(tmp_path: Path, few: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The few playbooks, in a folder in which an author edits."""
    folder = tmp_path / "playbooks"
    shutil.copytree(few, folder)
    monkeypatch.setenv("STAGEPLAY_PLAYBOOKS_DIR", str(folder))
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Change what an author changes: the first of what stands there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def add_a_step(files: Path) -> None:
    """Have the onboarding end with another step."""
    path = files / f"{NAME}.yaml"
    path.write_text(path.read_text(encoding="utf-8").rstrip() + f"\n\n  {NOTE}\n", encoding="utf-8")


def stageplay(*arguments: str) -> int:
    """Run a command four days and an hour after the signup."""
    with freeze_time(LATER, real_asyncio=True):
        return run(list(arguments))


def told(db: Database) -> list[dict[str, Any]]:
    """What the customers' workflows were told of what was applied, in order."""
    with db.read() as c:
        query = tables.inbox.select().where(tables.inbox.c.source == "apply").order_by(tables.inbox.c.seq)
        return [row.event for row in c.execute(query)]


def current(db: Database) -> str:
    """The catalogue that is live."""
    with db.read() as c:
        return releases.current(c) or ""
