"""The embedded mode as a person meets it: one folder, three addresses, a clean end, and on from there."""

import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

import settings
from cli.processes import born
from cli.up import choose_ports

Start = Callable[..., Any]
ROOT = Path(__file__).resolve().parent.parent.parent


def children(folder: Path) -> dict[str, int]:
    return {entry["name"]: entry["pid"] for entry in json.loads((folder / "processes.json").read_text())}


def rows(folder: Path, query: str) -> list[tuple[str, ...]]:
    database = sqlite3.connect(folder / "stageplay.db")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


@pytest.fixture(scope="module")
def told(folder: Path, environment: dict[str, str]) -> list[str]:
    """What `stageplay demo --day 4s --exit` said, slow enough for a busy machine; the tests read what it left."""
    argv = [sys.executable, "-m", "cli.main", "demo", "--day", "4s", "--exit"]
    done = subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_it_prints_three_addresses_first(told: list[str]) -> None:
    named = [re.match(r"  (dashboard|Temporal UI|outbox) +http://127", line) for line in told[:5]]

    assert [found[1] for found in named if found] == ["dashboard", "Temporal UI", "outbox"]


def test_it_ends_with_a_table_in_which_nothing_is_missing(told: list[str]) -> None:
    assert [line.split()[-1] for line in told[-3:]] == ["nothing"] * 3


def test_every_touch_went_out_once(told: list[str], folder: Path) -> None:
    assert told
    sent = Counter(touch for (touch,) in rows(folder, "SELECT touch FROM outbox"))
    ledger = rows(folder, "SELECT state, count(*) FROM ledger GROUP BY state")

    assert set(sent.values()) == {1}
    assert [state for state, _ in ledger] == ["sent"]


def test_the_silent_customers_approvals_expired_and_reached_a_person(told: list[str]) -> None:
    bluefin = [line for line in told if "Bluefin" in line]

    assert sum("nobody answered the approval in time" in line for line in bluefin) == 3
    assert sum("Approval expired unanswered" in line for line in bluefin) == 3


def test_nothing_runs_on_after_the_exit(told: list[str], folder: Path) -> None:
    assert told
    assert not (folder / "processes.json").exists()
    assert not [p.pid for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]


def test_up_goes_on_where_the_demo_was_and_a_signal_ends_it_cleanly(
    start: Start, folder: Path, told: list[str]
) -> None:
    assert told
    customers = rows(folder, "SELECT id, seq FROM customers")
    command = start("up")
    command.until("playbooks unchanged")
    dashboard = command.until(r"dashboard +(\S+)")[1]
    outbox = command.until(r"outbox +(\S+)")[1]
    command.until("Ctrl-C")
    pids = children(folder)

    assert httpx.get(dashboard, trust_env=False).is_success
    assert httpx.get(outbox, trust_env=False).status_code in {303, 401, 403}
    assert list(pids) == ["temporal", "worker", "gateway"]
    assert command.stop(signal.SIGINT) == 0
    assert not [name for name, pid in pids.items() if born(pid)]
    assert rows(folder, "SELECT id, seq FROM customers") == customers


def test_databases_and_logs_are_their_owners_alone(told: list[str], folder: Path) -> None:
    assert told
    files = [folder / "stageplay.db", folder / "temporal.db", folder / "secrets.env", *(folder / "log").iterdir()]

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_signal_during_the_start_ends_it_before_all_parts_are_ready(
    start: Start, var: Path, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    command = start("up", STAGEPLAY_VAR_DIR=str(var))
    wait_until((var / "processes.json").exists)

    assert command.stop(signal.SIGINT) == 0
    assert not (var / "processes.json").exists()
    assert not (var / "log" / "gateway.log").exists()
    assert not [line for line in command.said if "dashboard" in line]


@pytest.fixture(scope="module")
def running(told: list[str], start_for_module: Start) -> Any:
    """An `up` on the demo's folder, shared by the tests that leave it running."""
    assert told
    command = start_for_module("up")
    command.until("Ctrl-C")
    return command


def test_a_second_up_on_the_folder_is_refused_and_leaves_the_first_alone(running: Any, start: Start) -> None:
    second = start("up")

    assert second.end() == 2
    assert second.said[0].startswith(f"another `stageplay up` (pid {running.process.pid}) already runs on ")
    assert second.said[2].startswith(f"  fix: stop it with `kill {running.process.pid}`")
    assert running.process.poll() is None


def test_a_gateway_on_the_folder_of_a_running_up_is_refused(running: Any, start: Start) -> None:
    second = start("gateway")

    assert second.end() == 2
    assert second.said[0].startswith(f"another `stageplay up` (pid {running.process.pid}) already runs on ")
    assert running.process.poll() is None


def test_a_killed_worker_is_started_again(
    running: Any, start: Start, folder: Path, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    before = children(folder)["worker"]
    os.kill(before, signal.SIGKILL)
    running.until("worker ended with -9; starting it again")
    wait_until(lambda: children(folder)["worker"] != before)
    status = start("status")

    assert status.end() == 0
    assert status.said[0].startswith("database   ok: 3 customers")
    parts = [["journeys", "standard"], ["temporal", "ok:"], ["worker", "ok:"]]
    assert [line.split()[:2] for line in status.said[1:]] == parts


def test_a_taken_port_is_replaced_by_one_that_is_not_given_to_outgoing_connections(
    taken: int, unused_port: int, tmp_path: Path
) -> None:
    kept = tmp_path / "ports.json"
    kept.write_text(json.dumps({"temporal": taken, "ui": unused_port, "gateway": unused_port + 1}))

    ports = choose_ports(settings.load({}), kept)

    assert ports.temporal in range(7233, 7333)
    assert (ports.ui, ports.gateway) == (unused_port, unused_port + 1)
    assert json.loads(kept.read_text()) == asdict(ports)


def test_a_port_that_was_set_and_is_taken_is_an_error(start: Start, taken: int, var: Path) -> None:
    command = start("up", STAGEPLAY_PORT=str(taken), STAGEPLAY_VAR_DIR=str(var))

    assert command.end() == 3
    assert f"port {taken} is taken" in command.said[-3]


def test_playbooks_with_a_mistake_start_nothing(start: Start, tmp_path: Path, var: Path) -> None:
    broken = tmp_path / "playbooks"
    shutil.copytree(ROOT / "playbooks", broken)
    text = (broken / "onboarding-14-day.yaml").read_text()
    (broken / "onboarding-14-day.yaml").write_text(text.replace("day: 1\n", "day: one\n", 1))
    command = start("up", STAGEPLAY_PLAYBOOKS_DIR=str(broken), STAGEPLAY_VAR_DIR=str(var))

    assert command.end() == 1
    assert any(re.match(r"playbooks/onboarding-14-day.yaml:\d+:\d+: error: ", line) for line in command.said)
    assert command.said[-1] == "the playbooks have errors; nothing was changed"
    assert not (var / "processes.json").exists()


@pytest.mark.nightly
def test_what_a_killed_up_left_is_ended_by_the_next(start: Start, var: Path) -> None:
    killed = start("up", STAGEPLAY_VAR_DIR=str(var))
    killed.until("Ctrl-C")
    left = children(var)
    killed.stop(signal.SIGKILL)
    again = start("up", STAGEPLAY_VAR_DIR=str(var))
    again.until("Ctrl-C")

    assert [line.split(" (")[0] for line in again.said[:3]] == ["ending gateway", "ending worker", "ending temporal"]
    assert not [name for name, pid in left.items() if born(pid)]
    assert again.stop() == 0


@pytest.mark.nightly
def test_a_demo_whose_parts_are_all_killed_ends_its_plays_and_sends_nothing_twice(start: Start, var: Path) -> None:
    command = start("demo", "--day", "2s", "--exit", STAGEPLAY_VAR_DIR=str(var))
    command.until(r"Northwind Freight +fired +task +kickoff-notes")
    for pid in children(var).values():
        os.kill(pid, signal.SIGKILL)
    command.end()  # while the parts were down days passed, so the stories may have gone otherwise

    said = "\n".join(command.said)
    assert sum("starting it again" in line for line in command.said) == 3, said
    assert "How it went" in said
    assert "its plays have not ended" not in said
    assert "not known as sent" not in said
    touches = Counter(touch for (touch,) in rows(var, "SELECT touch FROM outbox"))
    assert set(touches.values()) == {1}
