"""`stageplay import` as people run it: a plan first, then placed once, told nothing of the past, whatever is killed."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authoring.compile import Compiled
from authoring.diagnostics import Report
from authoring.portfolio import read_portfolio
from lifecycle.playbook import Lifecycle
from tests.fakes import export

ROOT = Path(__file__).resolve().parent.parent.parent
PLACED = {"A-new": "new", "A-onb": "onboarding", "A-ado": "adoption", "A-val": "value", "A-flag": "churned",
          "A-gone": "churned", "A-back": "expansion"}  # fmt: skip
Start = Callable[..., Any]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export with its mapping beside it."""
    folder = export.write(tmp_path_factory.mktemp("crm") / "export")
    (folder / "crm.yaml").write_text(export.mappings()[1])
    return folder


@pytest.fixture
def imports(environment: dict[str, str], data: Path, tmp_path: Path) -> Run:
    """Run the command to its end, on the folder of the module's commands."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "cli.main", "import", str(data / "crm.yaml"), *arguments]
        kept = {**environment, **more}
        return subprocess.run(argv, env=kept, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)

    return run


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(folder / "stageplay.db")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def count(folder: Path, query: str) -> int:
    return int(rows(folder, query)[0][0])


# --- without a server -------------------------------------------------------------------------------------------------


def test_a_plan_says_who_stands_where_and_what_each_still_needs(imports: Run, data: Path) -> None:
    done = imports("--dry-run")

    assert done.returncode == 1, done.stderr
    assert "ravenstack: 7 accounts as of 2024-12-31" in done.stdout
    assert "no email" in done.stdout
    assert "local times are those of Europe/Berlin" in done.stdout
    assert "nothing was placed" in done.stdout
    assert not list(data.glob("*not-taken*"))


def test_for_machines_a_plan_is_one_document(imports: Run) -> None:
    plan = json.loads(imports("--dry-run", "--format", "json").stdout)

    assert plan["stages"] == {"new": 1, "onboarding": 1, "adoption": 1, "value": 1, "expansion": 1, "churned": 2}
    assert plan["needs"]["zone"] == ["A-ado"]
    assert len(plan["not_taken"]) == 14
    assert (plan["as_of"], plan["rows_after"], plan["run"]) == ("2024-12-31", 2, None)


def test_another_day_gives_another_plan(imports: Run) -> None:
    plan = json.loads(imports("--dry-run", "--format", "json", "--as-of", "2025-02-02").stdout)

    assert plan["stages"]["churned"] == 3
    assert plan["accounts"] == 8


def test_every_row_that_was_not_taken_stands_in_the_report(imports: Run, tmp_path: Path) -> None:
    imports("--dry-run", "--report", str(tmp_path / "report.csv"))

    with (tmp_path / "report.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert len(found) == 14
    assert found[0] == {
        "file": "ravenstack_accounts.csv", "row": "9", "account": "A-onb", "left out": "the row",
        "problem": "account_id is that of row 3 too",
    }  # fmt: skip


def test_a_portfolio_is_written_for_simulations_and_read_back(imports: Run, compiled: Compiled, tmp_path: Path) -> None:
    done = imports("--portfolio", str(tmp_path / "portfolio.jsonl"))
    lifecycle = next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))

    report = Report()
    found = {item.id: item for item in read_portfolio(tmp_path / "portfolio.jsonl", lifecycle, report)}

    assert "nothing was placed" in done.stdout
    assert not report.sorted()
    assert {name: item.signup.placed for name, item in found.items()} == PLACED
    assert len(found["A-ado"].signup.contracts) == 2
    assert len(found["A-onb"].events) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--as-of", "soon"), '"soon" is not a date'),
        (("--data", "nowhere"), "there is no folder nowhere"),
        (("--dry-run", "--report", "no/folder/x.csv"), "cannot write no/folder/x.csv"),
        (("--portfolio", "no/folder/x.jsonl"), "cannot write no/folder/x.jsonl"),
    ],
)
def test_misuse_says_what_to_write(imports: Run, arguments: tuple[str, ...], words: str) -> None:
    done = imports(*arguments)

    assert done.returncode == 2
    assert words in done.stderr


def test_a_mapping_that_is_wrong_is_shown_at_its_place(environment: dict[str, str], data: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(export.mappings()[1].replace("account_name", "acount_name"))
    argv = [sys.executable, "-m", "cli.main", "import", str(wrong), "--data", str(data), "--dry-run"]
    done = subprocess.run(argv, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert f'{wrong}:25:9: error: "ravenstack_accounts.csv" has no column "acount_name"' in done.stderr
    assert 'fix: did you mean "account_name"?' in done.stderr
    assert not done.stdout


# --- on the embedded server -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def up(start_for_module: Start) -> dict[str, str]:
    """The embedded set-up runs; a command reaches its Temporal because it is the one beside the database."""
    start_for_module("up").until("Ctrl-C")
    return {"TEMPORAL_CONFIG_FILE": os.devnull}


def stages(folder: Path) -> dict[str, str]:
    """The customers whose workflow has told where they stand."""
    return dict(rows(folder, "SELECT outer_id, stage FROM customers WHERE batch >= 0"))


def test_all_are_placed_once_and_nothing_is_sent(
    up: dict[str, str], imports: Run, folder: Path, data: Path, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    done = imports("--format", "json", **up)

    assert json.loads(done.stdout)["run"] == {"placed": 7, "there": 0, "waiting": 0}, done.stderr
    assert (data / "ravenstack-not-taken.csv").is_file()
    wait_until(lambda: len(stages(folder)) == 7)
    assert stages(folder) == PLACED
    for table in ("ledger", "outbox", "tasks", "approvals"):
        assert count(folder, f"SELECT count(*) FROM {table}") == 0, table
    assert rows(folder, "SELECT outer_id FROM customers WHERE stopped ORDER BY 1") == [("A-flag",), ("A-gone",)]
    told = dict(rows(folder, "SELECT f.name, f.value FROM told_facts f JOIN customers c ON c.id = f.customer "
                             "WHERE c.outer_id = 'A-ado'"))  # fmt: skip
    assert told == {
        "users.licensed": 17, "usage.core_features": 2, "support.tickets_30d": 2,
    }  # fmt: skip

    again = imports(**up)

    assert "nothing to do: all 7 are there" in again.stdout, again.stderr
    assert count(folder, "SELECT count(*) FROM inbox WHERE source = 'import'") == 7


@pytest.mark.nightly
def test_killed_in_the_middle_and_run_again_every_account_is_placed_once(
    up: dict[str, str],
    environment: dict[str, str],
    folder: Path,
    tmp_path: Path,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    """Killed again and again at whatever it was doing, each time a bit further."""
    line = "{0},Company {0},2024-0{1}-1{1},Starter,,DE,{0},,,2027-01-01,3,50,"
    names = export.LIST.splitlines()[0]
    accounts = [line.format(1000 + n, 1 + n % 9) for n in range(200)]
    (tmp_path / "customers.csv").write_text("\n".join([names, *accounts]) + "\n")
    (tmp_path / "list.yaml").write_text(export.mappings()[0])
    argv = [sys.executable, "-m", "cli.main", "import", str(tmp_path / "list.yaml")]
    mine = "FROM customers WHERE outer_id BETWEEN '1000' AND '1199'"
    for reached in (30, 90, 150):
        running = subprocess.Popen(argv, env={**environment, **up}, cwd=tmp_path, stdout=subprocess.DEVNULL)
        wait_until(lambda reached=reached: count(folder, f"SELECT count(*) {mine}") >= reached)  # type: ignore[misc]  # a default binds the loop's value
        running.send_signal(signal.SIGKILL)
        running.wait()
    done = subprocess.run(
        argv, env={**environment, **up}, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: count(folder, f"SELECT count(*) {mine} AND batch >= 0") == 200)
    assert count(folder, f"SELECT count(DISTINCT outer_id) {mine}") == count(folder, f"SELECT count(*) {mine}") == 200
    assert count(folder, "SELECT count(*) FROM inbox WHERE event_id LIKE 'customer-list/%'") == 200
    assert count(folder, "SELECT count(*) FROM inbox WHERE delivered_at IS NULL") == 0
    for table in ("ledger", "outbox", "tasks", "approvals"):
        assert count(folder, f"SELECT count(*) FROM {table}") == 0, table


def test_accounts_wait_for_temporal_and_a_gateway_delivers_them(
    up: dict[str, str],
    environment: dict[str, str],
    folder: Path,
    tmp_path: Path,
    unused_port: int,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    (tmp_path / "customers.csv").write_text(
        export.LIST.splitlines()[0] + "\n9,Nine,2024-01-01,Starter,,DE,,,,,,,Live\n"
    )
    (tmp_path / "list.yaml").write_text(export.mappings()[0].replace("customer-list", "other-list"))
    away = {**environment, **up, "TEMPORAL_ADDRESS": f"127.0.0.1:{unused_port}"}
    argv = [sys.executable, "-m", "cli.main", "import", str(tmp_path / "list.yaml"), "--format", "json"]
    done = subprocess.run(argv, env=away, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    assert json.loads(done.stdout)["run"]["placed"] == 1, done.stderr
    wait_until(lambda: stages(folder).get("9") == "adoption")
