"""The command line run as people run it: as a process, on a folder of its own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import settings
from authoring.compile import Compiled
from authoring.simulate import Library, simulate
from cli import apply as applying
from cli import known
from lifecycle import trace
from lifecycle.engine import step
from lifecycle.jsonform import decode_union
from lifecycle.messages import Event, FactsReported, SignedUp
from lifecycle.model import Clock, Contact, Profile, Teammate, state_to_json
from store import customers, inbox, projections, releases, tables, team
from store.customers import NewContact
from store.database import Database, open_database

SIGNED_UP_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Command:
    """A running `stageplay`. `said`: its lines so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def until(self, pattern: str) -> re.Match[str]:
        """Read lines until one matches."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"{pattern!r} was never said, but:\n" + "\n".join(self.said))

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; the rest of what it says is in `said`."""
        self.process.send_signal(with_signal)
        return self.end()

    def end(self) -> int:
        """Wait for its end."""
        rest, _ = self.process.communicate(timeout=120)
        self.said += rest.splitlines()
        return self.process.returncode


Start = Callable[..., Command]


def with_ports(var: Path, first: int) -> Path:
    """Make a var folder whose `up` listens on three ports of its own, whatever else runs on this machine."""
    var.mkdir()
    (var / "ports.json").write_text(json.dumps({"temporal": first, "ui": first + 1, "gateway": first + 2}))
    return var


@pytest.fixture
def var(tmp_path: Path, free_ports: Callable[[int], int]) -> Path:
    """The var folder of one test."""
    return with_ports(tmp_path / "var", free_ports(3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], int]) -> Path:
    """The var folder of a module's commands."""
    return with_ports(tmp_path_factory.mktemp("folder") / "var", free_ports(3))


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    """The environment of a module's commands: nothing of ours but the folder, and a port that is free now."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STAGEPLAY_", "TEMPORAL_"))}
    return {**kept, "STAGEPLAY_VAR_DIR": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "160"}


def starting(environment: dict[str, str], cwd: Path) -> Iterator[Start]:
    """Start commands; what still runs at the end is stopped."""
    started: list[Command] = []

    def run(*arguments: str, **more: str) -> Command:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            env={**environment, **more},
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(Command(process))
        return started[-1]

    yield run
    for command in started:
        if command.process.poll() is None:
            command.stop()
        if command.process.stdout:
            command.process.stdout.close()


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start commands that end with the test."""
    yield from starting(environment, tmp_path)


@pytest.fixture(scope="module")
def start_for_module(environment: dict[str, str], folder: Path) -> Iterator[Start]:
    """Start commands that end with the module."""
    yield from starting(environment, folder)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Look again and again until another process has got somewhere."""

    def wait(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline, "it never got there"
            time.sleep(0.05)

    return wait


@pytest.fixture
def unused_port(free_ports: Callable[[int], int]) -> int:
    """A port that nobody listens on, and the next two neither, a moment ago."""
    return free_ports(3)


@pytest.fixture(scope="session")
def applied_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, compiled: Compiled) -> Path:
    """A file with the shipped playbooks applied, that tests copy."""
    return with_applied(tmp_path_factory.mktemp("applied"), sqlite_template, compiled)


def with_applied(folder: Path, empty: Path, compiled: Compiled) -> Path:
    """A copy of an empty database in a folder, with playbooks applied."""
    path = folder / "stageplay.db"
    shutil.copy(empty, path)
    found = open_database(f"sqlite:///{path}")
    applying.make_current(found, compiled, "playbooks")
    found.close()
    return path


@pytest.fixture
def applied(tmp_path: Path, applied_template: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with the shipped playbooks applied, and nobody at Temporal's address."""
    path = tmp_path / "stageplay.db"
    shutil.copy(applied_template, path)
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    return open_database(f"sqlite:///{path}")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped playbooks, in a folder in which an author edits."""
    folder = tmp_path / "playbooks"
    shutil.copytree(settings.HERE / "playbooks", folder)
    monkeypatch.setenv("STAGEPLAY_PLAYBOOKS_DIR", str(folder))
    return folder


SignUp = Callable[..., str]


@pytest.fixture
def sign_up(applied: Database, compiled: Compiled) -> SignUp:
    """Signs the customer acme-1 up at `SIGNED_UP_AT`; `snapshot`: what came of it in four days is stored. Our id."""
    return partial(_sign_up, applied, compiled)


def _sign_up(db: Database, compiled: Compiled, *, snapshot: bool = True) -> str:
    """A customer who signed up at `SIGNED_UP_AT`, whose state and decisions of four days are stored; our id of it."""
    profile = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro", country="DE", touch="high")
    with db.begin() as c:
        mara = next(person for person in team.teammates(c) if person.id == "mara")
        made, contacts = customers.create(
            c,
            outer_id="acme-1",
            name="Acme",
            profile=profile,
            clock=Clock(SIGNED_UP_AT, SIGNED_UP_AT),
            contacts=[NewContact("ada@acme.example.com", "Ada", ("champion",))],
            team={"csm": mara},
        )
    signup = SignedUp(profile, (Contact(contacts[0].id, ("champion",)),), {"csm": Teammate("mara", "Europe/Berlin")})
    later = SIGNED_UP_AT + timedelta(days=4)
    played = simulate(Library(compiled.releases), compiled.digest, signup, SIGNED_UP_AT, [], later, made.id)
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


@contextmanager
def _delivering(db: Database, customer: str) -> Iterator[None]:
    """Answer what people of this customer wait for, from its stored state, until the block ends."""
    over = threading.Event()
    state = None

    def deliver() -> None:
        nonlocal state
        while not over.wait(0.02):
            with db.read() as c:
                rows = inbox.undelivered(c, customer)
                state = state or known.stored(c, customer)
                current = releases.current(c)
            assert state is not None
            library = known.library(db, [state], str(current))
            for row in rows:
                outcome = step(library, state, decode_union(Event, row.event), now=state.as_of)
                state = outcome.state
                with db.begin() as c:
                    reply = outcome.reply
                    told = None if reply is None else {"result": reply.result, "text": reply.text}
                    inbox.delivered(c, customer, row.seq, told)

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def delivering(applied: Database) -> Callable[[str], AbstractContextManager[None]]:
    """Answer what people of a customer wait for as a gateway's deliverer would have it answered, by the core."""
    return partial(_delivering, applied)
