"""The embedded set-up as a process of its own, on a folder and ports of its own; whoever is killed is killed by pid."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from dotenv import dotenv_values
from sqlalchemy import text
from standardwebhooks import Webhook

from store.database import Database, now, open_database

ROOT = Path(__file__).resolve().parent.parent.parent


def wait_until(reached: Callable[[], bool], what: str, seconds: float = 120, every: float = 0.02) -> None:
    """Look at other processes until they have got somewhere."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(every)


@dataclass
class House:
    """One folder and the `stageplay up` that runs on it. `started`: every process of ours that was ever seen."""

    folder: Path
    environment: Mapping[str, str]
    up: subprocess.Popen[bytes] | None = None
    started: set[psutil.Process] = field(default_factory=set)

    # --- processes --------------------------------------------------------------------------------------------------

    def run(self, log: str) -> subprocess.Popen[bytes]:
        """Start an `up` on the folder, whether or not one runs there; what it says goes to the file `log`."""
        with (self.folder / log).open("wb") as said:
            argv = [sys.executable, "-m", "cli.main", "up"]
            return subprocess.Popen(argv, env=dict(self.environment), cwd=self.folder, stdout=said, stderr=said)

    def start(self) -> None:
        """Start and wait until everything answers."""
        up, log = self.run("up.log"), self.folder / "up.log"
        self.up = up

        def ready() -> bool:
            assert up.poll() is None, log.read_text()
            return b"Ctrl-C" in log.read_bytes()

        wait_until(ready, "up")
        self.remember()

    def remember(self) -> None:
        """Note everything that `up` has below it now, if it runs."""
        if self.up is not None and self.up.poll() is None:
            above = psutil.Process(self.up.pid)
            self.started |= {above, *above.children(recursive=True)}

    def pids(self) -> dict[str, int]:
        """The parts by name, as `up` has written them down."""
        try:
            return {entry["name"]: entry["pid"] for entry in json.loads((self.folder / "processes.json").read_text())}
        except FileNotFoundError:
            return {}

    def kill(self, *parts: str) -> None:
        """`kill -9`, one right after the other."""
        self.remember()
        pids = self.pids()
        for part in parts:
            os.kill(pids[part], signal.SIGKILL)

    def kill_up(self) -> None:
        """`kill -9` the parent alone: its children stay."""
        assert self.up is not None
        self.remember()
        self.up.kill()
        self.up.wait()

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.up is not None
        self.remember()
        self.up.terminate()
        return self.up.wait(90)

    def alive(self) -> list[int]:
        """Processes of ours that still run. psutil tells a stranger with an old pid by its birth."""
        return [p.pid for p in self.started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    @property
    def ports(self) -> dict[str, int]:
        """Where the parts listen, by `up`'s own names."""
        found: dict[str, int] = json.loads((self.folder / "ports.json").read_text())
        return found

    def end(self) -> None:
        """Whatever a failed test left."""
        if self.up is not None and self.up.poll() is None:
            self.up.send_signal(signal.SIGCONT)
            self.stop()
        for process in self.started:
            if process.is_running():
                process.kill()

    # --- the gateway ------------------------------------------------------------------------------------------------

    def post(self, event_id: str, body: Mapping[str, Any]) -> httpx.Response:
        """One signed event."""
        made = dotenv_values(self.folder / "secrets.env")
        said, at = json.dumps(body), now()
        headers = {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(str(made["STAGEPLAY_WEBHOOK_SECRET"])).sign(event_id, at, said),
        }
        url = f"http://127.0.0.1:{self.environment['STAGEPLAY_PORT']}/v1/events"
        return httpx.post(url, content=said, headers=headers, trust_env=False, timeout=20)

    # --- what it wrote ----------------------------------------------------------------------------------------------

    def database(self) -> Database:
        return open_database(f"sqlite:///{self.folder}/stageplay.db")

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Read, on a connection of its own."""
        database = self.database()
        try:
            with database.read() as c:
                return [tuple(row) for row in c.execute(text(query), values)]
        finally:
            database.close()

    def count(self, query: str, **values: Any) -> int:
        """The one number that a query returns."""
        return int(self.rows(query, **values)[0][0])


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    return wait_until


@pytest.fixture
def house(tmp_path: Path, free_ports: Callable[[int], int]) -> Iterator[House]:
    """A running set-up on a fresh folder. Every write to the outbox is counted in a table of the test's own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STAGEPLAY_", "TEMPORAL_"))}
    first = free_ports(3)
    kept |= {"STAGEPLAY_VAR_DIR": str(tmp_path), "STAGEPLAY_PORT": str(first), "PYTHONPATH": str(ROOT)}
    kept["STAGEPLAY_PLAYBOOKS_DIR"] = str(_onboarding_alone(tmp_path / "playbooks"))
    ports = {"gateway": first, "temporal": first + 1, "ui": first + 2}
    (tmp_path / "ports.json").write_text(json.dumps(ports))
    house = House(tmp_path, kept)
    try:
        house.start()
        _count_writes(house.database())
        yield house
    finally:
        house.end()


def _onboarding_alone(folder: Path) -> Path:
    """What ships for the first weeks: it comes to an end. The rest goes on for as long as a customer lives."""
    shutil.copytree(ROOT / "playbooks", folder, ignore=shutil.ignore_patterns("scenarios"))
    for path in folder.glob("*.yaml"):
        if path.stem not in ("lifecycle", "facts", "team") and not path.stem.startswith(("onboarding-", "nps-")):
            path.unlink()
    names = {path.stem.replace("-", "_") for path in folder.glob("*.yaml")}
    for path in folder.glob("*.yaml"):  # what is not there is not playing
        path.write_text(
            re.sub(r"playing\.(\w+)", lambda name: name[0] if name[1] in names else "false", path.read_text())
        )
    lifecycle = folder / "lifecycle.yaml"
    text = lifecycle.read_text()
    for what_names_others in (r"^risks:\n(  .*\n)+", r"^  incidents:.*\n(    .*\n)+"):
        text, found = re.subn(what_names_others, "", text, flags=re.MULTILINE)
        assert found == 1, what_names_others
    lifecycle.write_text(text)
    return folder


def _count_writes(database: Database) -> None:
    """An update replaces a row of the outbox, so that rows alone would not show a second send."""
    with database.begin() as c:
        c.execute(text("CREATE TABLE drill_writes (touch TEXT, kind TEXT)"))
        for moment in ("INSERT", "UPDATE"):
            write = "INSERT INTO drill_writes VALUES (NEW.touch, NEW.kind)"
            c.execute(text(f"CREATE TRIGGER drill_{moment} AFTER {moment} ON outbox BEGIN {write}; END"))
    database.close()
